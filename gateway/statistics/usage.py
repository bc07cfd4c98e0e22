"""What subscriptions have used of their plans, who is told when little is left, and what a month came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse

from accounts.notification_kinds import NotificationKind
from accounts.operations.notifications import notify
from core.rows import batches
from core.sentences import Sentence
from core.translating import gettext_noop
from devportal.memberships import keepers_of
from devportal.queries import names_of_applications, subscriptions_between
from gateway.models import LimitAlert, MonthlyStatement, TrafficFigures
from gateway.quotas.limits import PlanLimits, window_at
from gateway.quotas.rules import LeaseStore, api_account, application_account
from gateway.quotas.stores import open_store
from gateway.quotas.usage import PlanUsage, usages_of
from gateway.statistics.figures import SUMS
from gateway.statistics.queries import figures_since
from publisher.plan_terms import QuotaPeriod, QuotaUnit
from publisher.queries import names_of_apis

WARNED_AT: Final = (100, 80)  # per cent
LOOKED_BACK = timedelta(minutes=10)
ASKED_AT_ONCE: Final = 200  # subscriptions, of the store
SETTLED = timedelta(minutes=10)  # after a month, in which workers write what they have of it
LONGEST_PERIOD = timedelta(days=31)
MOST_NEAR: Final = 10
BILLED: Final = tuple(name for name in SUMS if name != "closed")


WARNINGS: Final = {
    100: gettext_noop(
        "%(application)s has used up its quota for %(api)s: %(used)s of %(limit)s %(unit)s %(period)s. It resets on "
        "%(reset)s UTC."
    ),
    80: gettext_noop(
        "%(application)s has used 80 %% of its quota for %(api)s: %(used)s of %(limit)s %(unit)s %(period)s. It resets "
        "on %(reset)s UTC."
    ),
}
UNITS: Final = {QuotaUnit.MESSAGES: gettext_noop("messages"), QuotaUnit.BYTES: gettext_noop("bytes")}
PERIODS: Final = {
    QuotaPeriod.MINUTE: gettext_noop("this minute"),
    QuotaPeriod.HOUR: gettext_noop("this hour"),
    QuotaPeriod.DAY: gettext_noop("this day"),
    QuotaPeriod.MONTH: gettext_noop("this month"),
}


@dataclass(frozen=True, slots=True)
class SubscriptionUsage:
    """A subscription and what is used of its plan now. `forecast` is the use of the whole period at today's pace."""

    subscription: Any
    usage: PlanUsage
    share: int = 0
    forecast: int = 0

    @property
    def kind(self) -> str:
        """How a meter of it looks."""
        return "bad" if self.share >= WARNED_AT[0] else "warn" if self.share >= WARNED_AT[1] else ""


def usages_now(subscriptions: Sequence[Any], now: datetime) -> list[SubscriptionUsage]:
    """What each subscription has used in the present period, the nearest to its limit first.

    Raises RedisError while the store does not answer.
    """
    asked = []
    for subscription in subscriptions:
        plan = subscription.plan
        limits = PlanLimits(  # what of it is counted over time, or at one time
            quota=plan.quota if plan.is_quota_kept else None,
            unit=QuotaUnit(plan.quota_unit),
            period=QuotaPeriod(plan.quota_period),
            connections=plan.connections,
        )
        asked.append((api_account(str(subscription.application_id), str(subscription.api_id)), limits))
    usages, found = usages_of(shared_store(), asked, now=now.timestamp()), []
    for subscription, usage in zip(subscriptions, usages, strict=True):
        share = forecast = 0
        if usage.quota is not None:
            window = window_at(usage.quota.period, now.timestamp())
            elapsed = max(1.0, now.timestamp() - window.start)
            forecast = round(usage.quota.used * (window.end - window.start) / elapsed)
            share = usage.quota.used * 100 // usage.quota.limit if usage.quota.limit else 100
        found.append(SubscriptionUsage(subscription, usage, share, forecast))
    return sorted(found, key=lambda each: -each.share)


@lru_cache(maxsize=1)
def shared_store() -> LeaseStore:
    """The store of quotas, as this process sees it."""
    return open_store(settings.REDIS_URL)


