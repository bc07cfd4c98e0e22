"""Measures every proxy in turn, several times over, so that a noisy minute does not fall on one of them alone."""

import datetime as dt
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from apimanager.tls import ensure_certificate
from bench import processes
from bench.errors import BenchError
from bench.load import Generator, Load
from bench.proxies import DIRECT
from bench.results import Results
from bench.site import Certificate, Proxy, Running, Site

BETWEEN_SECONDS = 1.0  # for what a load has left behind
PACED_SECONDS, PACED_AGAIN = 0.7, 2  # of a look at latency, and how many at each visit: one stall spoils one of them
SETTLED_SECONDS = 3.0  # after its start a proxy does what it goes on to do; before the first such look
Say = Callable[[str], None]


@dataclass(frozen=True)
class RunPlan:
    """What to measure. `seconds` is the length of one load; `memory_schemes` those over which memory is measured, with
    so many idle `connections`, and `idle_seconds` how long what is silent is watched (0: not); `port_base` and the
    ports behind it are used. No round is begun that would, going by those before, end later than `most_seconds` after
    the start. `rate` fixes that of the paced loads (0: by measuring), for which every proxy is visited `turns` times in
    a round.
    """

    proxies: list[Proxy]
    loads: list[Load]
    memory_schemes: list[str]
    connections: int
    idle_seconds: float
    rounds: int
    seconds: float
    most_seconds: float
    rate: float
    turns: int
    port_base: int
    folder: Path


def measure(plan: RunPlan, programs: dict[str, Path], say: Say) -> Results:
    """Runs the whole plan. What goes wrong with one proxy is a problem in the results and leaves the others alone."""
    proxy_core, load_core = processes.cores()
    echo: list[str | Path] = [programs["echo"], str(plan.port_base)]
    generator, results = Generator(programs["wsload"], load_core), Results(connections=plan.connections)
    bench = _Bench(plan, generator, proxy_core, results, say)
    with processes.running(echo, ports=[plan.port_base], core=load_core, log=plan.folder / "echo.log"):
        began = time.monotonic()
        for number in range(plan.rounds):
            spent = time.monotonic() - began
            if number and spent * (number + 1) / number > plan.most_seconds:
                say(f"{number} of {plan.rounds} rounds took {spent / 60:.0f} minutes: there is no time for another one")
                break
            say(f"round {number + 1} of {plan.rounds}")
            bench.measure_round(number)
            results.rounds += 1
    return results


@dataclass(frozen=True)
class _Bench:
    """One run of the benchmark."""

    plan: RunPlan
    generator: Generator
    core: int
    results: Results
    say: Say

    def measure_round(self, number: int) -> None:
        """In the first one memory; all proxies at full load; then, at a rate that follows from that, at equal load."""
        for scheme in self.plan.memory_schemes if number == 0 else []:
            self._sweep(number, partial(self._measure_memory, scheme))
        if self.plan.idle_seconds and number == 0:
            self._sweep(number, self._measure_idle)
        self._sweep(number, partial(self._measure_loads, [load for load in self.plan.loads if load.mode != "paced"]))
        paced = [load for load in self.plan.loads if load.mode == "paced"]
        # The rates are fixed once for the whole run: figures at different ones could not be compared.
        names = [proxy.name for proxy in self.plan.proxies if proxy != DIRECT]
        for scheme in {load.scheme for load in paced} - set(self.results.rates):
            if rate := self.plan.rate or self.results.equal_rate(names, scheme):
                self.results.rates[scheme] = rate
        looks = PACED_AGAIN * [each for each in paced if each.scheme in self.results.rates]
        for turn in range(self.plan.turns if looks else 0):
            self._sweep(number + turn, partial(self._measure_loads, looks))

    def _sweep(self, number: int, measure_one: Callable[[Proxy, Running], None]) -> None:
        proxies = self.plan.proxies
        for place in range(number, number + len(proxies)):  # another one goes first in each round
            index = place % len(proxies)
            proxy, port = proxies[index], self.plan.port_base + 1 + index
            folder, shared = self.plan.folder / proxy.name, self.plan.folder / "shared"
            for each in (folder, shared):
                each.mkdir(parents=True, exist_ok=True)
            site = Site(folder, shared, port, self.core, self.plan.port_base, shared_certificate(shared))
            try:
                with proxy.serve(site) as running:
                    measure_one(proxy, running)
            except BenchError as error:
                self._trouble(proxy, str(error))

    def _measure_loads(self, loads: list[Load], proxy: Proxy, running: Running) -> None:
        for target in running.targets.values():
            self.generator.warm_up(target)
        for load in loads:
            target = running.targets.get(load.scheme)
            if load.mode == "paced":  # latency over wss is compared with ws where there is nothing between
                target = target or running.targets.get("ws")
            if target is None:
                continue
            rate = self.results.rates[load.scheme] if load.mode == "paced" else 0
            seconds = min(PACED_SECONDS, self.plan.seconds) if load.mode == "paced" else self.plan.seconds
            begins = load.mode == "paced" and load is loads[0]
            time.sleep(min(SETTLED_SECONDS, 5 * seconds) if begins else min(BETWEEN_SECONDS, seconds))
            sample = self.generator.run(load, target, seconds=seconds, proxy=running.pid, rate=rate)
            if sample.errors:
                self._trouble(proxy, f"{load.title}: {', '.join(f'{n} {name}' for name, n in sample.errors.items())}")
                continue
            self.results.samples.setdefault((proxy.name, load), []).append(sample)
            self.say(
                f"  {proxy.title:24}{sample.per_second:>11,.0f} {load.unit + 's/s':13} p99 {sample.p99_us:>8,.0f} µs  "
                f"core {sample.busy:4.0%} busy  {load.title}"
            )

    def _measure_memory(self, scheme: str, proxy: Proxy, running: Running) -> None:
        """In a process of its own: the heap of one that has worked has room that connections would fill unseen."""
        if running.pid is None or scheme not in running.targets:
            return
        self.generator.warm_up(running.targets[scheme])
        count = self.plan.connections
        kb = self.generator.memory_kb(running.targets[scheme], proxy=running.pid, connections=count)
        self.results.memory_kb.setdefault((proxy.name, scheme), []).append(kb)
        self.say(f"  {proxy.title:24}{kb:>11.1f} kB per idle connection, {scheme}")

    def _measure_idle(self, proxy: Proxy, running: Running) -> None:
        if running.pid is None or "ws" not in running.targets:
            return
        self.generator.warm_up(running.targets["ws"])
        percent = self.generator.idle_percent(running.targets["ws"], proxy=running.pid, seconds=self.plan.idle_seconds)
        self.results.idle_percent[proxy.name] = percent
        self.say(f"  {proxy.title:24}{percent:>11.2f} % of a core with three silent connections")

    def _trouble(self, proxy: Proxy, sentence: str) -> None:
        self.results.problems.append(f"{proxy.title}: {sentence}")
        self.say(f"  {proxy.title}: {sentence}")


def shared_certificate(folder: Path) -> Certificate:
    """The one that all proxies have, made as the product makes its own: P-256, for 127.0.0.1 and localhost."""
    certificate, key, pair = (folder / name for name in ("certificate.pem", "key.pem", "pair.pem"))
    if ensure_certificate(certificate, key, "localhost", dt.datetime.now(dt.UTC), given=False):
        shutil.copyfile(certificate, pair)
        with pair.open("ab") as both:
            both.write(key.read_bytes())
    return Certificate(certificate, key, pair)
