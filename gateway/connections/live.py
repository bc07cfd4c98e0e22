"""What passes on open connections, reported by each worker once a second while somebody looks at them.

Who looks says so in a row (`LiveWatch`) that runs out by itself. Nothing is done, and nothing is written, while nobody
does. However many connections there are, a worker spends at most SHARE of its time on it: reports of very many come
less often.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
import zlib
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from struct import Struct
from typing import Final, NamedTuple

from django.db import Error as DatabaseError
from django.db import connection as database

from core import database_clock
from core.rows import batches
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.database import Runner, WriteMark
from gateway.models import LiveFigures, LiveWatch
from gateway.pulse import rest
from gateway.relay.types import Traffic

LOOK_SECONDS = 1.0
SHARE = 0.03  # of a core; ten thousand connections take 25 ms
WATCH_SECONDS = 15.0
CONNECTIONS_AT_ONCE = 250  # about a millisecond
EVERYTHING: Final = "all"
WAITS: Final = ("", "plan", "backpressure")

log = logging.getLogger("gateway.live")
ROW = Struct("<16s4q2fdB")
# In words of its own, because making them costs more than asking.
_WATCHED = f'SELECT {LiveWatch._meta.pk.column} FROM {LiveWatch._meta.db_table} WHERE "until" >= %s'  # noqa: S608


class Figures(NamedTuple):
    """What is known of a connection now. Rates are messages a second; `active_at` is in seconds since the epoch."""

    traffic: Traffic
    rate_in: float
    rate_out: float
    active_at: float
    waits: str


@dataclass(eq=False, kw_only=True, repr=False)
class LiveReporter:
    """Reports of one worker's connections."""

    worker_id: uuid.UUID
    connections: ConnectionRegistry
    run: Runner
    mark: WriteMark | None = None
    clock: Callable[[], datetime] = database_clock.clock.datetime
    _seen: dict[str, Traffic] = field(default_factory=dict, init=False)
    _seen_at: float = field(default=0.0, init=False)
    _unwatched_mark: Hashable = field(default=None, init=False)

    async def keep(self) -> None:
        """Report until cancelled."""
        while True:
            spent = 0.0
            try:
                spent = await self.report()
            except DatabaseError as error:
                log.debug("Nobody can be told of open connections now: %s", error)
            await rest(max(LOOK_SECONDS, spent / SHARE), self._may_be_watched)

    async def report(self) -> float:
        """Report once if somebody looks; the seconds that this kept the loop. Raises `django.db.Error`."""
        if not self._may_be_watched():
            return 0.0
        now = self.clock()
        mark = self.mark.known() if self.mark else None
        scopes = await self.run(partial(watched, now))
        self._unwatched_mark = None if scopes else mark
        if not scopes:
            if self._seen_at:
                self._seen, self._seen_at = {}, 0.0
                await self.run(LiveFigures.objects.filter(pk=self.worker_id).delete)
            return 0.0
        before, self._seen = self._seen, {}
        elapsed, self._seen_at = now.timestamp() - self._seen_at, now.timestamp()
        packed, spent = bytearray(), 0.0
        for some in batches(self._looked_at(scopes), CONNECTIONS_AT_ONCE):
            begun = time.thread_time()
            for connection in some:
                packed += self._pack(connection, before.get(connection.id), elapsed)
            spent += time.thread_time() - begun
            await asyncio.sleep(0)
        await self.run(partial(write, self.worker_id, bytes(packed), now))
        return spent

    def _may_be_watched(self) -> bool:
        """Whether somebody looked, or may have written that he does."""
        mark = self.mark.known() if self.mark else None
        return mark is None or mark != self._unwatched_mark

    def _looked_at(self, scopes: Iterable[str]) -> list[Connection]:
        if EVERYTHING in scopes:
            return list(self.connections)
        found: dict[Connection, None] = {}
        for scope in scopes:
            kind, _, key = scope.partition(":")
            if kind == "api":
                found |= dict.fromkeys(self.connections.by_api.get(key, ()))
            elif kind == "owner":
                found |= dict.fromkeys(each for each in self.connections if each.admitted.grant.owner_id == key)
        return list(found)

    def _pack(self, connection: Connection, before: Traffic | None, elapsed: float) -> bytes:
        relay = connection.relay
        if relay is None:
            return b""
        now = relay.traffic()
        self._seen[connection.id] = now
        rate_in = rate_out = 0.0
        if before is not None and before != now:
            connection.active_at = self._seen_at
            rate_in, rate_out = (now[0] - before[0]) / elapsed, (now[2] - before[2]) / elapsed
        waits = WAITS.index(relay.waits())
        return ROW.pack(bytes.fromhex(connection.id), *now, rate_in, rate_out, connection.active_at, waits)


def watched(now: datetime) -> list[str]:
    """What somebody looks at."""
    with database.cursor() as cursor:
        cursor.execute(_WATCHED, [database.ops.adapt_datetimefield_value(now)])
        return [scope for (scope,) in cursor.fetchall()]


def watch(scope: str, now: datetime) -> None:
    """Have workers report the connections of a scope for a while: `all`, `api:` or `owner:` with an id."""
    until = now + timedelta(seconds=WATCH_SECONDS)
    LiveWatch.objects.update_or_create(pk=scope, defaults={"until": until})
    LiveWatch.objects.filter(until__lt=now - timedelta(hours=1)).delete()
    LiveFigures.objects.filter(at__lt=now - timedelta(hours=1)).delete()


def write(worker_id: uuid.UUID, packed: bytes, now: datetime) -> None:
    """Put a worker's report in the place of the one before."""
    given = {"at": now, "figures": zlib.compress(packed, 1)}
    LiveFigures.objects.update_or_create(pk=worker_id, defaults=given)


def unpack(figures: bytes) -> dict[str, Figures]:
    """A report, by the id of each connection."""
    return {
        name.hex(): Figures(Traffic(*rest[:4]), rest[4], rest[5], rest[6], WAITS[rest[7]])
        for name, *rest in ROW.iter_unpack(zlib.decompress(figures))
    }
