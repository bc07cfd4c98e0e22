"""Subscribing, changing plans, blocking, and carrying subscriptions over to a new version."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict, Invalid
from core.text import spaced
from devportal import news, queries
from devportal.errors import ApiNotListed
from devportal.models import Application, Subscription
from devportal.operations import blocks
from devportal.operations.applications import clean_reason, lock
from devportal.permissions import (
    can_manage_subscribers,
    require_manage_subscribers,
    require_pick_plan,
    require_use_application,
)
from devportal.subscription_states import (
    AWAITING,
    BLOCKING,
    LABELS,
    MAY_BECOME,
    SubscriptionState,
    first_state,
    state_under_new_plan,
)
from publisher.lifecycle import SUBSCRIBABLE
from publisher.models import Api, Plan
from publisher.queries import visible_to


class NotSubscribable(Conflict):
    """The API's state admits no new subscribers."""


class AlreadySubscribed(Conflict):
    """The application is subscribed to this API already."""


class PlanNotOffered(Invalid):
    """The API is not offered under this plan."""


class PlanUnchanged(Conflict):
    """The subscription has this plan already."""


class StepRefused(Conflict):
    """A subscription in this state cannot be put into that one."""


class SubscriptionMoved(Conflict):
    """Somebody else changed or removed the subscription in the meantime."""

    sentence = gettext_noop("Somebody changed this subscription in the meantime. Reload to see how it stands now.")


class TooManyApplications(Conflict):
    """The owner has as many applications subscribed to the API as the plan allows one person."""


def subscribe(*, application: Application, api: Api, plan: Plan, actor: User, now: datetime) -> Subscription:
    """Subscribe `application` to `api` under `plan`. It waits for approval if the plan asks for that.

    Raises NotYourApplication, ApplicationNotFound, ApiNotFound, NotSubscribable, OwnerBlocked, PlanNotOffered,
    PlanReserved, TooManyApplications or AlreadySubscribed.
    """
    require_use_application(actor, application)
    with transaction.atomic():
        api = rows.lock(api, gone=ApiNotListed, no_key=True)
        application = lock(application)
        # Whoever manages somebody's application neither sees more through it nor shows them more.
        if not Api.objects.filter(visible_to(actor), visible_to(application.owner), pk=api.pk).exists():
            raise ApiNotListed
        if api.stage not in SUBSCRIBABLE:
            about = {"api": api, "state": _(api.stage.label).lower()}
            raise NotSubscribable(
                _("%(api)s is %(state)s and takes no new subscribers. Look for another version of it.") % about
            )
        blocks.require_let_in(application.owner, api)
        _require_plan(actor, api, plan)
        _require_place(application, api, plan)
        state = blocks.state_at(application.owner, api, first_state(plan.requires_approval))
        subscription = _insert(application, api, plan, state, now)
        record_change(subscription, "created", actor=actor, now=now)
        if state is SubscriptionState.ON_HOLD:
            news.subscription_waits(subscription, now)
    return subscription


def change_plan(*, subscription: Subscription, plan: Plan, actor: User, now: datetime) -> Subscription:
    """Put a subscription under another plan: its owner may, and so may a publisher (who thereby approves it).

    Raises NotYourApplication, PlanUnchanged, PlanNotOffered, PlanReserved, TooManyApplications or SubscriptionMoved.
    """
    application, state = subscription.application, SubscriptionState(subscription.state)
    manages = can_manage_subscribers(actor, subscription.api)
    if not manages:
        require_use_application(actor, application)
    if plan.pk == subscription.plan_id:
        raise PlanUnchanged(_("The subscription is under %(plan)s already.") % {"plan": plan})
    with transaction.atomic():
        api = rows.lock(subscription.api, gone=SubscriptionMoved, no_key=True)
        _require_plan(actor, api, plan, reserved=not manages)
        if not manages:
            _require_place(application, api, plan)
            state = blocks.state_at(application.owner, api, state_under_new_plan(state, plan.requires_approval))
        detail = {"from": subscription.plan.name, "state": state}
        _move(subscription, now, plan=plan, state=state)
        record_change(subscription, "updated", actor=actor, now=now, **detail)
        if state is SubscriptionState.ON_HOLD:
            news.subscription_waits(subscription, now)
    return subscription


def move_subscriptions(*, api: Api, plan: Plan, successor: Plan, actor: User, now: datetime) -> int:
    """Put every subscription to `api` that is under `plan` under its `successor`; returns how many there were.

    Raises RoleRequired, PlanNotOffered or SubscriptionMoved.
    """
    require_manage_subscribers(actor, api)
    with transaction.atomic():
        found = list(api.subscriptions.filter(plan=plan).select_related("application__owner", "plan", "api"))
        for subscription in found:
            change_plan(subscription=subscription, plan=successor, actor=actor, now=now)
    return len(found)


