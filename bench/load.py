"""The loads, and what `wsload` reports for one."""

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import processes
from bench.errors import BenchError

IDLE_CONNECTIONS = 1000
SETTLE_SECONDS = 0.5


@dataclass(frozen=True)
class Load:
    """One column group of the table. `window` messages are in flight on each connection; `size` is in bytes."""

    title: str
    mode: str
    connections: int
    window: int = 1
    size: int = 125

    @property
    def unit(self) -> str:
        return "handshakes/s" if self.mode == "handshakes" else "messages/s"


LOADS = [
    Load("10 connections, 1 message in flight on each, 125 B", "echo", 10),
    Load("50 connections, 16 messages in flight on each, 125 B", "echo", 50, window=16),
    Load("50 connections, 4 messages in flight on each, 16 KiB", "echo", 50, window=4, size=16384),
    Load("Handshakes, 8 at a time", "handshakes", 8),
]


@dataclass(frozen=True)
class Target:
    """Where to knock, and with what."""

    url: str
    authorization: str = field(default="Bearer bench", repr=False)


@dataclass(frozen=True)
class Sample:
    """One run of one load. Latencies in microseconds; `busy` is the part of its core that the proxy used (0 to 1)."""

    per_second: float
    mb_per_second: float
    p50_us: float
    p99_us: float
    busy: float
    errors: dict[str, int]


@dataclass(frozen=True)
class Generator:
    """The compiled load generator and the core it runs on."""

    program: Path
    core: int

    def run(self, load: Load, target: Target, *, seconds: float, proxy: int | None) -> Sample:
        """Runs `load` for `seconds`; `proxy` is the pid whose processor time is read, if there is one."""
        began, before = time.monotonic(), _cpu(proxy)
        result = self._finish(self._start(load, target, ["--seconds", str(seconds)]))
        busy = (_cpu(proxy) - before) / (time.monotonic() - began)
        return _sample(result, busy)

    def warm_up(self, target: Target) -> None:
        """A few messages, so that what is set up once does not count as the price of a connection."""
        result = self._finish(self._start(Load("", "echo", 20), target, ["--messages", "200"]))
        if any(result["errors"].values()):
            raise BenchError(f"{target.url} does not echo: {_told(result['errors'])}")

    def memory_kb(self, target: Target, *, proxy: int) -> float:
        """Resident memory of the tree of `proxy` per idle connection, in kB, over IDLE_CONNECTIONS."""
        before = processes.rss_kb(proxy)
        held = self._start(Load("", "idle", IDLE_CONNECTIONS), target, ["--seconds", "60"], stdin=subprocess.PIPE)
        first = held.stdout.readline() if held.stdout else b""
        time.sleep(SETTLE_SECONDS)
        used = processes.rss_kb(proxy) - before
        errors = self._finish(held)["errors"]
        if any(errors.values()) or json.loads(first or "{}").get("open") != IDLE_CONNECTIONS:
            raise BenchError(f"{IDLE_CONNECTIONS} idle connections could not be held: {_told(errors)}")
        return used / IDLE_CONNECTIONS

    def _start(
        self, load: Load, target: Target, more: list[str], stdin: int = subprocess.DEVNULL
    ) -> "subprocess.Popen[bytes]":
        command: list[str | Path] = [self.program, load.mode, target.url, "--authorization", target.authorization]
        command += ["--connections", str(load.connections), "--window", str(load.window), "--size", str(load.size)]
        return processes.start([*command, *more], core=self.core, stdin=stdin)

    def _finish(self, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
        output, _ = process.communicate(timeout=120)
        if process.returncode not in (0, 1) or not output:
            raise BenchError(f"The load generator ended with code {process.returncode}.")
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
        return result


def _sample(result: dict[str, Any], busy: float) -> Sample:
    latency = result["latency_us"]
    return Sample(
        per_second=result["per_second"],
        mb_per_second=result["mb_per_second"],
        p50_us=latency["p50"],
        p99_us=latency["p99"],
        busy=busy,
        errors={name: count for name, count in result["errors"].items() if count},
    )


def _told(errors: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in errors.items() if count)


def _cpu(pid: int | None) -> float:
    return processes.cpu_seconds(pid) if pid else 0.0
