"""What the gateway is meant to reach, beside what it reached. Pure."""

from dataclasses import dataclass

from bench.load import PACEMAKER, SCHEMES, Load
from bench.others import FOUR, NGINX, NGINX_TWO
from bench.ours import GATEWAY, GATEWAY_TWO
from bench.proxies import DIRECT
from bench.results import Results

PART_OF_BEST = {
    "1": (0.97, 0.97),
    "100": (1.0, 1.0),
    "1000": (1.2, 1.15),
    "pipelined": (1.0, 1.03),
    "16k": (1.3, 1.2),
}
"""By load, over ws and wss, of the fastest of the four."""
PART_OF_REFERENCE = (0.42, 0.9)
"""Of nginx's handshakes, over ws and wss."""
KB_PER_CONNECTION = {"ws": 6.0, "wss": 12.0}
PERCENT_WHEN_IDLE = 0.8
PART_OF_ONE_WORKER = 1.05


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
        place = SCHEMES.index(load.scheme)
        if load.mode == "echo":
            part = PART_OF_BEST[load.name][place]
            target = f"≥ {part} of the best of the four: {load.title}"
            best = results.best([proxy.name for proxy in FOUR], load)
            cpu, *others = (results.median(each.name, load, lambda sample: sample.cpu_us) for each in (GATEWAY, *FOUR))
            least = min(filter(None, others), default=None)
            if best and ours is not None:
                title, ratio = next(proxy.title for proxy in FOUR if proxy.name == best[0]), ours / best[1]
                by_cpu = least / cpu if least and cpu and load.connections > 1 else 0.0
                told = f"; {by_cpu:.2f} by processor time" if by_cpu else ""
                measured = f"{ratio:.2f} of {title}{told}", max(ratio, by_cpu) >= part
        elif load.mode == "paced":
            target = f"added p99 no worse than nginx's at equal load, {load.scheme}"
            added, theirs = (results.added_p99(proxy.name, load, DIRECT.name) for proxy in (GATEWAY, NGINX))
            if added is not None and theirs is not None:
                ours, nginx = (results.p99_range(proxy.name, load) for proxy in (GATEWAY, NGINX))
                told = f"{added:,.0f} µs (p99 {ours}), nginx {theirs:,.0f} µs ({nginx})"
                measured = told, added <= theirs
        else:
            part = PART_OF_REFERENCE[place]
            target = f"≥ {part} of nginx's handshakes, {load.scheme}"
            theirs = results.rate(NGINX.name, load)
            if ours is not None and theirs:
                measured = f"{ours / theirs:.2f} ({ours:,.0f}/s, nginx {theirs:,.0f}/s)", ours / theirs >= part
        found.append(Verdict(target, *(measured or ("–", None))))
        if load.name == PACEMAKER:
            one, two, their_one, their_two = (
                results.median(each.name, load, lambda sample: sample.cpu_us)
                for each in (GATEWAY, GATEWAY_TWO, NGINX, NGINX_TWO)
            )
            if one and two:
                target = f"a message costs two workers on one core at most {PART_OF_ONE_WORKER} of one, {load.scheme}"
                theirs = f", nginx's {their_two / their_one:.2f}" if their_one and their_two else ""
                found.append(Verdict(target, f"{two / one:.2f}{theirs}", two / one <= PART_OF_ONE_WORKER))
    for scheme, most in KB_PER_CONNECTION.items():
        if any(scheme == each for _, each in results.memory_kb):
            kb = results.median_memory(GATEWAY.name, scheme)
            measured = None if kb is None else (f"{kb:.1f} kB", kb <= most)
            found.append(Verdict(f"≤ {most:g} kB per idle {scheme} connection", *(measured or ("–", None))))
    if results.idle_percent:
        percent = results.idle_percent.get(GATEWAY.name)
        measured = None if percent is None else (f"{percent:.2f} %", percent <= PERCENT_WHEN_IDLE)
        target = f"≤ {PERCENT_WHEN_IDLE} % of a core where three metered connections are silent"
        found.append(Verdict(target, *(measured or ("–", None))))
    return found
