"""What this room does for those below: carries subscriptions over to new versions, and counts whom it touches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from accounts import consequences
from accounts.account_hooks import DELETION_HOOKS, DISABLING_HOOKS
from accounts.models import User
from devportal import news
from devportal.broken_clients import tell_owners
from devportal.models import Subscription
from devportal.operations import carry_blocks_over, carry_subscriptions_over, move_subscriptions
from devportal.operations.applications import delete_applications_of
from devportal.queries import holdings_of, newest_subscriptions_to
from publisher import impact, signals
from publisher.models import Api, Plan


def connect() -> None:
    """Start to listen; called once, when the room is ready."""
    signals.api_published.connect(api_published, dispatch_uid="carry_subscriptions_over")
    DELETION_HOOKS.register(delete_applications_of)
    DISABLING_HOOKS.register(news.maker_disabled)
    consequences.register(lambda user: holdings_of(user, timezone.now()))
    impact.register(
        applications=lambda api: api.subscriptions.count(),
        under=lambda plan: plan.subscriptions.count(),
        by_plan=lambda api: dict(api.subscriptions.order_by().values_list("plan__name").annotate(number=Count("pk"))),
        by_api=subscriptions_among,
        newest=newest_subscriptions,
    )
    signals.api_moved.connect(news.api_moved, dispatch_uid="tell_of_moves")
    signals.plan_replaced.connect(plan_replaced, dispatch_uid="move_subscriptions")
    signals.clients_broken.connect(tell_owners, dispatch_uid="tell_owners")
    signals.clients_broken.connect(news.tell_followers, dispatch_uid="tell_followers")


def subscriptions_among(apis: Sequence[Api]) -> dict[str, int]:
    """How many subscriptions there are to each of these APIs, in one query."""
    rows = Subscription.objects.filter(api__in=[api.pk for api in apis]).order_by()
    return {str(pk): number for pk, number in rows.values_list("api").annotate(number=Count("pk"))}


def newest_subscriptions(api: Api, most: int) -> list[impact.Subscribed]:
    """Who subscribed last, for the Overview."""
    return [
        impact.Subscribed(
            row.application.name,
            row.application.owner.display_name,
            row.plan.display_name,
            row.get_state_display(),
            row.created_at,
        )
        for row in newest_subscriptions_to(api, most)
    ]


def api_published(
    *, api: Api, actor: User, now: datetime, require_resubscription: bool, previous: list[Api], **_: Any
) -> None:
    """A version was published: subscribers of older ones come along, unless they have to subscribe anew; blocks do."""
    carry_blocks_over(api=api, previous=previous, actor=actor, now=now)
    if not require_resubscription:
        carry_subscriptions_over(api=api, previous=previous, actor=actor, now=now)


def plan_replaced(*, api: Api, plan: Plan, successor: Plan, actor: User, now: datetime, **_: Any) -> None:
    """A plan was withdrawn from an API, and its subscribers go on under another one."""
    move_subscriptions(api=api, plan=plan, successor=successor, actor=actor, now=now)
