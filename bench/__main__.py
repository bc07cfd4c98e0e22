"""`python -m bench`: measures the gateway beside other proxies and prints what came out."""

import argparse
import datetime as dt
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from bench import machine, programs, report
from bench.errors import BenchError, Unavailable
from bench.proxies import ALL, Proxy
from bench.rounds import Plan, Results, measure


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
    present, left_out = _present(options.only)
    described = machine.describe()
    how = report.How(
        command=shlex.join([".venv/bin/python", "-m", "bench", *arguments]),
        rounds=options.rounds,
        seconds=options.seconds,
        at=dt.datetime.now(dt.UTC),
    )
    _introduce(present, left_out, described)
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    plan = Plan([p for p, _ in present], options.rounds, options.seconds, options.port_base, folder)
    results = measure(plan, built, say=lambda line: print(line, flush=True))
    _show(results, [proxy.name for proxy, _ in present])
    if results.problems:
        print(f"\nThe logs are in {folder}. Nothing was written." if options.write else f"\nThe logs are in {folder}.")
        return 1
    shutil.rmtree(folder)
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(report.as_page(results, present, left_out, described, how))
        print(f"\nWritten to {options.write}.")
    return 0


def _present(only: list[str]) -> tuple[list[tuple[Proxy, str]], list[str]]:
    """The proxies that can be run here with their versions, and a line for each that cannot."""
    present, left_out = [], []
    for proxy in ALL:
        if only and proxy.name not in only:
            continue
        try:
            present.append((proxy, proxy.version()))
        except Unavailable as reason:
            left_out.append(f"{proxy.name}: {reason}")
    if not present:
        raise BenchError(f"There is nothing to measure: {'; '.join(left_out)}.")
    return present, left_out


def _introduce(present: list[tuple[Proxy, str]], left_out: list[str], described: list[tuple[str, str]]) -> None:
    for name, value in described:
        print(f"{name}: {value}")
    for proxy, version in present:
        print(f"{proxy.name} ({version}): {proxy.work}")
    for line in left_out:
        print(f"left out: {line}")
    print()


def _show(results: Results, names: list[str]) -> None:
    for table in report.tables(results, names):
        print(f"\n{report.as_text(table)}")
    for problem in results.problems:
        print(f"\nproblem: {problem}")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of half a second: a look, not a figure")
    parser.add_argument("--rounds", type=int, default=3, help="how often each proxy is measured (3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one load (3)")
    parser.add_argument("--only", type=_names, default=[], help="proxies by name, with commas between")
    parser.add_argument("--write", type=Path, help="write the page here, such as docs/reference/performance.md")
    parser.add_argument("--port-base", type=int, default=21000, help="the first of the ports to use (21000)")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    return options


def _names(text: str) -> list[str]:
    names = text.split(",")
    known = [proxy.name for proxy in ALL]
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
