"""Telling owners that an application has used most of its quota. The gateway knows how much; it registers at start."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from accounts.models import Notification
from accounts.notification_kinds import NotificationKind
from devportal import news
from devportal.models import Subscription
from devportal.subscription_states import SubscriptionState
from publisher.plan_terms import ExceededAction, QuotaPeriod

SAID_AT = (100, 80)  # per cent, the highest first
LONG = (QuotaPeriod.DAY, QuotaPeriod.MONTH)  # of shorter periods people are told by their clients
AT_ONCE = 500
log = logging.getLogger("apimanager.limits")

Asked = tuple[str, str, str, str]
Reader = Callable[[Sequence[Asked]], list[tuple[int, datetime]]]
_readers: list[Reader] = []


def register(reader: Reader) -> None:
    """Add who knows, for each application, API, unit and period, what is spent now and when the period ends."""
    if reader not in _readers:
        _readers.append(reader)


def look_at_limits(now: datetime) -> int:
    """Tell owners whose applications have used 80 or 100 % of a day's or month's quota, each once a period.

    Nothing is deleted, so it returns 0 to the upkeep that calls it.
    """
    rows = Subscription.objects.filter(plan__quota__isnull=False, plan__quota_period__in=LONG)
    rows = rows.filter(state=SubscriptionState.UNBLOCKED, application__is_internal=False)
    rows = rows.exclude(plan__over_quota=ExceededAction.PASS).select_related("application__owner", "api", "plan")
    some: list[Subscription] = []
    for row in rows.order_by("pk").iterator(AT_ONCE):
        some.append(row)
        if len(some) == AT_ONCE:
            _look_at(some, now)
            some = []
    _look_at(some, now)
    return 0


def _look_at(rows: Sequence[Subscription], now: datetime) -> None:
    asked = [(str(row.application_id), str(row.api_id), row.plan.quota_unit, row.plan.quota_period) for row in rows]
    for reader in _readers if asked else ():
        for row, (used, ends) in zip(rows, reader(asked), strict=True):
            reached = next((level for level in SAID_AT if 100 * used >= level * (row.plan.quota or 1)), None)
            if reached:
                _tell(row, reached, ends, now)


def _tell(row: Subscription, reached: int, ends: datetime, now: datetime) -> None:
    sentence = news.limit_reached(row, reached, ends)
    told = Notification.objects.filter(user=row.application.owner_id, kind=NotificationKind.LIMITS, sentence=sentence)
    if not told.filter(created_at__gt=now - timedelta(days=40)).exists():
        news.tell_of_limit(row, sentence, now)
