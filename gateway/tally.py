"""What one worker counts for whoever watches it: handshakes, traffic, closes, dials, and how late its loop is. Pure.

Nothing here is touched for a frame or a message: traffic is read off the connections when a `snapshot` is made, and
once more when they end. A snapshot is plain JSON; `gateway.metrics` adds those of all workers up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any

from gateway.connections import Line
from gateway.passing import Farewell, Passing, Traffic

DIAL_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

Labels = tuple[str, ...]


class Histogram:
    """How many observations were at most each bound; the last count is of all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def snapshot(self) -> dict[str, Any]:
        """Counts by bucket (not cumulated) and the sum."""
        return {"bounds": list(self.bounds), "counts": list(self.counts), "sum": self.total}


class Tally:
    """The counts of one worker since it started."""

    def __init__(self) -> None:
        self._handshakes: Counter[Labels] = Counter()
        self._closes: Counter[Labels] = Counter()
        self._ended: dict[Labels, Traffic] = {}
        self._dials: dict[Labels, Histogram] = {}
        self._lag = Histogram(LAG_BUCKETS)

    def answered(self, status: int, code: int) -> None:
        """A client was answered with this HTTP status: 101 and 0, or a refusal's code."""
        self._handshakes[str(status), str(code) if code else ""] += 1

    def dialled(self, line: Line, seconds: float, status: int) -> None:
        """A backend was dialled; `status` is 101 or that of the refusal it led to."""
        labels = (*_api(line), str(status))
        histogram = self._dials.get(labels)
        if histogram is None:
            histogram = self._dials[labels] = Histogram(DIAL_BUCKETS)
        histogram.observe(seconds)

    def ended(self, line: Line, passing: Passing, farewell: Farewell) -> None:
        """A connection has ended."""
        self._closes[farewell.by, str(farewell.client_code)] += 1
        _add(self._ended, _api(line), passing.traffic())

    def lagged(self, seconds: float) -> None:
        """The loop came so much later than it was asked to."""
        self._lag.observe(max(0.0, seconds))

    def snapshot(self, lines: Iterable[Line]) -> dict[str, Any]:
        """Everything, with what has passed on the lines that are open."""
        traffic, connections = dict(self._ended), Counter[Labels]()
        for line in lines:
            if line.passing is not None:
                connections[_api(line)] += 1
                _add(traffic, _api(line), line.passing.traffic())
        return {
            "handshakes": _listed(self._handshakes),
            "closes": _listed(self._closes),
            "connections": _listed(connections),
            "traffic": _listed(traffic),
            "dials": [[list(labels), histogram.snapshot()] for labels, histogram in self._dials.items()],
            "lag": self._lag.snapshot(),
        }


def _api(line: Line) -> Labels:
    return line.admitted.route.name, line.admitted.route.version


def _add(totals: dict[Labels, Traffic], labels: Labels, more: Traffic) -> None:
    known = totals.get(labels)
    totals[labels] = Traffic(*(one + two for one, two in zip(known, more, strict=True))) if known else more


def _listed(counts: dict[Labels, Any] | Counter[Labels]) -> list[list[Any]]:
    return [[list(labels), value] for labels, value in counts.items()]
