"""Who was not let in, to where and why, written by a task of its own so that people can be told.

A flood costs little: what was refused within a second is written at once, at most so many rows, and further refusals
like one of them raise its `times`. Of what is alike and older than a minute a few rows of each hour stay, and count the
others. Rows are kept for a week, and never more than MOST_ROWS.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F

from core import database_clock
from devportal.attempts import RefusedAttempt
from gateway.authorization.decision import Allow
from gateway.database import Runner
from gateway.handshake.request import Handshake
from gateway.models import RefusalRecord
from gateway.pulse import rest
from gateway.refusals import Refusal
from gateway.statistics.events import EventCounter

WRITE_SECONDS = 1.0
PRUNE_SECONDS = 60.0
KEPT = timedelta(days=7)
MOST_ROWS = 20_000
MOST_AT_ONCE = 200  # rows of one worker in a second, or for as long as the database is away
MOST_ALIKE = 5  # of these, for one client that is refused for one reason
FOLDED_AFTER = timedelta(minutes=1)
FOLDED_WITHIN = timedelta(hours=2)  # after which nothing is left to be folded
MOST_OF_CLIENT, MOST_OF_CAUSE = 5, 100  # rows that stay of one hour

log = logging.getLogger("gateway.refusal_log")

Concerns = Callable[[Handshake], tuple[str, str]]
Likeness = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """What is known of a request that was refused: little, where it was not even looked into."""

    id: str
    client_ip: str = ""
    path: str = ""
    attempt: str = ""
    handshake: Handshake | None = None
    admitted: Allow | None = None


@dataclass(eq=False, kw_only=True, repr=False)
class RefusalLog:
    """The refusals of one worker. `concerns` names the API and the application of a handshake, as far as is known."""

    run: Runner
    concerns: Concerns
    events: EventCounter | None = None
    clock: Callable[[], datetime] = database_clock.clock.datetime
    _waiting: list[RefusalRecord] = field(default_factory=list, init=False)
    _latest: dict[Likeness, RefusalRecord] = field(default_factory=dict, init=False)
    _alike: dict[tuple[str, Likeness], int] = field(default_factory=dict, init=False)
    _pruned_at: datetime = field(default_factory=database_clock.clock.datetime, init=False)

    def refused(self, refusal: Refusal, request: RefusedRequest) -> None:
        """A client was refused. Neither waits nor raises."""
        api_id, application_id = "", ""
        if request.admitted:
            api_id, application_id = request.admitted.route.api_id, request.admitted.grant.application_id
        elif request.handshake:
            api_id, application_id = self.concerns(request.handshake)
        if self.events:
            self.events.count(api_id, application_id, "refusal", f"{refusal.status} {refusal.code}")
        like = (api_id, application_id, refusal.code)
        alike = self._alike.get((request.client_ip, like), 0)
        if alike < MOST_ALIKE and len(self._waiting) < MOST_AT_ONCE:
            self._alike[request.client_ip, like] = alike + 1
            self._latest[like] = row = RefusalRecord(
                request_id=request.id,
                attempt=request.attempt,
                at=self.clock(),
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
            await rest(WRITE_SECONDS, self._is_due)
            await self.write()
            now = self.clock()
            if now - self._pruned_at >= timedelta(seconds=PRUNE_SECONDS):
                self._pruned_at = now
                with suppress(DatabaseError):
                    await self.run(partial(prune, now))

    def _is_due(self) -> bool:
        """Whether something waits, or it is time to prune."""
        return bool(self._waiting) or self.clock() - self._pruned_at >= timedelta(seconds=PRUNE_SECONDS)

    async def write(self) -> None:
        """Write what waits. Never raises: while the database is away the first rows wait on, the others are counted."""
        if not self._waiting:
            return
        waiting, latest, alike = self._waiting, self._latest, self._alike
        self._waiting, self._latest, self._alike = [], {}, {}
        try:
            await self.run(partial(RefusalRecord.objects.bulk_create, waiting))
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
    """Fold floods, delete what is older than a week, and the oldest of what is too much.

    A few rows stay of each hour of what one client was refused for, and some more of what all were.
    """
    young = RefusalRecord.objects.filter(at__gte=now - FOLDED_WITHIN, at__lt=now - FOLDED_AFTER).order_by("-pk")
    by_client: defaultdict[Any, list[RefusalRecord]] = defaultdict(list)
    by_cause: defaultdict[Any, list[RefusalRecord]] = defaultdict(list)
    for row in young.iterator():
        cause = (row.api_id, row.application_id, row.code, row.description, row.at.date(), row.at.hour)
        alike = by_client[cause, row.client_ip]
        alike.append(row)
        if len(alike) <= MOST_OF_CLIENT:
            by_cause[cause].append(row)
    for rows in by_client.values():
        _fold(rows[:MOST_OF_CLIENT], rows[MOST_OF_CLIENT:])
    for rows in by_cause.values():
        _fold(rows[:MOST_OF_CAUSE], rows[MOST_OF_CAUSE:])
    RefusalRecord.objects.filter(at__lt=now - KEPT).delete()
    surplus = RefusalRecord.objects.order_by(F("id").desc()).values_list("pk", flat=True)[MOST_ROWS : MOST_ROWS + 1]
    for last in surplus:
        RefusalRecord.objects.filter(pk__lte=last).delete()


def _fold(kept: list[RefusalRecord], surplus: list[RefusalRecord]) -> None:
    """Have the last that is kept stand for the surplus, unless another worker has just done it."""
    if not surplus:
        return
    with suppress(FoldedElsewhere), transaction.atomic():
        rows = RefusalRecord.objects.filter(pk__in=[row.pk for row in surplus])
        times = sum(rows.select_for_update().values_list("times", flat=True))
        if rows.delete()[0] != len(surplus):
            raise FoldedElsewhere
        since = min(row.since or row.at for row in surplus)
        changed = RefusalRecord.objects.filter(pk=kept[-1].pk).update(times=F("times") + times, since=since)
        if changed != 1:
            raise FoldedElsewhere


class FoldedElsewhere(Exception):
    """Another worker was faster."""
