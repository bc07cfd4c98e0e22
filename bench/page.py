"""The page for `docs/reference`: targets, method, machine, tables, the command, and notes that are kept by hand."""

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from bench.load import PACEMAKER, Load
from bench.report import Table, tables, targets_table
from bench.results import PART_OF_SLOWEST, Results
from bench.rounds import PACED_AGAIN, PACED_SECONDS, SETTLED_SECONDS
from bench.site import Proxy

NOTES = Path(__file__).resolve().parent / "notes.md"


@dataclass(frozen=True)
class How:
    """How the run was started, who took part, who was left out (a line each) and on what."""

    command: str
    seconds: float
    idle_seconds: float
    at: dt.datetime
    proxies: list[tuple[Proxy, str]]
    left_out: list[str]
    machine: list[tuple[str, str]]
    loads: list[Load]


def as_page(results: Results, how: How, notes: str) -> str:
    """The whole page in Markdown; `notes` go under the tables as they are, without their comments."""
    proxies = [proxy for proxy, _ in how.proxies]
    measured = Table("", ["proxy", "version", "work"], [[p.title, version, p.work] for p, version in how.proxies])
    parts = [
        HEAD.format(
            date=how.at.strftime("%-d %B %Y"), command=how.command, rounds=results.rounds, seconds=f"{how.seconds:g}"
        ),
        "## Targets\n",
        TARGETS,
        _markdown(targets_table(results, how.loads)),
        METHOD.format(
            idle=f"{results.connections:,}",
            idle_seconds=how.idle_seconds,
            part=f"{PART_OF_SLOWEST:.0%}",
            pacemaker=PACEMAKER,
            again=PACED_AGAIN,
            paced_seconds=PACED_SECONDS,
            settled=SETTLED_SECONDS,
        ),
        "## Who was measured\n",
        _markdown(measured),
        *(f"Left out: {line}.\n" for line in how.left_out),
        "## On what\n",
        _markdown(Table("", ["", ""], [list(pair) for pair in how.machine])),
        "## Figures\n",
    ]
    for table in tables(results, proxies, how.loads):
        parts += [f"### {table.title}\n", _markdown(table)]
    if results.problems:
        parts += ["## What went wrong\n", WRONG, *(f"- {problem}" for problem in results.problems), ""]
    parts.append(re.sub(r"<!--.*?-->", "", notes, flags=re.DOTALL).strip())
    return "\n".join(parts).rstrip() + "\n"


HEAD = """# Performance

<!-- Written by the benchmark: run it again rather than edit this page. The end of it is bench/notes.md. -->

The gateway beside other proxies, on the same machine, the same cores and the same work. Measured on {date} with

    {command}

Rounds: {rounds}, with {seconds} s for each load. A figure is the median of the rounds; the range is the lowest and the
highest of them. `make bench` prints the same tables; `.venv/bin/python -m bench --help` says how to choose among loads,
proxies and schemes.
"""

TARGETS = """They are for the row "gateway". "The four" are nginx, HAProxy, Envoy and Caddy, and the best of them is the
fastest one in the same run, load by load. In a load all messages have one size: a ratio of messages/s is one of MB/s.
A load of messages meets its target by messages/s or by processor time, whichever ratio is higher: with one core for the
proxy and one for its peers, either may be the one that is full. With one connection only messages/s count.
"""

METHOD = """## Method

One proxy runs at a time, as one worker on the first core. The load generator (`bench/wsload.c`) and the echo backend
(`bench/echo.c`), both in C, share the second core. The row "direct" is those two without a proxy: what they can do when
nothing is between them. Every round starts each proxy afresh, and another one goes first. Between two loads passes as
much time as a load takes, one second at most, for what the first has left behind.

- **Messages** are echoes: a masked binary message goes to the backend and comes back, and the next one is sent when it
  is back. The generator compares every byte. MB/s counts payload in one direction (1 MB = 10⁶ bytes). Latency is from
  writing a message to having read its echo.
- **CPU µs** is the processor time, user and system, of all the proxy's processes in the measured time, for each message
  there and back. Messages/s depend on the generator and the backend, too: where "direct" is not far above the proxies,
  it is their core that sets the pace, and the ratios between proxies come out closer to 1 than the proxies are. CPU µs
  do not suffer from that. "Core busy" is the part of the first core that the proxy used.
- **wss** is ended by the proxy; the way to the backend is ws. All have the same certificate (P-256), and the generator
  offers TLS 1.3 with AES-128-GCM and X25519 only, so that all do the same arithmetic. No session is resumed.
- **Handshakes** count a whole visit: connect, 101, close handshake, end of the TCP connection. Latency is from
  connecting to the 101. The gateway verifies the token, the subscription, the plan and the route for each; nginx, Envoy
  and Caddy ask a local endpoint that says yes; HAProxy only looks whether there is a header.
- **Latency at equal load**: messages are sent at fixed times, the same number a second for every proxy, whether or not
  earlier ones are back, and latency counts from the time at which a message was due. The rate is {part} of what the
  slowest proxy did in the first round with {pacemaker} connections. The 99th percentile of a second is what a stall of
  the machine makes of it; so every proxy is visited several times, in turn, for {again} looks of {paced_seconds:g} s
  each, and the figure is the median of all of them. What is compared is a proxy at work: it has {settled:g} s to itself
  after its start, and messages pass for a second before each look. "Added p99" is the figure less the one of "direct"
  at the same rate. For wss, "direct" is ws: then the price of TLS is in it, for all alike.
- **Two workers** share the one core of the proxy with each other: what a message costs then is to be what it costs one.
  nginx's two do the same, for comparison.
- **Three silent connections** are open and metered while the processor time of all the proxy's processes is read for
  {idle_seconds:g} s: it is what the proxy does by itself.
- **Memory** is the resident memory (Rss) of the proxy's process tree with {idle} idle connections, less that without
  them, divided by {idle}; measured in the first round. What the kernel holds for sockets is not in it.
- A run in which a connection fails or a byte differs does not count and is named on this page.
"""

WRONG = """These runs had errors and are in none of the figures.
"""


def _markdown(table: Table) -> str:
    heads = table.heads
    rule = ["---"] * len(heads) if len(heads) < 4 else ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, rule, *table.rows]) + "\n"
