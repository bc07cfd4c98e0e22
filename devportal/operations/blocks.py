"""Whom a publisher keeps out of an API. A block holds for all applications of its owner, later ones too."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from devportal import queries
from devportal.errors import ApiNotListed, BlockNotFound
from devportal.models import OwnerBlock, Subscription
from devportal.permissions import require_manage_subscribers
from devportal.subscription_states import AWAITING, BLOCKING, SubscriptionState
from publisher.models import Api


class OwnerBlocked(Conflict):
    """The publisher has blocked this person from the API."""


def block_owner(*, owner: User, api: Api, state: str, actor: User | None, now: datetime) -> OwnerBlock:
    """Keep `owner` out of `api`, or only with production keys, as `state` says; closes what is open.

    Subscriptions that wait for approval or were rejected stay as they are. Call it in a transaction that holds `api`.
    """
    block = queries.block_of(owner, api)
    verb = "updated" if block else "created"
    block = block or OwnerBlock(owner=owner, api=api, created_at=now)
    block.state, block.updated_at = state, now
    block.save()
    record_change(block, verb, actor=actor, now=now, state=str(state))
    _move_all(block, SubscriptionState(state), actor, now)
    return block


def lift_block(*, block: OwnerBlock, actor: User, now: datetime) -> None:
    """Let the owner in again, with every application.

    Raises RoleRequired, or BlockNotFound if somebody was faster.
    """
    require_manage_subscribers(actor, block.api)
    with transaction.atomic():
        rows.lock(block.api, gone=ApiNotListed, no_key=True)
        found = rows.lock(block, gone=BlockNotFound)
        record_change(found, "deleted", actor=actor, now=now)
        _move_all(found, SubscriptionState.UNBLOCKED, actor, now)
        found.delete()


def carry_blocks_over(*, api: Api, previous: Iterable[Api], actor: User | None, now: datetime) -> None:
    """Keep those out of `api` who are kept out of one of its `previous` versions, of which the newest comes first.

    Call it inside the transaction that publishes.
    """
    settled = set(OwnerBlock.objects.filter(api=api).values_list("owner_id", flat=True))
    for version in previous:
        for old in version.blocks.exclude(owner__in=settled).select_related("owner"):
            settled.add(old.owner_id)
            block_owner(owner=old.owner, api=api, state=old.state, actor=actor, now=now)


def state_at(owner: User, api: Api, otherwise: SubscriptionState) -> SubscriptionState:
    """What a subscription of `owner` to `api` may be: as the block says, if there is one."""
    block = queries.block_of(owner, api)
    return SubscriptionState(block.state) if block else otherwise


def require_let_in(owner: User, api: Api) -> None:
    """Raise OwnerBlocked if a block leaves nothing of `api` to `owner`."""
    if state_at(owner, api, SubscriptionState.UNBLOCKED) is SubscriptionState.BLOCKED:
        sentence = _(
            "The publisher has blocked %(owner)s from %(api)s, with every application. Ask %(provider)s to lift the "
            "block."
        )
        about = {"owner": owner.username, "api": api, "provider": api.provider.display_name}
        raise OwnerBlocked(sentence % about)


def _move_all(block: OwnerBlock, after: SubscriptionState, actor: User | None, now: datetime) -> None:
    concerned = Subscription.objects.filter(api=block.api_id, application__owner=block.owner_id)
    concerned = concerned.exclude(state__in=[after, *AWAITING])
    if after is SubscriptionState.UNBLOCKED:
        concerned = concerned.filter(state__in=BLOCKING)
    verb = "blocked" if after in BLOCKING else "unblocked"
    for row in concerned.select_related("plan"):
        before, row.state, row.updated_at = row.state, after.value, now
        row.save(update_fields=["state", "updated_at"])
        record_change(row, verb, actor=actor, now=now, **{"from": before, "state": after.value})
