"""What was measured, and the figures that follow from it. Pure."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bench.load import PACEMAKER, Load, Sample

PART_OF_SLOWEST = 0.5
"""Latency is compared at this part of what the slowest proxy can do."""


@dataclass
class Results:
    """Samples by proxy name and load, kB per idle connection by proxy name and scheme, percent of a core when next to
    nothing is connected by proxy name, and what went wrong.

    `rates` are the messages a second at which latency was compared, by scheme; `rounds` how many were done.
    """

    samples: dict[tuple[str, Load], list[Sample]] = field(default_factory=dict)
    memory_kb: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    idle_percent: dict[str, float] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    connections: int = 0
    rounds: int = 0
    problems: list[str] = field(default_factory=list)

    def median(self, name: str, load: Load, of: Callable[[Sample], float]) -> float | None:
        """The median over the rounds; None when the load was not run with this proxy."""
        samples = self.samples.get((name, load), [])
        return statistics.median(of(sample) for sample in samples) if samples else None

    def rate(self, name: str, load: Load) -> float | None:
        """Messages or handshakes a second."""
        return self.median(name, load, lambda sample: sample.per_second)

    def best(self, names: Iterable[str], load: Load) -> tuple[str, float] | None:
        """Who of `names` has the highest rate, and which."""
        rates = [(name, rate) for name in names if (rate := self.rate(name, load))]
        return max(rates, key=lambda each: each[1], default=None)

    def added_p99(self, name: str, load: Load, direct: str) -> float | None:
        """Microseconds that `name` adds to the 99th percentile of `direct`."""
        through, without = (self.median(each, load, lambda sample: sample.p99_us) for each in (name, direct))
        return None if through is None or without is None else through - without

    def p99_range(self, name: str, load: Load) -> str:
        """The lowest and the highest 99th percentile of all looks."""
        values = [sample.p99_us for sample in self.samples[name, load]]
        return f"{min(values):,.0f} – {max(values):,.0f}"

    def median_memory(self, name: str, scheme: str) -> float | None:
        """kB per idle connection."""
        values = self.memory_kb.get((name, scheme), [])
        return statistics.median(values) if values else None

    def equal_rate(self, names: Iterable[str], scheme: str) -> float | None:
        """PART_OF_SLOWEST of what the slowest of `names` can do, rounded down to two digits; None if unmeasured."""
        load = next((load for _, load in self.samples if (load.name, load.scheme) == (PACEMAKER, scheme)), None)
        rates = [rate for name in names if load and (rate := self.rate(name, load))]
        if not rates:
            return None
        rate = int(PART_OF_SLOWEST * min(rates))
        unit = 10 ** max(0, len(str(rate)) - 2)
        return float(rate // unit * unit)
