"""What somebody who looks at many open connections wants to see of them, and in what order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from core.text import fold
from core.translating import gettext_noop as _

LONGEST_SEARCH = 100
NEVER = datetime.min.replace(tzinfo=UTC)


class Shown(Protocol):
    """What is read of a connection here."""

    id: str
    api_name: str
    version: str
    application_name: str
    subscriber: str
    plan: str
    key_type: str
    client_ip: str
    topic: str
    subprotocol: str
    started_at: datetime
    expires_at: datetime
    active_at: datetime | None
    bytes_in: int
    bytes_out: int
    rate_in: float
    rate_out: float
    waits: str


Row = TypeVar("Row", bound=Shown)

SORTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "api": lambda row: (fold(row.api_name), row.version),
    "application": lambda row: fold(row.application_name),
    "owner": lambda row: fold(row.subscriber),
    "plan": lambda row: fold(row.plan),
    "address": lambda row: row.client_ip,
    "topic": lambda row: row.topic,
    "since": lambda row: row.started_at,
    "in": lambda row: row.bytes_in,
    "out": lambda row: row.bytes_out,
    "rate": lambda row: row.rate_in + row.rate_out,
    "active": lambda row: row.active_at or NEVER,
    "expires": lambda row: row.expires_at,
}
DEFAULT_SORT = "-since"
KEY_TYPES = ("PRODUCTION", "SANDBOX")
WAITING = {"plan": _("Waits for its plan"), "backpressure": _("Waits for the other side")}

IN_ROWS: Final = (_("production"), _("sandbox"), _("plan"), _("backpressure"))
"""What rows say of keys and of what waits, for translators."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which connections, and in what order: `-` in front of a name of SORTS turns it round."""

    text: str = ""
    key_type: str = ""
    waits: str = ""
    sort: str = DEFAULT_SORT

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Selection:
        """What a query asks for; what it asks for in vain is left out."""
        key_type, waits = query.get("key_type", ""), query.get("waits", "")
        sort = query.get("sort", "")
        return cls(
            text=query.get("q", "").strip()[:LONGEST_SEARCH],
            key_type=key_type if key_type in KEY_TYPES else "",
            waits=waits if waits in WAITING else "",
            sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
        )

    def __bool__(self) -> bool:
        return bool(self.text or self.key_type or self.waits)

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """Those of `rows` that are wanted, in order."""
        words = fold(self.text).split()
        wanted = []
        for row in rows:
            if (self.key_type and row.key_type != self.key_type) or (self.waits and row.waits != self.waits):
                continue
            names = (row.api_name, row.version, row.application_name, row.subscriber, row.plan, row.client_ip)
            said = fold("\n".join((*names, row.topic, row.subprotocol, row.id))) if words else ""
            if all(word in said for word in words):
                wanted.append(row)
        key = SORTS[self.sort.removeprefix("-")]
        return sorted(wanted, key=lambda row: (key(row), row.id), reverse=self.sort.startswith("-"))
