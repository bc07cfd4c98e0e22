"""The results as tables, and those as plain text for a terminal. Pure."""

from dataclasses import dataclass
from functools import partial

from bench.load import SCHEMES, Load
from bench.others import FOUR
from bench.proxies import DIRECT, REFERENCE
from bench.results import Results
from bench.site import Proxy
from bench.targets import verdicts

OF_REFERENCE = f"of {REFERENCE.title}"


@dataclass(frozen=True)
class Table:
    """A title, a heading for each column, and rows of text. The first column is left-aligned, the rest right."""

    title: str
    heads: list[str]
    rows: list[list[str]]


def tables(results: Results, proxies: list[Proxy], loads: list[Load]) -> list[Table]:
    """One table for each load, one for memory."""
    found = [_table(results, proxies, load) for load in loads]
    if results.memory_kb:
        schemes = [scheme for scheme in SCHEMES if any(scheme == each for _, each in results.memory_kb)]
        heads = ["proxy", *(head for scheme in schemes for head in (f"kB per connection, {scheme}", OF_REFERENCE))]
        rows = []
        for proxy in (proxy for proxy in proxies if proxy != DIRECT):
            rows.append(cells := [proxy.title])
            for scheme in schemes:
                used, reference = (results.median_memory(each.name, scheme) for each in (proxy, REFERENCE))
                cells += [number(used, ".1f"), _ratio(used, reference)]
        found.append(Table(f"Memory, {results.connections:,} idle connections", heads, rows))
    if results.idle_percent:
        idle = [[each.title, number(results.idle_percent.get(each.name), ".2f")] for each in proxies if each != DIRECT]
        found.append(Table("Three silent connections", ["proxy", "% of a core"], idle))
    return found


def targets_table(results: Results, loads: list[Load]) -> Table:
    """Every target, its figure, and whether it is met."""
    rows = [[verdict.target, verdict.figure, verdict.word] for verdict in verdicts(results, loads)]
    return Table("Targets", ["target", "figure", ""], rows)


def as_text(table: Table) -> str:
    """The table for a terminal."""
    widths = [max(len(row[i]) for row in [table.heads, *table.rows]) for i in range(len(table.heads))]
    lines = []
    for first, *rest in [table.heads, *table.rows]:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(cells))
    return "\n".join([table.title, *(f"  {line}".rstrip() for line in lines)])


def number(value: float | None, shape: str = ",.0f") -> str:
    """A dash for what was not measured."""
    return "–" if value is None else format(value, shape)


def _table(results: Results, proxies: list[Proxy], load: Load) -> Table:
    measured = [proxy for proxy in proxies if load.scheme == "ws" or load.mode == "paced" or proxy != DIRECT]
    tail = ["p50 µs", "p99 µs", f"CPU µs/{load.unit}", "core busy"]
    if load.mode == "paced":
        title = f"{load.title}, {number(results.rates.get(load.scheme))} messages/s"
        heads = ["proxy", *tail[:2], "range", "added p99 µs", *tail[2:]]
    else:
        title, speed = load.title, ["MB/s"] if load.mode == "echo" else []
        heads = ["proxy", f"{load.unit}s/s", "range", *speed, *tail, "of the best", OF_REFERENCE]
    return Table(title, heads, [_row(results, proxy, load) for proxy in measured])


def _row(results: Results, proxy: Proxy, load: Load) -> list[str]:
    samples = results.samples.get((proxy.name, load), [])
    values = [sample.p99_us if load.mode == "paced" else sample.per_second for sample in samples]
    spread = f"{min(values):,.0f} – {max(values):,.0f}" if len(values) > 1 else "–"
    median = partial(results.median, proxy.name, load)
    latency = [number(median(lambda sample: sample.p50_us)), number(median(lambda sample: sample.p99_us))]
    processor = [  # both are nought only where there is no proxy
        number(median(lambda sample: sample.cpu_us) or None, ",.2f"),
        number(median(lambda sample: sample.busy) or None, ".0%"),
    ]
    if load.mode == "paced":
        added = None if proxy == DIRECT else results.added_p99(proxy.name, load, DIRECT.name)
        return [proxy.title, *latency, spread, number(added), *processor]
    rate, best = results.rate(proxy.name, load), results.best([each.name for each in FOUR], load)
    speed = [number(median(lambda sample: sample.mb_per_second), ",.1f")] if load.mode == "echo" else []
    ratios = [_ratio(rate, best[1] if best else None), _ratio(rate, results.rate(REFERENCE.name, load))]
    return [proxy.title, number(rate), spread, *speed, *latency, *processor, *ratios]


def _ratio(value: float | None, reference: float | None) -> str:
    return "–" if value is None or not reference else f"{value / reference:.2f}"
