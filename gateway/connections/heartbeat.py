"""Each worker writes down every few seconds that it lives and how many connections it has open to which API.

A worker that was killed leaves a row that nobody believes after STALE_SECONDS and that the others sweep away.
"""

from __future__ import annotations

import logging
import os
import platform
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import Error as DatabaseError

from core import database_clock
from gateway.connections.registry import ConnectionRegistry
from gateway.database import Runner
from gateway.models import WorkerRecord

LOOK_SECONDS = 2.0
BEAT_SECONDS = 10.0
STALE_SECONDS = 30.0
SWEEP_SECONDS = 3600.0

log = logging.getLogger("gateway.heartbeat")


@dataclass(eq=False, kw_only=True, repr=False)
class Heartbeat:
    """Writes the row of one worker: at once when its counts changed (looked at every two seconds), else every ten."""

    connections: ConnectionRegistry
    run: Runner
    clock: Callable[[], datetime] = database_clock.clock.datetime
    worker_id: uuid.UUID = field(default_factory=uuid.uuid4, init=False)
    _started_at: datetime = field(default_factory=database_clock.clock.datetime, init=False)
    _written: dict[str, int] | None = field(default=None, init=False)
    _written_at: datetime = field(default=datetime.min.replace(tzinfo=UTC), init=False)

    async def beat(self) -> None:
        """Write the row if there is something to say. A database that is away is left to the change feed to report."""
        if not self.is_due():
            return
        counts, now = self._counts(), self.clock()
        try:
            await self.run(partial(write, self.worker_id, counts, started_at=self._started_at, now=now))
        except DatabaseError as error:
            log.debug("The heartbeat could not be written: %s", error)
        else:
            self._written, self._written_at = counts, now

    def is_due(self) -> bool:
        """Whether there is something to say."""
        is_late = (self.clock() - self._written_at).total_seconds() >= BEAT_SECONDS
        return is_late or self._counts() != self._written

    def _counts(self) -> dict[str, int]:
        return {api_id: len(open_to_it) for api_id, open_to_it in self.connections.by_api.items()}

    async def stop(self) -> None:
        """Take the row away; a database that is away will see it go stale instead."""
        try:
            await self.run(WorkerRecord.objects.filter(pk=self.worker_id).delete)
        except DatabaseError as error:
            log.debug("The heartbeat could not be taken away: %s", error)


def write(worker_id: uuid.UUID, counts: Mapping[str, int], *, started_at: datetime, now: datetime) -> None:
    """Write one worker's row and sweep away those of workers long gone."""
    WorkerRecord.objects.update_or_create(
        pk=worker_id,
        defaults={"seen_at": now, "connections": dict(counts)},
        create_defaults={
            "host": platform.node(),
            "pid": os.getpid(),
            "started_at": started_at,
            "seen_at": now,
            "connections": dict(counts),
        },
    )
    WorkerRecord.objects.filter(seen_at__lt=now - timedelta(seconds=SWEEP_SECONDS)).delete()
