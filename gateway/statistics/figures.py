"""Sums of what the connection log says, changed in the transaction that changes the log: so the two are always equal.

What a row of the log stands for is a handful of numbers (`worth`). Whoever writes a row adds what it is worth now less
what it was worth before; however often it is written and whatever is killed in between, the sums are those of the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import add as plus
from operator import itemgetter, sub
from typing import Any, Final, NamedTuple

from django.db import IntegrityError, models
from django.db import connection as database

from gateway.close_codes import counted_as
from gateway.models import EventFigures, EventLikeness, TrafficFigures, TrafficLikeness

MINUTE, HOUR, DAY, WEEK = "m", "h", "d", "w"
SECONDS: Final = {MINUTE: 60, HOUR: 3600, DAY: 86400, WEEK: 7 * 86400}
SUMS: Final = ("opened", "closed", "milliseconds", "messages_in", "bytes_in", "messages_out", "bytes_out")
ALIKE: Final = ("api_id", "application_id", "plan", "key_type", "topic")
EVENTS_ALIKE: Final = ("api_id", "application_id", "kind", "name")
NAMES: Final = (
    *("id", "worker_id", "api_id", "application_id", "plan", "key_type", "topic", "started_at", "ended_at"),
    *("counted_until", "ended_by", "client_code", "messages_in", "bytes_in", "messages_out", "bytes_out"),
)

Values = Mapping[str, Any]


class Likeness(NamedTuple):
    """What connections have in common that are added up."""

    worker: str
    api_id: str
    application_id: str
    plan: str
    key_type: str
    topic: str


_text = lru_cache(str)  # of a worker's name: there are few
_shared, _passed = itemgetter(*Likeness._fields[1:]), itemgetter(*SUMS[3:])


def worth(row: Values) -> tuple[int, ...]:
    """What a row of the connection log stands for, in the order of SUMS."""
    until = row["counted_until"] or row["started_at"]
    connected = round((until - row["started_at"]).total_seconds() * 1000)
    return (1, int(row["ended_at"] is not None), connected, *_passed(row))


def account(changes: Iterable[tuple[Values | None, Values]], now: datetime) -> None:
    """Add what rows are worth now less what they were worth before. Call it where the rows are written."""
    traffic: dict[tuple[str, ...], tuple[int, ...]] = {}
    ended: dict[tuple[str, str, str, int], int] = defaultdict(int)
    closes: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for before, after in changes:
        like, gained = (_text(after["worker_id"]), *_shared(after)), worth(after)  # a `Likeness`, made with less
        if before:
            gained = tuple(map(sub, gained, worth(before)))
        traffic[like] = tuple(map(plus, traffic[like], gained)) if like in traffic else gained
        for row, number in ((before, -1), (after, 1)):
            if row and row["ended_at"]:
                ended[after["api_id"], after["application_id"], row["ended_by"], row["client_code"] or 0] += number
    for (api_id, application_id, by, code), number in ended.items():
        closes[api_id, application_id, "close", f"{by} {counted_as(by, code)}"] += number
    begins = minute_of(now)
    add(TrafficFigures, {(MINUTE, begins, *like): sums for like, sums in traffic.items() if any(sums)})
    add(EventFigures, {(MINUTE, begins, *event): (number,) for event, number in closes.items() if number})


def minute_of(now: datetime) -> int:
    """When the minute of a moment began, in seconds since the epoch."""
    return int(now.timestamp()) // 60 * 60


def add(model: type[TrafficFigures | EventFigures], rows: Mapping[tuple[Any, ...], Sequence[int]]) -> None:
    """Add sums to rows, by the keys of STATEMENTS and what they are alike in. Call it in a transaction.

    Raises `django.db.Error`: call it again then.
    """
    if not rows:
        return
    said = STATEMENTS[model]
    count = len(said.keys)
    with database.cursor() as cursor:
        # In order, so that two who add to the same rows never wait for each other.
        cursor.executemany(said.know, sorted({key[count:] for key in rows}))
        cursor.executemany(said.add, [[*key[:count], *rows[key], *key[count:]] for key in sorted(rows)])
        if cursor.rowcount != len(rows):
            raise IntegrityError("What figures are alike in was deleted in this moment.")


class FigureStatements(NamedTuple):
    """What is said to the database about one kind of figures. SQLite and PostgreSQL speak alike here."""

    figures: type[models.Model]
    likenesses: type[models.Model]
    alike: tuple[str, ...]
    keys: tuple[str, ...]
    sums: tuple[str, ...]

    @property
    def know(self) -> str:
        """Has a likeness stand in its table."""
        table, names = self.likenesses._meta.db_table, ", ".join(self.alike)
        marks = ", ".join(["%s"] * len(self.alike))
        return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608

    @property
    def add(self) -> str:
        """Adds a row: its keys, its sums, and then what it is alike in."""
        given = ", ".join(["%s"] * (len(self.keys) + len(self.sums)))
        alike = " AND ".join(f"{name} = %s" for name in self.alike)
        return self._upsert(f"SELECT {given}, id FROM {self.likenesses._meta.db_table} WHERE {alike}")  # noqa: S608

    @property
    def move(self) -> str:
        """Adds the rows of a period from one begin to another up to rows of the period and the begin given first."""
        table, sums = self.figures._meta.db_table, ", ".join(f"SUM({name})" for name in self.sums)
        keys = ", ".join(["%s", "%s", "''"][: len(self.keys)])
        return self._upsert(
            f"SELECT {keys}, {sums}, likeness_id FROM {table} "  # noqa: S608
            "WHERE period = %s AND begins >= %s AND begins < %s GROUP BY likeness_id ORDER BY likeness_id"
        )

    def _upsert(self, rows: str) -> str:
        table, columns = self.figures._meta.db_table, ", ".join((*self.keys, *self.sums, "likeness_id"))
        added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in self.sums)
        conflict = ", ".join(("likeness_id", *self.keys))
        return f"INSERT INTO {table} ({columns}) {rows} ON CONFLICT ({conflict}) DO UPDATE SET {added}"


STATEMENTS: Final = {
    TrafficFigures: FigureStatements(TrafficFigures, TrafficLikeness, ALIKE, ("period", "begins", "worker"), SUMS),
    EventFigures: FigureStatements(EventFigures, EventLikeness, EVENTS_ALIKE, ("period", "begins"), ("number",)),
}
