"""What one worker counts for whoever watches it: handshakes, traffic, closes, dials, how late its loop is.

Nothing here is touched for a frame or a message: `passed` reads off a connection what has passed since the last time,
now and then and once more when it ends. A snapshot is plain JSON; `gateway.observability.metrics` adds those of all
workers up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.close_codes import counted_as
from gateway.connections.registry import Connection
from gateway.relay.types import CloseInfo, Traffic

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
SLOW = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Labels = tuple[str, ...]


class Histogram:
    """How many observations were at most each bound, and more than the one before; the last count is of the rest."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value in its bucket; a bound itself belongs to the bucket that it ends."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def snapshot(self) -> dict[str, Any]:
        """Counts by bucket (not cumulated) and the sum."""
        return {"bounds": list(self.bounds), "counts": list(self.counts), "sum": self.total}


@dataclass(eq=False, repr=False)
class Counters:
    """The counts of one worker since it started. Durations are in seconds; `lag` is how late its loop came."""

    _handshakes: Counter[Labels] = field(default_factory=Counter, init=False)
    _refusals: Counter[Labels] = field(default_factory=Counter, init=False)
    _closes: Counter[Labels] = field(default_factory=Counter, init=False)
    _connections: Counter[Labels] = field(default_factory=Counter, init=False)
    _violations: Counter[Labels] = field(default_factory=Counter, init=False)
    _traffic: dict[Labels, list[int]] = field(default_factory=dict, init=False)
    _seen: dict[str, tuple[Labels, Traffic]] = field(default_factory=dict, init=False)
    _dials: dict[Labels, Histogram] = field(default_factory=dict, init=False)
    lag: Histogram = field(default_factory=partial(Histogram, QUICK), init=False)
    _store: Histogram = field(default_factory=partial(Histogram, QUICK), init=False)
    _store_failures: int = field(default=0, init=False)
    _store_losses: int = field(default=0, init=False)

    def answered(self, status: int, code: int) -> None:
        """A client was answered with this HTTP status: 101 and 0, or a refusal's code."""
        self._handshakes[(str(status),)] += 1
        if code:
            self._refusals[str(status), str(code)] += 1

    def dialled(self, connection: Connection, seconds: float, status: int) -> None:
        """A backend was dialled; `status` is 101 or that of the refusal it led to."""
        labels = (*_api(connection), str(status))
        histogram = self._dials.get(labels)
        if histogram is None:
            histogram = self._dials[labels] = Histogram(SLOW)
        histogram.observe(seconds)

    def opened(self, connection: Connection) -> None:
        """A connection is there."""
        labels = _api(connection)
        self._connections[labels] += 1
        self._traffic.setdefault(labels, [0, 0, 0, 0])
        self._seen[connection.id] = labels, Traffic()

    def passed(self, connection: Connection) -> None:
        """Count what has passed on an open connection since the last time; nothing when it has ended."""
        known = self._seen.get(connection.id)
        if known is not None and connection.relay is not None:
            labels, before = known
            now = connection.relay.traffic()
            if now != before:
                total = self._traffic[labels]
                for place, value in enumerate(now):
                    total[place] += value - before[place]
                self._seen[connection.id] = labels, now

    def ended(self, connection: Connection, close_info: CloseInfo) -> None:
        """A connection has ended. Nothing when it never was."""
        self.passed(connection)
        known = self._seen.pop(connection.id, None)
        if known is not None:
            self._connections[known[0]] -= 1
            self._closes[close_info.by, counted_as(close_info.by, close_info.client_code)] += 1

    def violated(self, connection: Connection, sender: str) -> None:
        """A payload of this sender, client or backend, fits no schema of its topic."""
        self._violations[*_api(connection), "in" if sender == "client" else "out"] += 1

    def store_asked(self, seconds: float, is_answered: bool) -> None:
        """The store of leases was asked, and answered or failed after so long."""
        self._store.observe(seconds)
        self._store_failures += not is_answered

    def store_forgot(self) -> None:
        """The store of leases was found to have forgotten what it lent."""
        self._store_losses += 1

    def snapshot(self) -> dict[str, Any]:
        """Everything that has been counted."""
        counted: dict[str, Mapping[Labels, Any]] = {
            "handshakes": self._handshakes,
            "refusals": self._refusals,
            "closes": self._closes,
            "connections": self._connections,
            "traffic": self._traffic,
            "violations": self._violations,
        }
        return {
            **{name: [[list(labels), value] for labels, value in counts.items()] for name, counts in counted.items()},
            "dials": [[list(labels), histogram.snapshot()] for labels, histogram in self._dials.items()],
            "lag": self.lag.snapshot(),
            "store": self._store.snapshot(),
            "store_failures": self._store_failures,
            "store_forgot": self._store_losses,
        }


def _api(connection: Connection) -> Labels:
    deployment = connection.admitted.route.deployment
    return deployment.name, deployment.version
