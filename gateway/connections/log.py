"""One row for each connection, written by a task of its own; one module, for a row is the same wherever it ends.

What opens or ends is put into a buffer, and the buffer is written every second: a connection that came and went in
between is one write. Every ten seconds the figures of open connections are brought up to date, and rows that a worker
left open when it was killed are closed. While the database is away the buffer keeps what it can.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Container, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Final

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection as database
from django.db import models, transaction

from core import database_clock
from core.rows import batches
from core.upkeep import delete_batch
from gateway.authorization.decision import Allow
from gateway.connections.heartbeat import STALE_SECONDS
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.database import Runner
from gateway.models import ConnectionRecord, WorkerRecord
from gateway.pulse import rest
from gateway.relay.types import CloseInfo, Traffic
from gateway.statistics import figures
from gateway.statistics.figures import NAMES

WRITE_SECONDS = 1.0
REFRESH_SECONDS = 10.0
YOUNG_SECONDS = 60.0  # a worker's first rows may come before its heartbeat
MOST_WAITING = 50_000
MOST_AT_ONCE = 200  # some milliseconds
CONNECTIONS_AT_ONCE = 200
MOST_DECIDED = 4096
LOST = CloseInfo("gateway", 1006, 1006, "The gateway's process ended unexpectedly.")

log = logging.getLogger("gateway.connection_log")

Values = dict[str, Any]


@dataclass(eq=False, kw_only=True, repr=False)
class ConnectionLog:
    """The rows of one worker's connections."""

    worker_id: uuid.UUID
    connections: ConnectionRegistry
    run: Runner
    clock: Callable[[], datetime] = database_clock.clock.datetime
    # One that is open is written as it is by then.
    _waiting: dict[str, Connection | Values] = field(default_factory=dict, init=False)
    _written: dict[str, tuple[Traffic, float]] = field(default_factory=dict, init=False)
    # Of these the database may know: those that are open, and were written once.
    _sent: set[str] = field(default_factory=set, init=False)
    _lost: int = field(default=0, init=False)
    _refreshed_at: datetime = field(default_factory=database_clock.clock.datetime, init=False)
    _is_restored: bool = field(default=False, init=False)

    def opened(self, connection: Connection) -> None:
        """A client was let in."""
        traffic = connection.relay.traffic() if connection.relay else Traffic()
        self._written[connection.id] = traffic, connection.admitted.grant.expires_at
        self._put(connection, connection)

    def ended(self, connection: Connection) -> None:
        """A connection has ended."""
        assert connection.relay is not None  # noqa: S101
        now = self.clock()
        before = self._written.pop(connection.id, None)
        if before and before[0] != connection.relay.traffic():
            connection.active_at = now.timestamp()
        values = _values(connection, self.worker_id)
        values.update(_ending(connection.relay.close_info(), now))
        self._put(connection, values)

    def write_anew(self) -> None:
        """Have every open connection written at the next opportunity, and no other stand as open in this worker's name.

        What was written may be gone: the database was restored.
        """
        self._written.clear()
        self._refreshed_at = datetime.min.replace(tzinfo=UTC)
        self._is_restored = True

    async def keep(self) -> None:
        """Write until cancelled."""
        while True:
            await rest(WRITE_SECONDS, self._is_due)
            await self.write()
            now = self.clock()
            with suppress(DatabaseError):
                if now - self._refreshed_at >= timedelta(seconds=REFRESH_SECONDS):
                    self._refreshed_at = now
                    await self.refresh()
                    await self.run(partial(close_abandoned, now))
                    if self._is_restored:
                        known = {each.id for each in self.connections}
                        await self.run(partial(close_unknown, self.worker_id, known, now))
                        self._is_restored = False

    async def stop(self) -> None:
        """Write what is left; what cannot be written is said to be lost."""
        await self.write()
        if lost := self._lost + len(self._waiting):
            log.error("%d connections could not be written down.", lost)

    async def write(self) -> None:
        """Write what waits by now; what comes meanwhile is for the next time. Never raises: what cannot be waits on."""
        for names in batches(list(self._waiting), MOST_AT_ONCE):
            batch = {name: self._waiting[name] for name in names}
            rows = [_values(each, self.worker_id) if isinstance(each, Connection) else each for each in batch.values()]
            new = batch.keys() - self._sent
            self._sent.update(batch)
            try:
                await self.run(partial(write, rows, new))
            except DatabaseError as error:
                log.debug("Connections cannot be written down now: %s", error)
                return
            for name, waiting in batch.items():
                if self._waiting.get(name) is waiting:
                    del self._waiting[name]
                    if not isinstance(waiting, Connection):  # it has ended
                        self._sent.discard(name)

    async def refresh(self) -> None:
        """Have written what has changed of open connections since the last time: figures, and when their tokens end."""
        for count, connection in enumerate(self.connections, start=1):
            is_open = self.connections.by_id.get(connection.id) is connection  # it may have ended since the loop began
            if is_open and connection.relay is not None:
                figures = (connection.relay.traffic(), connection.admitted.grant.expires_at)
                before = self._written.get(connection.id)
                if figures != before:
                    if before and before[0] != figures[0]:
                        connection.active_at = self.clock().timestamp()
                    self._written[connection.id] = figures
                    self._put(connection, connection)
            if count % CONNECTIONS_AT_ONCE == 0:
                await asyncio.sleep(0)  # a part at a time, so that frames may pass in between

    def _is_due(self) -> bool:
        """Whether something waits, or it is time to look at what is open."""
        return bool(self._waiting) or self.clock() - self._refreshed_at >= timedelta(seconds=REFRESH_SECONDS)

    def _put(self, connection: Connection, waiting: Connection | Values) -> None:
        if len(self._waiting) < MOST_WAITING or connection.id in self._waiting:
            self._waiting[connection.id] = waiting
        else:
            self._lost += 1


