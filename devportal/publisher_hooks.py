"""What this room does for those below: carries subscriptions over to new versions, and counts whom it touches."""

from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from accounts import consequences
from accounts.models import User
from devportal.operations import carry_blocks_over, carry_subscriptions_over, move_subscriptions
from devportal.queries import holdings_of
from publisher import impact, signals
from publisher.messages import Impact
from publisher.models import Api, Plan


def connect() -> None:
    """Start to listen; called once, when the room is ready."""
    signals.api_published.connect(api_published, dispatch_uid="carry_subscriptions_over")
    impact.register(lambda api: Impact(applications=api.subscriptions.count()))
    consequences.register(lambda user: holdings_of(user, timezone.now()))
    impact.register_plan_counter(lambda plan: plan.subscriptions.count())
    impact.register_subscriber_counter(
        lambda api: dict(api.subscriptions.order_by().values_list("plan__name").annotate(number=Count("pk")))
    )
    signals.plan_replaced.connect(plan_replaced, dispatch_uid="move_subscriptions")


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
