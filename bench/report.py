"""The results as tables: plain for a terminal, Markdown for the documentation."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import IDLE_CONNECTIONS, LOADS, Load, Sample
from bench.proxies import REFERENCE, Proxy
from bench.rounds import Results


@dataclass(frozen=True)
class Table:
    """A title, a heading for each column, and rows of text. The first column is left-aligned, the rest right."""

    title: str
    heads: list[str]
    rows: list[list[str]]


def tables(results: Results, names: list[str]) -> list[Table]:
    """One table for each load, one for memory."""
    memory = [_memory_table(results, names)] if results.memory_kb else []
    return [*(_load_table(results, names, load) for load in LOADS), *memory]


def as_text(table: Table) -> str:
    """The table for a terminal."""
    widths = [max(len(row[i]) for row in [table.heads, *table.rows]) for i in range(len(table.heads))]
    lines = ["  ".join(_aligned(row, widths)) for row in [table.heads, *table.rows]]
    return "\n".join([table.title, *(f"  {line}".rstrip() for line in lines)])


def as_page(
    results: Results,
    proxies: list[tuple[Proxy, str]],
    left_out: list[str],
    machine: list[tuple[str, str]],
    how: "How",
) -> str:
    """The page for `docs/reference`: method, machine, tables and the command."""
    names = [proxy.name for proxy, _ in proxies]
    parts = [
        HEAD.format(
            date=how.at.strftime("%-d %B %Y"), command=how.command, rounds=how.rounds, seconds=f"{how.seconds:g}"
        ),
        METHOD.format(idle=IDLE_CONNECTIONS),
        "## Who was measured\n",
        _markdown(["proxy", "version", "work"], [[p.name, version, p.work] for p, version in proxies]),
        *(f"Left out: {line}.\n" for line in left_out),
        "## On what\n",
        _markdown(["", ""], [list(pair) for pair in machine]),
        "## Figures\n",
    ]
    for table in tables(results, names):
        parts += [f"### {table.title}\n", _markdown(table.heads, table.rows)]
    return "\n".join(parts).rstrip() + "\n"


@dataclass(frozen=True)
class How:
    """How the run was started."""

    command: str
    rounds: int
    seconds: float
    at: dt.datetime


HEAD = """# Performance

<!-- Written by the benchmark. Run it again rather than edit this page. -->

The gateway beside other proxies, on the same machine, the same cores and the same work. Measured on {date} with

    {command}

Rounds: {rounds}, with {seconds} s for each load. A figure is the median of the rounds; the range is the lowest and the
highest of them.
"""

METHOD = """## Method

One proxy runs at a time, as one worker on the first core. The load generator (`bench/wsload.c`) and the echo backend
(`bench/echo.c`), both in C, share the second core. The row "direct" is those two without a proxy: what they can do when
nothing is between them. "Core busy" is the part of the first core that the proxy used; near 100 % the proxy is the
limit and not the generator. Every round starts each proxy afresh, and another one goes first.

- **Messages** are echoes: a masked binary message goes to the backend and comes back, and the next one is sent when it
  is back. The generator compares every byte. MB/s counts payload in one direction (1 MB = 10⁶ bytes). Latency is from
  writing a message to having read its echo.
- **Handshakes** count a whole visit: connect, 101, close handshake, end of the TCP connection. Latency is from
  connecting to the 101. The gateway verifies the token, the subscription and the route for each; nginx asks a local
  endpoint that says yes; HAProxy only looks whether there is a header.
- **Memory** is the resident memory (Rss) of the proxy's process tree with {idle} idle connections, less that without
  them, divided by {idle}. What the kernel holds for sockets is not in it; it is the same for all.
- A run in which a connection fails or a byte differs is not written down.
"""


def _load_table(results: Results, names: list[str], load: Load) -> Table:
    speed = load.mode == "echo"
    heads = ["proxy", load.unit, "range", *(["MB/s"] if speed else [])]
    heads += ["p50 µs", "p99 µs", "core busy", f"of {REFERENCE}"]
    rows = [_load_row(results, name, load) for name in names]
    return Table(load.title, heads, rows if speed else [row[:3] + row[4:] for row in rows])


def _load_row(results: Results, name: str, load: Load) -> list[str]:
    def median(of: Callable[[Sample], float]) -> float | None:
        return results.median(name, load, of)

    rate = median(lambda sample: sample.per_second)
    return [
        name,
        _number(rate),
        _range([sample.per_second for sample in results.samples.get((name, load), [])], ",.0f"),
        _number(median(lambda sample: sample.mb_per_second), ",.1f"),
        _number(median(lambda sample: sample.p50_us)),
        _number(median(lambda sample: sample.p99_us)),
        _number(median(lambda sample: sample.busy) or None, ".0%"),
        _ratio(rate, results.median(REFERENCE, load, lambda sample: sample.per_second)),
    ]


def _memory_table(results: Results, names: list[str]) -> Table:
    reference = results.median_memory(REFERENCE)
    rows = [
        [
            name,
            _number(results.median_memory(name), ".1f"),
            _range(results.memory_kb[name], ".1f"),
            _ratio(results.median_memory(name), reference),
        ]
        for name in names
        if name in results.memory_kb
    ]
    heads = ["proxy", "kB per connection", "range", f"of {REFERENCE}"]
    return Table(f"Memory, {IDLE_CONNECTIONS} idle connections", heads, rows)


def _number(value: float | None, shape: str = ",.0f") -> str:
    return "–" if value is None else format(value, shape)


def _range(values: list[float], shape: str) -> str:
    return f"{min(values):{shape}} – {max(values):{shape}}" if len(values) > 1 else "–"


def _ratio(value: float | None, reference: float | None) -> str:
    return "–" if value is None or not reference else f"{value / reference:.2f}"


def _aligned(row: list[str], widths: list[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def _markdown(heads: list[str], rows: list[list[str]]) -> str:
    rule = ["---"] * len(heads) if len(heads) < 4 else ["---", *["---:"] * (len(heads) - 1)]
    lines = [heads, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
