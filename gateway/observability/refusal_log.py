"""Who was not let in, to where and why, written by a task of its own so that people can be told.

A flood costs little: what was refused within a second is written at once, at most so many rows, and further refusals
like one of them raise its `times`. Rows are kept for a day, and never more than MOST_ROWS.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from django.db import Error as DatabaseError
from django.db.models import F

from core import database_clock
from devportal.attempts import RefusedAttempt
from gateway.database import Runner
from gateway.handshake.request import Handshake
from gateway.models import RefusalRecord
from gateway.observability.telemetry import RefusedRequest
from gateway.refusals import Refusal

WRITE_SECONDS = 1.0
PRUNE_SECONDS = 60.0
KEPT = timedelta(days=1)
MOST_ROWS = 20_000
MOST_AT_ONCE = 200  # rows of one worker in a second, or for as long as the database is away
MOST_ALIKE = 5  # of these, for one client that is refused for one reason

log = logging.getLogger("gateway.refusal_log")

Concerns = Callable[[Handshake], tuple[str, str]]
Likeness = tuple[str, str, int]


class RefusalLog:
    """The refusals of one worker. `concerns` names the API and the application of a handshake, as far as is known."""

    def __init__(
        self, *, run: Runner, concerns: Concerns, clock: Callable[[], datetime] = database_clock.clock.datetime
    ) -> None:
        self._run = run
        self._concerns = concerns
        self._clock = clock
        self._waiting: list[RefusalRecord] = []
        self._latest: dict[Likeness, RefusalRecord] = {}
        self._alike: dict[tuple[str, Likeness], int] = {}
        self._pruned_at = clock()

    def refused(self, refusal: Refusal, request: RefusedRequest) -> None:
        """A client was refused. Neither waits nor raises."""
        api_id, application_id = "", ""
        if request.admitted:
            api_id, application_id = request.admitted.route.api_id, request.admitted.grant.application_id
        elif request.handshake:
            api_id, application_id = self._concerns(request.handshake)
        like = (api_id, application_id, refusal.code)
        alike = self._alike.get((request.client_ip, like), 0)
        if alike < MOST_ALIKE and len(self._waiting) < MOST_AT_ONCE:
            self._alike[request.client_ip, like] = alike + 1
            self._latest[like] = row = RefusalRecord(
                request_id=request.id,
                attempt=request.attempt,
                at=self._clock(),
                api_id=api_id,
                application_id=application_id,
                client_ip=request.client_ip[:45],
                path=request.path.encode("ascii", "backslashreplace").decode().replace("\0", "")[:200],
                status=refusal.status,
                code=refusal.code,
                message=refusal.message[:100],
                description=refusal.description[:300],
            )
            self._waiting.append(row)
        elif known := self._latest.get(like):
            known.times += 1

    async def keep(self) -> None:
        """Write and prune until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()
            now = self._clock()
            if now - self._pruned_at >= timedelta(seconds=PRUNE_SECONDS):
                self._pruned_at = now
                with suppress(DatabaseError):
                    await self._run(partial(prune, now))

    async def write(self) -> None:
        """Write what waits. Never raises: while the database is away the first rows wait on, the others are counted."""
        if not self._waiting:
            return
        waiting, latest, alike = self._waiting, self._latest, self._alike
        self._waiting, self._latest, self._alike = [], {}, {}
        try:
            await self._run(partial(RefusalRecord.objects.bulk_create, waiting))
        except DatabaseError as error:
            log.debug("Refusals cannot be written down now: %s", error)
            self._waiting = (waiting + self._waiting)[:MOST_AT_ONCE]
            self._latest, self._alike = {**latest, **self._latest}, {**alike, **self._alike}


def refusal_of(attempt: str) -> RefusedAttempt | None:
    """How the handshake was refused to which its client gave this id."""
    row = RefusalRecord.objects.filter(attempt=attempt).order_by("-id").first()
    if row is None:
        return None
    return RefusedAttempt(row.status, row.code, row.message, row.description, row.application_id)


def prune(now: datetime) -> None:
    """Delete what is older than a day, and the oldest of what is too much."""
    RefusalRecord.objects.filter(at__lt=now - KEPT).delete()
    surplus = RefusalRecord.objects.order_by(F("id").desc()).values_list("pk", flat=True)[MOST_ROWS : MOST_ROWS + 1]
    for last in surplus:
        RefusalRecord.objects.filter(pk__lte=last).delete()
