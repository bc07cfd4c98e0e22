"""`python -m bench`: measures the gateway beside other proxies and prints what came out."""

import argparse
import datetime as dt
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench import load, machine, programs, report
from bench.errors import BenchError, Unavailable
from bench.load import Generator
from bench.page import NOTES, How, as_page
from bench.proxies import ALL
from bench.rounds import RunPlan, measure
from bench.site import Proxy
from gateway.server.acceptor import raise_descriptor_limit

IDLE_CONNECTIONS = 5000
FEWEST_IDLE = 100
IDLE_SECONDS = 20.0  # what is written every ten seconds is in it twice
FILES_BESIDES = 1000
"""Open files of a proxy that are not those of its clients."""
Left = list[str]


def main(arguments: list[str]) -> int:
    """Exit code 0 when all went well, 1 when a run had errors or nothing could be measured."""
    options = _options(arguments)
    try:
        return _run(options, arguments)
    except BenchError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    return 1


def _run(options: argparse.Namespace, arguments: list[str]) -> int:
    built = {name: programs.build(name) for name in ("wsload", "echo")}
    raise_descriptor_limit()
    present, left_out = present_proxies(options.only)
    schemes, tls = _schemes(options.schemes, built["wsload"], left_out)
    how = How(
        command=shlex.join([".venv/bin/python", "-m", "bench", *arguments]),
        seconds=options.seconds,
        idle_seconds=IDLE_SECONDS,
        at=dt.datetime.now(dt.UTC),
        proxies=present,
        left_out=left_out,
        machine=[*machine.describe(), *([("TLS of the generator", tls)] if "wss" in schemes else [])],
        loads=load.loads(options.loads, schemes),
    )
    for line in [
        *(f"{name}: {value}" for name, value in how.machine),
        *(f"{proxy.title} ({version}): {proxy.work}" for proxy, version in how.proxies),
        *(f"left out: {line}" for line in how.left_out),
        "",
    ]:
        print(line)
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    results = measure(_plan(options, how, schemes, folder), built, say=lambda line: print(line, flush=True))
    proxies = [proxy for proxy, _ in how.proxies]
    for table in [*report.tables(results, proxies, how.loads), report.targets_table(results, how.loads)]:
        print(f"\n{report.as_text(table)}")
    for problem in results.problems:
        print(f"\nproblem: {problem}")
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(as_page(results, how, NOTES.read_text()))
        print(f"\nWritten to {options.write}.")
    if results.problems:
        print(f"\nThe logs are in {folder}.")
        return 1
    shutil.rmtree(folder)
    return 0


def _plan(options: argparse.Namespace, how: How, schemes: list[str], folder: Path) -> RunPlan:
    return RunPlan(
        proxies=[proxy for proxy, _ in how.proxies],
        loads=how.loads,
        memory_schemes=schemes if load.MEMORY in options.loads else [],
        connections=max(FEWEST_IDLE, min(options.idle, raise_descriptor_limit() // 2 - FILES_BESIDES)),
        idle_seconds=IDLE_SECONDS if load.IDLE in options.loads else 0.0,
        rounds=options.rounds,
        seconds=options.seconds,
        most_seconds=options.minutes * 60,
        rate=options.rate,
        turns=options.turns,
        port_base=options.port_base,
        folder=folder,
    )


def present_proxies(only: list[str]) -> tuple[list[tuple[Proxy, str]], Left]:
    """The proxies that can be run here with their versions, and a line for each that cannot."""
    present, left_out = [], []
    for proxy in ALL:
        if only and proxy.name not in only:
            continue
        try:
            present.append((proxy, proxy.version()))
        except Unavailable as reason:
            left_out.append(f"{proxy.title}: {reason}")
    if not present:
        raise BenchError(f"There is nothing to measure: {'; '.join(left_out)}.")
    return present, left_out


def _schemes(contended: list[str], wsload: Path, left_out: Left) -> tuple[list[str], str]:
    """The schemes that can be measured, and the name of the TLS library; what cannot is added to `left_out`."""
    tls = Generator(wsload, 0).tls()
    if "wss" in contended and not tls:
        left_out.append("wss: the load generator found no libssl (Debian: apt-get install libssl3)")
    schemes = [scheme for scheme in contended if scheme != "wss" or tls]
    if not schemes:
        raise BenchError(f"There is nothing to measure: {'; '.join(left_out)}.")
    return schemes, tls


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names, loads = [proxy.name for proxy in ALL], ", ".join(load.NAMES)
    parser.add_argument("--quick", action="store_true", help="one short round and 1,000 idle connections: a look")
    parser.add_argument("--rounds", type=int, default=3, help="how often each proxy is measured (3)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one load (1.5)")
    parser.add_argument("--minutes", type=float, default=15, help="begin no round that would end later than this (15)")
    parser.add_argument(
        "--only", type=partial(_several, names), default=[], help="proxies by name, with commas between"
    )
    parser.add_argument("--loads", type=partial(_several, load.NAMES), default=load.NAMES, help=f"some of {loads}")
    parser.add_argument(
        "--schemes", type=partial(_several, load.SCHEMES), default=[*load.SCHEMES], help="ws or wss (both)"
    )
    parser.add_argument("--rate", type=float, default=0, help="messages/s for the load latency (half of the slowest)")
    parser.add_argument("--turns", type=int, default=4, help="visits of each proxy for the load latency in a round (4)")
    parser.add_argument("--idle", type=int, default=IDLE_CONNECTIONS, help="connections for the load memory (5000)")
    parser.add_argument("--write", type=Path, help="write the page here, such as docs/reference/performance.md")
    parser.add_argument("--port-base", type=int, default=21000, help="the first of the ports to use (21000)")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds, options.turns, options.idle = 1, 0.3, 1, 1000
    if min(options.rounds, options.seconds, options.turns, options.minutes, options.idle) <= 0:
        parser.error("--rounds, --seconds, --turns, --minutes and --idle must be above 0")
    return options


def _several(known: Sequence[str], text: str) -> list[str]:
    for name in text.split(","):
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
    return text.split(",")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
