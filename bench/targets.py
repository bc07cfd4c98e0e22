"""What the gateway is meant to reach, beside what it reached. Pure."""

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
    """Every target that these loads say something about, in the order of the loads; memory where it was measured."""
    found = []
    for load in loads:
        ours, measured = results.rate(GATEWAY.name, load), None
        if load.mode == "echo":
            target = f"≥ {PART_OF_BEST} of the best of the four: {load.title}"
            best = results.best([proxy.name for proxy in FOUR], load)
            if best and ours is not None:
                title, ratio = next(proxy.title for proxy in FOUR if proxy.name == best[0]), ours / best[1]
                measured = f"{ratio:.3f} of {title}", ratio >= PART_OF_BEST
        elif load.mode == "paced":
            target = f"added p99 no worse than nginx's at equal load, {load.scheme}"
            added, theirs = (results.added_p99(proxy.name, load, DIRECT.name) for proxy in (GATEWAY, NGINX))
            if added is not None and theirs is not None:
                measured = f"{added:,.0f} µs, nginx {theirs:,.0f} µs", added <= theirs
        elif load.scheme == "ws":
            target = f"≥ {HANDSHAKES_PER_SECOND:,.0f} authorised handshakes/s for each worker, ws"
            measured = None if ours is None else (f"{ours:,.0f}", ours >= HANDSHAKES_PER_SECOND)
        else:
            continue
        found.append(Verdict(target, *(measured or ("–", None))))
    if any(scheme == "ws" for _, scheme in results.memory_kb):
        kb = results.median_memory(GATEWAY.name, "ws")
        measured = None if kb is None else (f"{kb:.1f} kB", kb <= KB_PER_CONNECTION)
        found.append(Verdict(f"≤ {KB_PER_CONNECTION:g} kB per idle ws connection", *(measured or ("–", None))))
    return found