def write(rows: Iterable[Values], new: Container[str] = ()) -> None:
    """Write rows, in place of what was written of the same connections before; of `new` ones nothing was.

    Raises `django.db.Error`.
    """
    statement, in_order, adapted = _upsert(database.vendor)
    rows = list(rows)
    with transaction.atomic(), database.cursor() as cursor:
        known = [row["id"] for row in rows if row["id"] not in new]
        before = {row["id"]: row for row in _known(known)} if known else {}
        values = []
        for row in rows:
            earlier = before.get(row["id"])
            row["counted_until"] = row["ended_at"] or (earlier["counted_until"] if earlier else None)
            parameters = list(in_order(row))
            for place, adapt in adapted:
                parameters[place] = adapt(parameters[place])
            values.append(parameters)
        cursor.executemany(statement, values)
        figures.account([(before.get(row["id"]), row) for row in rows], database_clock.clock.datetime())


def close_abandoned(now: datetime) -> int:
    """End the rows that workers left open which live no more; how many they were."""
    living = WorkerRecord.objects.filter(seen_at__gte=now - timedelta(seconds=STALE_SECONDS)).values("pk")
    left = ConnectionRecord.objects.filter(ended_at=None, started_at__lt=now - timedelta(seconds=YOUNG_SECONDS))
    names = list(left.exclude(worker_id__in=living).values_list("pk", flat=True))
    return sum(_end(some, now) for some in batches(names, MOST_AT_ONCE))


def close_unknown(worker_id: uuid.UUID, known: Container[str], now: datetime) -> int:
    """End the rows that a worker has open and knows nothing of; how many they were."""
    left = ConnectionRecord.objects.filter(ended_at=None, worker_id=worker_id)
    unknown = [name for name in left.values_list("pk", flat=True) if name not in known]
    return sum(_end(some, now) for some in batches(unknown, MOST_AT_ONCE))


@transaction.atomic
def _end(names: list[str], now: datetime) -> int:
    """End these rows as lost, as far as they are open still; how many they were."""
    before = [row for row in _known(names) if row["ended_at"] is None]
    ending = {**_ending(LOST, now), "counted_until": now}
    ConnectionRecord.objects.filter(pk__in=[row["id"] for row in before]).update(**ending)
    figures.account([(row, {**row, **ending}) for row in before], now)
    return len(before)


def _known(names: list[str]) -> list[Values]:
    """What is written of these connections, which nobody else changes meanwhile."""
    rows = ConnectionRecord.objects.filter(pk__in=names).order_by("pk").select_for_update().values(*NAMES)
    return list(rows)


def prune(now: datetime) -> int:
    """Delete a batch of ended connections beyond the days and the rows that are kept; how many they were."""
    days, most = settings.CONNECTION_LOG_DAYS, settings.CONNECTION_LOG_ROWS
    ended = ConnectionRecord.objects.filter(ended_at__isnull=False).order_by("-ended_at")
    if days and (old := delete_batch(ended.filter(ended_at__lt=now - timedelta(days=days)))):
        return old
    first_over = ended.values_list("ended_at", flat=True)[most : most + 1].first() if most else None
    return delete_batch(ended.filter(ended_at__lte=first_over)) if first_over else 0


