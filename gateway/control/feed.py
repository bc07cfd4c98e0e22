"""What a row of the audit log means to the gateway, and which rows have been seen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.authorization.cache import Touched
from gateway.connections.verbs import CLOSING_ASKED, CLOSINGS_ASKED, DRAIN_ASKED, REAUTHENTICATION_ASKED

GRACE_SECONDS = 10.0
PEOPLE_COME_AND_GO = frozenset({"user.disabled", "user.enabled", "user.deleted", "user.roles_changed"})


@dataclass(frozen=True, slots=True)
class FeedRow:
    """The part of a row of the audit log that the gateway reads."""

    id: int
    verb: str
    kind: str
    object_id: str
    detail: dict[str, Any]


def touched_by(rows: Iterable[FeedRow]) -> Touched:
    """Everything that these rows may have changed for the gateway."""
    touched = Touched()
    for row in rows:
        if row.kind == "api":
            touched.apis.add(row.object_id)
        elif row.kind == "application":
            touched.applications.add(row.object_id)
        elif row.kind in ("subscription", "keys"):
            touched.applications.update(_ids(row, "application_id"))
        elif row.verb == "token.revoked":
            touched.tokens.update(_ids(row, "token_id"))
        elif row.verb in PEOPLE_COME_AND_GO:
            touched.users.add(row.object_id)
        elif row.kind == "plan":
            touched.plans.update(_ids(row, "plan"))
        elif row.kind == "applicationplan":
            touched.application_plans.update(_ids(row, "plan"))
        elif row.kind == "recording":
            touched.recordings = True
        elif row.kind == "deny_policy":
            touched.deny_policies = True
        elif row.verb == REAUTHENTICATION_ASKED:
            touched.reauthentications[row.object_id] = row.detail
        elif row.verb == CLOSING_ASKED:
            touched.closings[row.object_id] = row.detail.get("reason", "")
        elif row.verb == CLOSINGS_ASKED:
            touched.closings |= dict.fromkeys(row.detail["connections"], row.detail["reason"])
        elif row.verb == DRAIN_ASKED:
            touched.drains[row.object_id] = {"seconds": row.detail["seconds"], "before": row.detail["before"]}
    return touched


def _ids(row: FeedRow, name: str) -> list[str]:
    value = row.detail.get(name)
    return [] if value is None else [str(value)]


class FeedCursor:
    """Which rows have been read, so that none is missed and none is read twice.

    A transaction may commit after another that took a higher id. So reading goes on not from the highest id seen but
    from `floor`, behind which everything has stood for ten seconds; what commits later still is found by the full
    reconcile. Times are in seconds of any clock that only goes forward.

    Rows come as their ids with the moments at which they were written. No row is ever changed, and the newest is never
    deleted: where one that was read is missing or was written at another moment, this is another log.
    """

    def __init__(self, floor: int, rows: Mapping[int, Any], now: float) -> None:
        """Begin at `floor`, with the rows from there on taken as read."""
        self.floor = floor
        self._read = {each: (written_at, now) for each, written_at in rows.items()}

    def unread(self, rows: Mapping[int, Any]) -> dict[int, Any] | None:
        """Those of the rows from the floor on that have not been read; None when they are of another log than that."""
        if any(rows.get(each) != written_at for each, (written_at, _) in self._read.items()):
            return None
        return {each: written_at for each, written_at in rows.items() if each not in self._read}

    def mark(self, rows: Mapping[int, Any], now: float) -> None:
        """Take rows as read, and raise the floor to the newest below which none can be unread."""
        for each, written_at in rows.items():
            self._read.setdefault(each, (written_at, now))
        settled = [each for each, (_, read_at) in self._read.items() if read_at < now - GRACE_SECONDS]
        self.floor = max(settled, default=self.floor)
        for each in [each for each in self._read if each < self.floor]:
            del self._read[each]