def set_subscription_state(
    *, subscription: Subscription, state: str, reason: str = "", actor: User, now: datetime
) -> Subscription:
    """Block, unblock, approve or reject a subscription, as `subscription_states.MAY_BECOME` allows.

    The owner is told, with the `reason`.

    A block belongs to the owner: it and its end hold for all their applications at this API. Raises RoleRequired,
    StepRefused, OwnerBlocked (approving what belongs to somebody blocked) or SubscriptionMoved.
    """
    require_manage_subscribers(actor, subscription.api)
    before = SubscriptionState(subscription.state)
    if state not in MAY_BECOME[before]:
        wanted = LABELS[SubscriptionState(state)] if state in LABELS else state
        label = subscription.get_state_display()
        raise StepRefused(f"A subscription that is “{label}” cannot become “{wanted}”. Reload to see what is possible.")
    after, said = SubscriptionState(state), clean_reason(reason)
    owner = subscription.application.owner
    with transaction.atomic():
        api = rows.lock(subscription.api, gone=SubscriptionMoved, no_key=True)
        block = queries.block_of(owner, api)
        if block and before in AWAITING and after is SubscriptionState.UNBLOCKED:
            raise blocks.OwnerBlocked(f"{owner.display_name} is blocked from {api}. Lift the block, then approve this.")
        _move(subscription, now, state=after)
        Subscription.objects.filter(pk=subscription.pk).update(decision=said)
        subscription.decision = said
        is_open = after is SubscriptionState.UNBLOCKED
        verb = "blocked" if after in BLOCKING else "unblocked" if is_open else "updated"
        about = {"from": before.value, "state": after.value, **({"reason": said} if said else {})}
        record_change(subscription, verb, actor=actor, now=now, **about)
        if after in BLOCKING:
            blocks.block_owner(owner=owner, api=api, state=after, actor=actor, now=now)
        elif block and before in BLOCKING:
            blocks.lift_block(block=block, actor=actor, now=now)
        news.subscription_decided(subscription, before, now)
    return subscription


def unsubscribe(*, subscription: Subscription, actor: User, now: datetime) -> None:
    """End a subscription; open connections that rest on it are closed. A block of its owner stays.

    Raises NotYourApplication or SubscriptionMoved.
    """
    require_use_application(actor, subscription.application)
    with transaction.atomic():
        row = rows.lock(subscription, gone=SubscriptionMoved)
        record_change(row, "deleted", actor=actor, now=now)
        row.delete()


def carry_subscriptions_over(*, api: Api, previous: Iterable[Api], actor: User | None, now: datetime) -> int:
    """Give the subscribers of `previous` versions the same subscription to `api`; returns how many it gave.

    `previous` is newest first: where an application is subscribed to several, the newest counts. An application
    that is subscribed to `api` already is left alone, and so is one whose plan `api` does not offer. Call it inside
    the transaction that publishes.
    """
    offered = set(api.plans.values_list("pk", flat=True))
    done = set(Subscription.objects.filter(api=api).values_list("application_id", flat=True))
    carried = 0
    for old in (each for version in previous for each in version.subscriptions.select_related("application", "plan")):
        if old.application_id in done:
            continue
        done.add(old.application_id)
        if old.plan_id in offered:
            subscription = _insert(old.application, api, old.plan, old.state, now)
            record_change(subscription, "created", actor=actor, now=now, carried_from=str(old.pk))
            carried += 1
    return carried


def _require_plan(actor: User, api: Api, plan: Plan, *, reserved: bool = True) -> None:
    # Held until the transaction ends, so that it is not deleted from under the subscription.
    offered = Plan.objects.select_for_update(no_key=True, of=("self",)).filter(pk=plan.pk, apis=api)
    if offered.first() is None:
        about = {"api": api, "plan": plan}
        sentence = _("%(api)s is not offered under %(plan)s. Choose one of its own plans.") % about
        raise PlanNotOffered(sentence, {"plan": sentence})
    if reserved:
        require_pick_plan(actor, plan)


def _require_place(application: Application, api: Api, plan: Plan) -> None:
    """Raise TooManyApplications when others of the same owner take all that the plan has. Call it holding `api`."""
    if plan.applications is None:
        return
    others = Subscription.objects.filter(api=api, application__owner=application.owner_id)
    if others.exclude(application=application).count() >= plan.applications:
        about = {"count": spaced(plan.applications), "api": api, "plan": plan}
        sentence = ngettext(
            "You have %(count)s application subscribed to %(api)s, as many as %(plan)s allows one person. Use one of "
            "them, unsubscribe one first, or choose a plan that allows more.",
            "You have %(count)s applications subscribed to %(api)s, as many as %(plan)s allows one person. Use one of "
            "them, unsubscribe one first, or choose a plan that allows more.",
            plan.applications,
        )
        raise TooManyApplications(sentence % about)


def _insert(application: Application, api: Api, plan: Plan, state: str, now: datetime) -> Subscription:
    row = Subscription(application=application, api=api, plan=plan, state=state, created_at=now, updated_at=now)
    about = {"application": application, "api": api}
    sentence = _("%(application)s is subscribed to %(api)s already. Change its plan instead.") % about
    return rows.save(row, taken=lambda: AlreadySubscribed(sentence))


def _move(subscription: Subscription, now: datetime, *, state: str, plan: Plan | None = None) -> None:
    """Change plan and state if nobody has changed them since `subscription` was read."""
    new_plan = plan or subscription.plan
    unchanged = Subscription.objects.filter(pk=subscription.pk, plan_id=subscription.plan_id, state=subscription.state)
    if unchanged.update(plan=new_plan, state=state, updated_at=now) != 1:
        raise SubscriptionMoved
    subscription.plan, subscription.state, subscription.updated_at = new_plan, state, now
