"""Sums of what the connection log says, changed in the transaction that changes the log: so the two are always equal.

What a row of the log stands for is a handful of numbers (`worth`). Whoever writes a row adds what it is worth now less
what it was worth before; however often it is written and whatever is killed in between, the sums are those of the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import IntegrityError, models
from django.db import connection as database

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
FIRST_PRIVATE, FIRST_REGISTERED = 4000, 3000  # close codes, RFC 6455 §7.4.2

Values = Mapping[str, Any]


class Likeness(NamedTuple):
    """What connections have in common that are added up."""

    worker: str
    api_id: str
    application_id: str
    plan: str
    key_type: str
    topic: str


def likeness(row: Values) -> Likeness:
    """Of a row of the connection log."""
    return Likeness(str(row["worker_id"]), *(row[name] for name in Likeness._fields[1:]))


def worth(row: Values | None) -> tuple[int, ...]:
    """What a row of the connection log stands for, in the order of SUMS; nothing where there is none."""
    if row is None:
        return (0,) * len(SUMS)
    until = row["counted_until"] or row["started_at"]
    connected = round((until - row["started_at"]).total_seconds() * 1000)
    return (1, int(row["ended_at"] is not None), connected, *(row[name] for name in SUMS[3:]))


def close_of(row: Values | None) -> str:
    """Who ended it with what code; nothing while it is open. What peers chose themselves is told together."""
    if row is None or row["ended_at"] is None:
        return ""
    code = row["client_code"] or 0
    if row["ended_by"] != "gateway" and code >= FIRST_REGISTERED:
        return f"{row['ended_by']} {'4xxx' if code >= FIRST_PRIVATE else '3xxx'}"
    return f"{row['ended_by']} {code}"


def account(changes: Iterable[tuple[Values | None, Values]], now: datetime) -> None:
    """Add what rows are worth now less what they were worth before. Call it where the rows are written."""
    traffic: dict[Likeness, list[int]] = defaultdict(lambda: [0] * len(SUMS))
    closes: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for before, after in changes:
        total = traffic[likeness(after)]
        for place, (now_worth, was_worth) in enumerate(zip(worth(after), worth(before), strict=True)):
            total[place] += now_worth - was_worth
        was, became = close_of(before), close_of(after)
        if was != became:
            for name, number in ((was, -1), (became, 1)):
                if name:
                    closes[after["api_id"], after["application_id"], "close", name] += number
    begins = minute_of(now)
    add_traffic({(MINUTE, begins, *like): sums for like, sums in traffic.items() if any(sums)})
    add_events({(MINUTE, begins, *like): number for like, number in closes.items() if number})


def minute_of(now: datetime) -> int:
    """When the minute of a moment began, in seconds since the epoch."""
    return int(now.timestamp()) // 60 * 60


def add_traffic(rows: Mapping[tuple[Any, ...], Iterable[int]]) -> None:
    """Add SUMS to rows, by period, begin, worker and the values of ALIKE. Raises `django.db.Error`: call it again."""
    add(TRAFFIC, {key: tuple(sums) for key, sums in rows.items()})


def add_events(rows: Mapping[tuple[Any, ...], int]) -> None:
    """Add to how often something happened, by period, begin and the values of EVENTS_ALIKE. Raises the same."""
    add(EVENTS, {key: (number,) for key, number in rows.items()})


class Statements(NamedTuple):
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


TRAFFIC: Final = Statements(TrafficFigures, TrafficLikeness, ALIKE, ("period", "begins", "worker"), SUMS)
EVENTS: Final = Statements(EventFigures, EventLikeness, EVENTS_ALIKE, ("period", "begins"), ("number",))


def add(which: Statements, rows: Mapping[tuple[Any, ...], tuple[int, ...]]) -> None:
    """Add sums to rows, by their keys and what they are alike in. Raises `django.db.Error`: call it again."""
    if not rows:
        return
    count = len(which.keys)
    with database.cursor() as cursor:
        # In order, so that two who add to the same rows never wait for each other.
        cursor.executemany(which.know, sorted({key[count:] for key in rows}))
        cursor.executemany(which.add, [[*key[:count], *rows[key], *key[count:]] for key in sorted(rows)])
        if cursor.rowcount != len(rows):
            raise IntegrityError("What figures are alike in was deleted in this moment.")