def warn(now: datetime) -> None:
    """Tell those who run applications that have used 80 or 100 % of a quota; once in its period for each."""
    since = int((now - LOOKED_BACK).timestamp())
    moving = figures_since(TrafficFigures, since, Q(period="m"))
    pairs = set(moving.values_list("application_id", "api_id").distinct())
    for some in batches(subscriptions_between(pairs), ASKED_AT_ONCE):
        for used in usages_now(some, now):
            reached = next((percent for percent in WARNED_AT if used.usage.quota and used.share >= percent), None)
            if reached:
                _warn_once(used, reached, now)


@transaction.atomic
def _warn_once(used: SubscriptionUsage, percent: int, now: datetime) -> None:
    subscription, quota = used.subscription, used.usage.quota
    assert quota is not None  # noqa: S101 - only who has one reaches a share of it
    begins = window_at(quota.period, now.timestamp()).start
    account = api_account(str(subscription.application_id), str(subscription.api_id))
    _, is_new = LimitAlert.objects.get_or_create(account=account, begins=begins, percent=percent)
    if not is_new:
        return
    sentence = Sentence(
        WARNINGS[percent],
        application=subscription.application,
        api=subscription.api,
        used=quota.used,
        limit=quota.limit,
        unit=Sentence(UNITS[QuotaUnit(quota.unit)]),
        period=Sentence(PERIODS[quota.period]),
        reset=quota.resets_at,
    )
    link = reverse("gateway:application-usage", args=[subscription.application_id])
    people = keepers_of(subscription.application)
    notify(people=people, kind=NotificationKind.LIMITS, sentence=sentence, link=link, now=now)
    LimitAlert.objects.filter(begins__lt=int((now - timedelta(days=62)).timestamp())).delete()


def near_a_limit(now: datetime) -> list[SubscriptionUsage]:
    """Who has used 80 % of a quota or more in its present period, the nearest to its end first; at most MOST_NEAR.

    Alerts say whom to look at, so that nobody else has to be asked about. Raises RedisError.
    """
    since = int((now - LONGEST_PERIOD).timestamp())
    accounts = LimitAlert.objects.filter(begins__gte=since).values_list("account", flat=True).distinct()
    named = (account.split(":") for account in accounts.order_by("account")[:ASKED_AT_ONCE])
    active = subscriptions_between((parts[1], parts[3]) for parts in named)  # of `api_account`
    return [each for each in usages_now(active, now) if each.share >= WARNED_AT[-1]][:MOST_NEAR]


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """When the month of a moment begins and ends, in UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + timedelta(days=32)).replace(day=1)


@transaction.atomic
def freeze(now: datetime) -> int:
    """Write the statements of the month before this one, unless they are there; how many were written.

    A figure that is written after that belongs to the month in which it is written: nothing is billed twice or never.
    """
    first, _ = month_of(now)
    month = (first - timedelta(days=1)).strftime("%Y-%m")
    if now - first < SETTLED or MonthlyStatement.objects.filter(month=month).exists():
        return 0
    rows = sums_of_month(first - timedelta(days=1), Q())
    apis = names_of_apis({row["api_id"] for row in rows})
    applications = names_of_applications({row["application_id"] for row in rows})
    statements = [
        MonthlyStatement(
            month=month,
            frozen_at=now,
            api_name=apis.get(row["api_id"], "deleted")[:100],
            application_name=applications.get(row["application_id"], "deleted")[:150],
            **row,
        )
        for row in rows
    ]
    return len(MonthlyStatement.objects.bulk_create(statements, batch_size=500))


def sums_of_month(moment: datetime, which: Q) -> list[dict[str, Any]]:
    """What the month of a moment has come to by now, for each application and API."""
    first, end = month_of(moment)
    rows = figures_since(TrafficFigures, int(first.timestamp()), which & Q(begins__lt=int(end.timestamp())))
    rows = rows.order_by("application_id", "api_id")
    sums = rows.values("application_id", "api_id").values_list("application_id", "api_id", *map(Sum, BILLED))
    return [
        {"application_id": application_id, "api_id": api_id, **dict(zip(BILLED, values, strict=True))}
        for application_id, api_id, *values in sums
    ]


def shared_quota(application: Any, now: datetime) -> PlanUsage:
    """What all of an application's tokens together have used of its application plan. Raises RedisError."""
    limits = PlanLimits.per_minute(application.plan.per_minute)
    asked = [(application_account(str(application.pk)), limits)]
    return usages_of(shared_store(), asked, now=now.timestamp())[0]
