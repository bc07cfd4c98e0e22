"""What this room does for the Publisher: carries subscriptions over to new versions, and counts whom it touches."""

from datetime import datetime
from typing import Any

from accounts.models import User
from devportal.operations import carry_subscriptions_over
from devportal.queries import count_applications, count_subscriptions_under
from publisher import impact, signals
from publisher.messages import Impact
from publisher.models import Api


def connect() -> None:
    """Start to listen; called once, when the room is ready."""
    signals.api_published.connect(api_published, dispatch_uid="carry_subscriptions_over")
    impact.register(subscribed_applications)
    impact.register_plan_counter(count_subscriptions_under)


def api_published(
    *, api: Api, actor: User, now: datetime, require_resubscription: bool, previous: list[Api], **_: Any
) -> None:
    """A version was published: the subscribers of older ones come along, unless they have to subscribe anew."""
    if not require_resubscription:
        carry_subscriptions_over(api=api, previous=previous, actor=actor, now=now)


def subscribed_applications(api: Api) -> Impact:
    """This room's part of the consequence of a change to `api`."""
    return Impact(applications=count_applications(api))
