"""What the gateway is meant to reach, beside what it reached. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.load import Load
from bench.others import FOUR, NGINX
from bench.ours import GATEWAY
from bench.proxies import DIRECT
from bench.results import Results

PART_OF_BEST = 0.95
KB_PER_CONNECTION = 22.0
HANDSHAKES_PER_SECOND = 1200.0


@dataclass(frozen=True)
class Verdict:
    """One target, for the gateway with a plan that counts. `met` is None where the figure is missing."""

    target: str
    figure: str
    met: bool | None

    @property
    def word(self) -> str:
        return {True: "met", False: "missed", None: "not measured"}[self.met]


def verdicts(results: Results, loads: list[Load]) -> list[Verdict]:
    """Every target that these loads say something about, in the order of the loads."""
    by_mode: dict[str, Callable[[Results, Load], Verdict]] = {
        "echo": _throughput,
        "handshakes": _handshakes,
        "paced": _latency,
    }
    found = [by_mode[load.mode](results, load) for load in loads if load.mode != "handshakes" or load.scheme == "ws"]
    return [*found, *_memory(results)]


def _throughput(results: Results, load: Load) -> Verdict:
    target = f"≥ {PART_OF_BEST} of the best of the four: {load.title}"
    best, ours = results.best([proxy.name for proxy in FOUR], load), results.rate(GATEWAY.name, load)
    if not best or ours is None:
        return Verdict(target, "–", None)
    ratio = ours / best[1]
    title = next(proxy.title for proxy in FOUR if proxy.name == best[0])
    return Verdict(target, f"{ratio:.3f} of {title}", ratio >= PART_OF_BEST)


def _handshakes(results: Results, load: Load) -> Verdict:
    target = f"≥ {HANDSHAKES_PER_SECOND:,.0f} authorised handshakes/s for each worker, ws"
    ours = results.rate(GATEWAY.name, load)
    if ours is None:
        return Verdict(target, "–", None)
    return Verdict(target, f"{ours:,.0f}", ours >= HANDSHAKES_PER_SECOND)


def _latency(results: Results, load: Load) -> Verdict:
    target = f"added p99 no worse than nginx's at equal load, {load.scheme}"
    ours, theirs = (results.added_p99(proxy.name, load, DIRECT.name) for proxy in (GATEWAY, NGINX))
    if ours is None or theirs is None:
        return Verdict(target, "–", None)
    return Verdict(target, f"{ours:,.0f} µs, nginx {theirs:,.0f} µs", ours <= theirs)


def _memory(results: Results) -> Iterator[Verdict]:
    """Only where memory was measured over ws at all."""
    if not any(scheme == "ws" for _, scheme in results.memory_kb):
        return
    target = f"≤ {KB_PER_CONNECTION:g} kB per idle ws connection"
    ours = results.median_memory(GATEWAY.name, "ws")
    yield Verdict(target, "–", None) if ours is None else Verdict(target, f"{ours:.1f} kB", ours <= KB_PER_CONNECTION)
