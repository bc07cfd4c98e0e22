"""Processes on one core, and what a whole process tree uses: read from /proc, so Linux only."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bench.errors import BenchError

START_SECONDS = 30
STOP_SECONDS = 15


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ports: Sequence[int],
    core: int,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[int]:
    """Runs `command` pinned to `core`, its output in `log`; yields its pid once 127.0.0.1 accepts on each of `ports`.

    Raises BenchError when a port is taken, or when nothing listens on it after START_SECONDS.
    """
    for port in ports:
        require_free(port)
    with log.open("ab") as output:
        process = start(command, core=core, env=env, cwd=cwd, stdout=output)
    try:
        deadline = time.monotonic() + START_SECONDS
        while closed := [port for port in ports if not _accepts(port)]:
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                problem = "ended" if ended else f"did not listen on port {closed[0]} in {START_SECONDS} s"
                last = " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
                raise BenchError(f"{Path(command[0]).name} (log: {log}) {problem}: {last}")
            time.sleep(0.05)
        yield process.pid
    finally:
        members = tree(process.pid)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for member in members:
                with suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            process.wait()


def start(
    command: Sequence[str | Path],
    *,
    core: int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
) -> "subprocess.Popen[bytes]":
    """Starts `command` so that it and all its children run on `core` only; stderr goes where stdout goes."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=stdin,
            stdout=stdout,
            stderr=None if stdout == subprocess.PIPE else subprocess.STDOUT,
            env=env,
            cwd=cwd,
        )
    finally:
        os.sched_setaffinity(0, before)


def require_free(port: int) -> None:
    """Raises BenchError when something listens on 127.0.0.1:`port` already."""
    if _accepts(port):
        raise BenchError(f"Port {port} is in use: choose other ports with --port-base.")


def rss_kb(pid: int) -> int:
    """Resident memory of `pid` and its descendants, in kB: the sum of Rss over /proc/PID/smaps_rollup."""
    total = 0
    for member in tree(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Rss:"))
    return total


def cpu_seconds(pid: int) -> float:
    """Processor time of `pid` and its descendants, finer than in ticks of the clock."""
    total = 0
    for member in tree(pid):
        for times in Path(f"/proc/{member}/task").glob("*/schedstat"):
            with suppress(OSError):
                total += int(times.read_text().split()[0])
    return total / 1e9


def tree(pid: int) -> list[int]:
    """`pid` and its living descendants."""
    members = [pid]
    with suppress(OSError):
        for listing in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in listing.read_text().split():
                members += tree(int(child))
    return members


def cores() -> tuple[int, int]:
    """The core for the proxy and the core for generator and backend; the same one when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 % len(allowed)]


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
