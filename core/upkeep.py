"""Upkeep: what is over is deleted a batch at a time, by one process of the installation.

Rooms register what of theirs is ever over. Which process goes through it is settled by a guarded update of one row, on
every database alike; who dies at it loses the claim after LEASE.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import Error as DatabaseError
from django.db.models import Q, QuerySet

from core.models import ScheduledTask

TASK, FREQUENT_TASK = "upkeep", "statistics"
EVERY_MINUTE = timedelta(seconds=55)  # who looks once a minute finds it due each time
LEASE = timedelta(minutes=5)
BATCH = 1_000
"""Rows of one transaction: some ten milliseconds, so that nobody waits long for a lock."""

log = logging.getLogger("apimanager.upkeep")

Prune = Callable[[datetime], int]
registered: dict[str, Prune] = {}
frequent: dict[str, Callable[[datetime], object]] = {}
"""What one process of the installation does once a minute, by what it is about; rooms add theirs."""


def register(what: str, prune: Prune) -> None:
    """Add what `prune` deletes: at most a batch of what is over at the moment it is given; it returns how many rows."""
    registered[what] = prune


def run_frequent(*, holder: str, clock: Callable[[], datetime]) -> bool:
    """Do what is due once a minute, unless another process did; whether it was done."""
    now = clock()
    ScheduledTask.objects.get_or_create(name=FREQUENT_TASK, defaults={"due_at": now})
    mine = ScheduledTask.objects.filter(name=FREQUENT_TASK, due_at__lte=now)
    if mine.update(due_at=now + LEASE, holder=holder) != 1:
        return False
    for what, work in sorted(frequent.items()):
        try:
            work(now)
        except (DatabaseError, OSError) as error:
            log.warning("%s could not be done now: %s", what.capitalize(), error)
    claimed = ScheduledTask.objects.filter(name=FREQUENT_TASK, holder=holder)
    claimed.update(due_at=now + EVERY_MINUTE, ran_at=clock(), holder="")
    return True


def run(*, holder: str, clock: Callable[[], datetime], every: timedelta, asked: bool = False) -> dict[str, int] | None:
    """Delete all that is over, unless it is not yet time or another process is at it: then None.

    Returns how many rows of what. `holder` names this process; `asked` is for somebody who does not want to wait until
    `every` is over.
    """
    now = clock()
    ScheduledTask.objects.get_or_create(name=TASK, defaults={"due_at": now})
    may = Q(due_at__lte=now) | Q(holder="") if asked else Q(due_at__lte=now)
    if ScheduledTask.objects.filter(may, name=TASK).update(due_at=now + LEASE, holder=holder) != 1:
        return None
    mine = ScheduledTask.objects.filter(name=TASK, holder=holder)
    deleted = dict.fromkeys(sorted(registered), 0)
    for what in deleted:
        try:  # batch after batch for as long as the claim holds
            while mine.update(due_at=clock() + LEASE) == 1 and (batch := registered[what](clock())):
                deleted[what] += batch
        except (DatabaseError, OSError) as error:
            log.warning("%s could not be pruned now: %s", what.capitalize(), error)
    mine.update(due_at=now + every, ran_at=clock(), holder="")
    return {what: number for what, number in deleted.items() if number}


def delete_batch(rows: QuerySet[Any]) -> int:
    """Delete the first BATCH of `rows`, with what hangs on them; how many rows of `rows` that were."""
    some = list(rows.values_list("pk", flat=True)[:BATCH])
    if some:
        rows.model._default_manager.filter(pk__in=some).delete()
    return len(some)