@lru_cache
def _upsert(vendor: str) -> tuple[str, Callable[[Values], tuple[Any, ...]], list[tuple[int, Callable[[Any], Any]]]]:
    """One statement for all, because it is sent for every connection twice. SQLite and PostgreSQL speak alike here.

    With it what brings a row's values in order, and what has to be done to those, by their place, that a database
    driver does not take as they are.
    """
    quote, fields = database.ops.quote_name, list(ConnectionRecord._meta.concrete_fields)
    columns = [quote(str(field.column)) for field in fields]
    replaced = [f"{column} = excluded.{column}" for column in columns[1:]]
    marks = ", ".join(["%s"] * len(fields))
    adapted: list[tuple[int, Callable[[Any], Any]]] = []
    for place, each in enumerate(fields):
        if isinstance(each, models.DateTimeField):
            adapted.append((place, _utc if vendor == "sqlite" else database.ops.adapt_datetimefield_value))
        elif isinstance(each, models.UUIDField):  # the worker's own: always the same
            adapted.append((place, lru_cache(partial(each.get_db_prep_save, connection=database))))
    return (
        f"INSERT INTO {quote(ConnectionRecord._meta.db_table)} ({', '.join(columns)}) VALUES ({marks}) "  # noqa: S608
        f"ON CONFLICT ({columns[0]}) DO UPDATE SET {', '.join(replaced)}",
        itemgetter(*(each.attname for each in fields)),
        adapted,
    )


def _utc(moment: datetime | None) -> str | None:
    """As Django writes it on SQLite, which knows no zones; all moments here are in UTC.

    `isoformat` makes up a fifth of what a row costs, and most of it is the same for all rows of a second.
    """
    if moment is None:
        return None
    whole = _second(moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return f"{whole}.%06d" % moment.microsecond if moment.microsecond else whole


@lru_cache(maxsize=256)
def _second(year: int, month: int, day: int, hour: int, minute: int, second: int) -> str:
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"


def _values(connection: Connection, worker_id: uuid.UUID) -> Values:
    traffic = connection.relay.traffic() if connection.relay else Traffic()
    started_at = datetime.fromtimestamp(connection.opened_at, UTC)
    is_silent = connection.active_at == connection.opened_at
    return {
        **_values_of(connection.admitted),
        "id": connection.id,
        "worker_id": worker_id,
        "subprotocol": connection.subprotocol[:100],
        "client_ip": connection.client_ip,
        "started_at": started_at,
        "active_at": started_at if is_silent else datetime.fromtimestamp(connection.active_at, UTC),
        "messages_in": traffic.messages_in,
        "bytes_in": traffic.bytes_in,
        "messages_out": traffic.messages_out,
        "bytes_out": traffic.bytes_out,
    }


def _values_of(admitted: Allow) -> Values:
    """What connections that share a decision have in common, as clients that come again do."""
    known = _decided.get(id(admitted))
    if known and known[0] is admitted:
        return known[1]
    grant, deployment = admitted.grant, admitted.route.deployment
    values = {
        "api_id": deployment.api_id,
        "api_name": deployment.name,
        "context": deployment.context,
        "version": deployment.version,
        "application_id": grant.application_id,
        "application_name": grant.application_name,
        "owner_id": grant.owner_id,
        "subscriber": grant.owner_name,
        "plan": admitted.subscription.plan if admitted.subscription else "",
        "key_type": grant.key_type,
        "topic": admitted.route.topic.target[:200] if admitted.route.topic else "",
        "token_id": grant.token_id,
        "expires_at": datetime.fromtimestamp(grant.expires_at, UTC),
        "counted_until": None,  # `write` knows
        **_OPEN,
    }
    if len(_decided) >= MOST_DECIDED:
        _decided.clear()
    _decided[id(admitted)] = admitted, values
    return values


_decided: dict[int, tuple[Allow, Values]] = {}
_OPEN: Final = {"ended_at": None, "ended_by": "", "client_code": None, "backend_code": None, "reason": ""}


def _ending(close_info: CloseInfo, now: datetime) -> Values:
    return {
        "ended_at": now,
        "ended_by": close_info.by,
        "client_code": close_info.client_code,
        "backend_code": close_info.backend_code,
        "reason": close_info.reason[:125],
    }
