"""The open connections of one scope as people look at them: who they are from the log, what passes from the reports.

A board is kept from one look to the next, so that a look at ten thousand rows reads only those that are new. Boards of
one process are shared by all who look at the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from core.rows import batches
from gateway.connections import live
from gateway.connections.live import Figures
from gateway.connections.queries import open_among
from gateway.models import ConnectionRecord, LiveFigures

NEVER = datetime.min.replace(tzinfo=UTC)
FRESH_SECONDS = 0.8
ANEW_SECONDS = 10.0  # after which rows are read again that may have changed: figures without a report, expiry
WATCH_AGAIN = timedelta(seconds=5)
REPORT_SECONDS = 30.0  # a report older than this is of a worker that is gone
MOST_BOARDS = 64
AT_ONCE = 500


@dataclass(eq=False, repr=False)
class Board:
    """What is open in a scope: `all`, `api:` or `owner:` with an id. Have it from `board_of`."""

    scope: str
    _rows: dict[str, ConnectionRecord] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _looked_at: datetime = field(default=NEVER, init=False)
    _read_at: datetime = field(default=NEVER, init=False)
    _watched_at: datetime = field(default=NEVER, init=False)

    def look(self, now: datetime) -> list[ConnectionRecord]:
        """All that is open, as of at most a second ago, and have workers report it for the next while."""
        with self._lock:
            if now - self._watched_at >= WATCH_AGAIN:
                self._watched_at = now
                live.watch(self.scope, now)
            if (now - self._looked_at).total_seconds() < FRESH_SECONDS:
                return list(self._rows.values())
            self._looked_at = now
            kind, _, key = self.scope.partition(":")
            which = {f"{kind}_id": key} if key else {}
            rows = open_among(ConnectionRecord.objects.filter(**which), now)
            if (now - self._read_at).total_seconds() >= ANEW_SECONDS:
                self._read_at = now
                self._rows = {row.pk: row for row in rows}
            else:
                wanted = list(rows.values_list("pk", flat=True))
                unknown = [name for name in wanted if name not in self._rows]
                for some in batches(unknown, AT_ONCE):
                    for row in ConnectionRecord.objects.filter(pk__in=some):
                        self._rows[row.pk] = row
                self._rows = {name: self._rows[name] for name in wanted if name in self._rows}
            freshen(self._rows.values(), now)
            return list(self._rows.values())


board_of = lru_cache(maxsize=MOST_BOARDS)(Board)
"""The board of a scope; the one that was looked at longest ago gives way."""


def freshen(rows: Iterable[ConnectionRecord], now: datetime) -> None:
    """Put what workers reported last into these rows."""
    since = now - timedelta(seconds=REPORT_SECONDS)
    reports: dict[Any, dict[str, Figures]] = {
        report.worker_id: live.unpack(bytes(report.figures)) for report in LiveFigures.objects.filter(at__gte=since)
    }
    for row in rows:
        figures = reports.get(row.worker_id, {}).get(row.pk)
        if figures:
            row.messages_in, row.bytes_in, row.messages_out, row.bytes_out = figures.traffic
            row.rate_in, row.rate_out, row.waits = figures.rate_in, figures.rate_out, figures.waits
            row.active_at = datetime.fromtimestamp(figures.active_at, UTC)
