"""The results as tables, and those as plain text for a terminal. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.load import SCHEMES, Load, Sample
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
    memory = [_memory_table(results, proxies)] if results.memory_kb else []
    return [*(_table(results, proxies, load) for load in loads), *memory]


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
    if load.mode == "paced":
        title = f"{load.title}, {number(results.rates.get(load.scheme))} messages/s"
        heads = ["proxy", "p50 µs", "p99 µs", "range", "added p99 µs", "CPU µs/message", "core busy"]
        return Table(title, heads, [_latency_row(results, proxy, load) for proxy in measured])
    speed = ["MB/s"] if load.mode == "echo" else []
    heads = ["proxy", f"{load.unit}s/s", "range", *speed, "p50 µs", "p99 µs", f"CPU µs/{load.unit}"]
    heads += ["core busy", "of the best", OF_REFERENCE]
    return Table(load.title, heads, [_load_row(results, proxy, load) for proxy in measured])


def _load_row(results: Results, proxy: Proxy, load: Load) -> list[str]:
    median = _medians(results, proxy, load)
    rate = results.rate(proxy.name, load)
    best = results.best([each.name for each in FOUR], load)
    return [
        proxy.title,
        number(rate),
        _range([sample.per_second for sample in results.samples.get((proxy.name, load), [])]),
        *([number(median(lambda sample: sample.mb_per_second), ",.1f")] if load.mode == "echo" else []),
        number(median(lambda sample: sample.p50_us)),
        number(median(lambda sample: sample.p99_us)),
        *_processor(median),
        _ratio(rate, best[1] if best else None),
        _ratio(rate, results.rate(REFERENCE.name, load)),
    ]


def _latency_row(results: Results, proxy: Proxy, load: Load) -> list[str]:
    median = _medians(results, proxy, load)
    added = None if proxy == DIRECT else results.added_p99(proxy.name, load, DIRECT.name)
    return [
        proxy.title,
        number(median(lambda sample: sample.p50_us)),
        number(median(lambda sample: sample.p99_us)),
        _range([sample.p99_us for sample in results.samples.get((proxy.name, load), [])]),
        number(added),
        *_processor(median),
    ]


def _medians(results: Results, proxy: Proxy, load: Load) -> Callable[[Callable[[Sample], float]], float | None]:
    return lambda of: results.median(proxy.name, load, of)


def _processor(median: Callable[[Callable[[Sample], float]], float | None]) -> list[str]:
    """Both are nought only where there is no proxy."""
    return [
        number(median(lambda sample: sample.cpu_us) or None, ",.2f"),
        number(median(lambda sample: sample.busy) or None, ".0%"),
    ]


def _memory_table(results: Results, proxies: list[Proxy]) -> Table:
    schemes = [scheme for scheme in SCHEMES if any(scheme == each for _, each in results.memory_kb)]
    rows = [_memory_row(results, proxy, schemes) for proxy in proxies if proxy != DIRECT]
    heads = ["proxy", *(head for scheme in schemes for head in (f"kB per connection, {scheme}", OF_REFERENCE))]
    return Table(f"Memory, {results.connections:,} idle connections", heads, rows)


def _memory_row(results: Results, proxy: Proxy, schemes: list[str]) -> list[str]:
    cells = [proxy.title]
    for scheme in schemes:
        used = results.median_memory(proxy.name, scheme)
        cells += [number(used, ".1f"), _ratio(used, results.median_memory(REFERENCE.name, scheme))]
    return cells


def _range(values: list[float]) -> str:
    return f"{min(values):,.0f} – {max(values):,.0f}" if len(values) > 1 else "–"


def _ratio(value: float | None, reference: float | None) -> str:
    return "–" if value is None or not reference else f"{value / reference:.2f}"
