"""Refusals and durations, counted by each worker in memory and written every few seconds."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from django.db import Error as DatabaseError
from django.db import transaction

from core import database_clock
from gateway.database import Runner
from gateway.models import EventFigures
from gateway.statistics import figures

MOST_WAITING = 20_000  # kinds of events: what is refused has the ids of APIs and applications that there are
BOUNDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000)  # milliseconds
LONGER: Final = "longer"
BUCKETS: Final = (*map(str, BOUNDS), LONGER)

log = logging.getLogger("gateway.statistics")

Event = tuple[str, str, str, str]  # API, application, kind, name


@dataclass(eq=False, kw_only=True, repr=False)
class EventCounter:
    """What one worker has counted and not yet written. Counting neither waits nor raises."""

    run: Runner
    clock: Callable[[], datetime] = database_clock.clock.datetime
    _waiting: Counter[Event] = field(default_factory=Counter, init=False)

    def count(self, api_id: str, application_id: str, kind: str, name: str) -> None:
        """Something happened: `refusal` and the status and code, `close` …"""
        event = (api_id, application_id, kind, name)
        if event in self._waiting or len(self._waiting) < MOST_WAITING:
            self._waiting[event] += 1

    def took(self, api_id: str, kind: str, seconds: float) -> None:
        """Something took so long: `dial` or `handshake`."""
        self.count(api_id, "", kind, BUCKETS[bisect_left(BOUNDS, seconds * 1000)])

    def is_waiting(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._waiting)

    async def write(self) -> None:
        """Write what waits. Never raises: while the database is away it waits on."""
        waiting, self._waiting = self._waiting, Counter()
        if not waiting:
            return
        begins = figures.minute_of(self.clock())
        rows = {(figures.MINUTE, begins, *event): (number,) for event, number in waiting.items()}
        try:
            await self.run(partial(transaction.atomic(figures.add), EventFigures, rows))
        except DatabaseError as error:
            log.debug("What was counted cannot be written down now: %s", error)
            self._waiting.update(waiting)
