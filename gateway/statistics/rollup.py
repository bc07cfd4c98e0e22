"""Minutes become part of their hour, hours of their day, days of their week; by one process, once a minute.

What is moved is added to where it goes in the transaction that deletes it, so that no sum ever changes. How long open
connections have been open is counted here too: nothing else writes a row of a connection on which nothing passes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Q

from core.upkeep import delete_batch
from gateway.models import ConnectionRecord
from gateway.statistics import figures
from gateway.statistics.figures import DAY, HOUR, MINUTE, NAMES, SECONDS, STATEMENTS, WEEK, FigureStatements

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
        for which in STATEMENTS.values():
            while move(which, of, into, limit):
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
def move(which: FigureStatements, of: str, into: str, limit: int) -> bool:
    """Move the rows of the oldest period of `into` that ended by `limit`; whether there were any."""
    rows = which.figures._default_manager.filter(period=of, begins__lt=limit)
    oldest = rows.order_by("begins").values_list("begins", flat=True).first()
    if oldest is None:
        return False
    begins = oldest // SECONDS[into] * SECONDS[into]
    end = begins + SECONDS[into]
    with database.cursor() as cursor:
        cursor.execute(which.move, [into, begins, of, begins, end])
    rows.filter(begins__gte=begins, begins__lt=end).delete()
    return True


def prune(now: datetime) -> int:
    """Delete a batch of weeks beyond the days that are kept, then of what nothing is alike in any more; how many.

    Who adds a figure to a likeness that is deleted in this moment is told, and does it again.
    """
    oldest = int((now - timedelta(days=settings.STATISTICS_DAYS)).timestamp())
    for which in STATEMENTS.values():
        figures, likenesses = which.figures._default_manager, which.likenesses._default_manager
        old = figures.filter(period__in=LASTING, begins__lt=oldest)
        if deleted := delete_batch(old) or delete_batch(likenesses.filter(figures=None)):
            return deleted
    return 0
