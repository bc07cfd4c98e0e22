"""Measures every proxy in turn, several times over, so that a noisy minute does not fall on one of them alone."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import processes
from bench.errors import BenchError
from bench.load import LOADS, Generator, Load, Sample
from bench.proxies import Proxy, Running, Site

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to measure. `seconds` is the length of one load; `port_base` and the ports behind it are used."""

    proxies: list[Proxy]
    rounds: int
    seconds: float
    port_base: int
    folder: Path


@dataclass
class Results:
    """Everything measured: samples by proxy name and load, kB per idle connection by proxy name."""

    samples: dict[tuple[str, Load], list[Sample]] = field(default_factory=dict)
    memory_kb: dict[str, list[float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def median(self, name: str, load: Load, of: Callable[[Sample], float]) -> float | None:
        """The median over the rounds; None when the load was not run with this proxy."""
        samples = self.samples.get((name, load), [])
        return statistics.median(of(sample) for sample in samples) if samples else None

    def median_memory(self, name: str) -> float | None:
        values = self.memory_kb.get(name, [])
        return statistics.median(values) if values else None


def measure(plan: Plan, programs: dict[str, Path], say: Say) -> Results:
    """Runs the whole plan. What goes wrong with one proxy is a problem in the results and leaves the others alone."""
    results = Results()
    proxy_core, load_core = processes.cores()
    generator = Generator(programs["wsload"], load_core)
    echo: list[str | Path] = [programs["echo"], str(plan.port_base)]
    with processes.running(echo, port=plan.port_base, core=load_core, log=plan.folder / "echo.log"):
        for number in range(plan.rounds):
            say(f"round {number + 1} of {plan.rounds}")
            for proxy in _turned(plan.proxies, number):
                site = _site(plan, proxy, proxy_core)
                try:
                    _measure_one(proxy, site, generator, plan.seconds, results, say)
                except BenchError as error:
                    results.problems.append(f"{proxy.name}: {error}")
                    say(f"  {proxy.name}: {error}")
    return results


def _turned(proxies: list[Proxy], number: int) -> list[Proxy]:
    """Another one goes first in each round."""
    by = number % len(proxies)
    return proxies[by:] + proxies[:by]


def _site(plan: Plan, proxy: Proxy, core: int) -> Site:
    folder = plan.folder / proxy.name
    folder.mkdir(parents=True, exist_ok=True)
    port = plan.port_base + 1 + plan.proxies.index(proxy)
    return Site(folder=folder, port=port, core=core, backend=plan.port_base)


def _measure_one(proxy: Proxy, site: Site, generator: Generator, seconds: float, results: Results, say: Say) -> None:
    with proxy.serve(site) as running:
        generator.warm_up(running.target)
        _measure_memory(proxy, running, generator, results, say)
        for load in LOADS:
            sample = generator.run(load, running.target, seconds=seconds, proxy=running.pid)
            results.samples.setdefault((proxy.name, load), []).append(sample)
            say(f"  {proxy.name:8} {_told(load, sample)}")
            if sample.errors:
                results.problems.append(f"{proxy.name}: {load.title}: {sample.errors}")


def _measure_memory(proxy: Proxy, running: Running, generator: Generator, results: Results, say: Say) -> None:
    """Before the loads, while the process is fresh: later its heap has room that connections would fill unseen."""
    if running.pid is None:
        return
    per_connection = generator.memory_kb(running.target, proxy=running.pid)
    results.memory_kb.setdefault(proxy.name, []).append(per_connection)
    say(f"  {proxy.name:8} {per_connection:.1f} kB per idle connection")


def _told(load: Load, sample: Sample) -> str:
    errors = f"  ERRORS {sample.errors}" if sample.errors else ""
    return (
        f"{sample.per_second:>11,.0f} {load.unit:12} p99 {sample.p99_us:>8,.0f} µs  "
        f"core {sample.busy:4.0%} busy  {load.title}{errors}"
    )
