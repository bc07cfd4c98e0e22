"""The audit log as people filter and export it. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

COLUMNS = ("id", "at", "actor", "verb", "kind", "object_id", "detail")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class AuditLogFilters:
    """Which entries are wanted; what is empty does not narrow. Days are whole days of UTC, both included."""

    actor: str = ""
    kind: str = ""
    verb: str = ""
    object_id: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    def lookups(self) -> Iterator[tuple[str, Any]]:
        """As Django looks them up in `core.models.AuditEntry`; who the actor is, `accounts.queries.audit_log` knows."""
        if self.kind:
            yield "kind", self.kind
        if self.verb:
            yield "verb__icontains", self.verb
        if self.object_id:
            yield "object_id", self.object_id
        if self.since:
            yield "at__gte", datetime.combine(self.since, datetime.min.time(), UTC)
        if self.until:
            yield "at__lt", datetime.combine(self.until, datetime.min.time(), UTC) + timedelta(days=1)
        if self.before:
            yield "pk__lt", self.before


def as_csv(entries: Iterable[Mapping[str, Any]]) -> str:
    """A table with a head. A value that a spreadsheet would take for a formula has an apostrophe before it."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for entry in entries:
        cells = [
            json.dumps(each, ensure_ascii=False) if isinstance(each, dict) else str(each)
            for each in map(entry.get, COLUMNS)
        ]
        table.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return text.getvalue()
