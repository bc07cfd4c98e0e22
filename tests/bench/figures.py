"""Samples as a run would have left them."""

from bench.load import Load, Sample
from bench.results import Results


def sample(per_second: float, *, p99_us: float = 20, cpu_us: float = 0.0, busy: float = 0.0) -> Sample:
    return Sample(per_second, per_second * 125 / 1e6, 10, p99_us, cpu_us, busy, {})


def found(load: Load, **rates: list[float]) -> Results:
    """Results with these rates of one load, by proxy name."""
    return Results(samples={(name, load): [sample(rate) for rate in each] for name, each in rates.items()})
