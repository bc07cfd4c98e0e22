"""Minutes become part of their hour, hours of their day, days of their week; by one process, once a minute.

What is moved is added to where it goes in the transaction that deletes it, so that no sum ever changes. How long open
connections have been open is counted here too: nothing else writes a row of a connection on which nothing passes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum

from core.upkeep import delete_batch
from gateway.models import ConnectionRecord, EventFigures, TrafficFigures
from gateway.statistics import figures
from gateway.statistics.figures import COLUMNS, DAY, HOUR, MINUTE, NAMES, SECONDS, WEEK

MINUTES_KEPT: Final = 2 * 3600  # seconds; of the hour that this falls into nothing is moved yet
HOURS_KEPT: Final = 8 * 86400
DAYS_KEPT: Final = 70 * 86400  # months are billed and looked at by day, a year by week
AT_ONCE = 1000
LASTING: Final = (DAY, WEEK)  # days too, where fewer are kept than become weeks
COUNTED_AFTER = timedelta(seconds=50)
STEPS: Final = ((MINUTE, HOUR, MINUTES_KEPT), (HOUR, DAY, HOURS_KEPT), (DAY, WEEK, DAYS_KEPT))


def run(now: datetime) -> None:
    """Do everything that is due."""
    count_open(now)
    for of, into, kept in STEPS:
        limit = (int(now.timestamp()) - kept) // SECONDS[into] * SECONDS[into]
        while move(TrafficFigures, of, into, limit):
            pass
        while move(EventFigures, of, into, limit):
            pass


def count_open(now: datetime) -> None:
    """Add the time since it was counted last of every open connection."""
    due = Q(counted_until__lt=now - COUNTED_AFTER) | Q(counted_until=None, started_at__lt=now - COUNTED_AFTER)
    rows = ConnectionRecord.objects.filter(due, ended_at=None).order_by("pk")
    last = ""
    while True:
        with transaction.atomic():
            some = list(rows.filter(pk__gt=last).select_for_update().values(*NAMES)[:AT_ONCE])
            if not some:
                return
            last = some[-1]["id"]
            ConnectionRecord.objects.filter(pk__in=[row["id"] for row in some]).update(counted_until=now)
            figures.account([(row, {**row, "counted_until": now}) for row in some], now)


@transaction.atomic
def move(model: type[TrafficFigures | EventFigures], of: str, into: str, limit: int) -> int:
    """Move the rows of the oldest period of `into` that ended by `limit`; how many there were."""
    keys, sums = COLUMNS[model]
    rows = model._default_manager.filter(period=of, begins__lt=limit)
    oldest = rows.order_by("begins").values_list("begins", flat=True).first()
    if oldest is None:
        return 0
    begins = oldest // SECONDS[into] * SECONDS[into]
    rows = rows.filter(begins__lt=begins + SECONDS[into])
    kept = [name for name in keys if name not in ("period", "begins", "worker")]
    groups = rows.order_by().values_list(*kept).annotate(*(Sum(F(name)) for name in sums))
    middle = ("",) if "worker" in keys else ()
    figures.add(model, {(into, begins, *middle, *group[: len(kept)]): group[len(kept) :] for group in groups})
    return rows.delete()[0]


def prune(now: datetime) -> int:
    """Delete a batch of weeks beyond the days that are kept; how many they were."""
    oldest = int((now - timedelta(days=settings.STATISTICS_DAYS)).timestamp())
    traffic = TrafficFigures.objects.filter(period__in=LASTING, begins__lt=oldest)
    return delete_batch(traffic) or delete_batch(EventFigures.objects.filter(period__in=LASTING, begins__lt=oldest))
