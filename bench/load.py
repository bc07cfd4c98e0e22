"""The loads, and what `wsload` reports for one."""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import processes
from bench.errors import BenchError

SCHEMES = ("ws", "wss")
SETTLE_SECONDS = 0.5
REST_SECONDS = 6.0  # after which a proxy that was just started and warmed up does no more than what it always does
PATIENCE_SECONDS = 120
FEW = 3


@dataclass(frozen=True)
class Load:
    """One table. `name` is what the command line calls it; `window` messages are in flight on each connection; `size`
    is in bytes. A paced load sends at a fixed rate instead and has no window."""

    name: str
    title: str
    mode: str
    connections: int
    window: int | None = 1
    size: int = 125
    scheme: str = "ws"

    @property
    def unit(self) -> str:
        return "handshake" if self.mode == "handshakes" else "message"


KINDS = [
    Load("1", "1 connection, 1 message in flight, 125 B", "echo", 1),
    Load("100", "100 connections, 1 message in flight on each, 125 B", "echo", 100),
    Load("1000", "1,000 connections, 1 message in flight on each, 125 B", "echo", 1000),
    Load("pipelined", "50 connections, 16 messages in flight on each, 125 B", "echo", 50, window=16),
    Load("16k", "50 connections, 4 messages in flight on each, 16 KiB", "echo", 50, window=4, size=16384),
    Load("handshakes", "Handshakes, 32 at a time", "handshakes", 32),
    Load("latency", "Latency at equal load, 100 connections, 125 B", "paced", 100, window=None),
]
PACEMAKER = "100"
MEMORY, IDLE = "memory", "idle"
NAMES = [*(kind.name for kind in KINDS), MEMORY, IDLE]


def loads(names: Sequence[str], schemes: Sequence[str]) -> list[Load]:
    """The loads of these names over each scheme. The rate of `latency` comes from another load, which it brings in."""
    contended = {*names, *([PACEMAKER] if "latency" in names else [])}
    return [
        replace(kind, title=f"{kind.title}, {scheme}", scheme=scheme)
        for kind in KINDS
        if kind.name in contended
        for scheme in schemes
    ]


@dataclass(frozen=True)
class Target:
    """The address to call, and with what."""

    url: str
    authorization: str = field(default="Bearer bench", repr=False)


@dataclass(frozen=True)
class Sample:
    """One run of one load. Latencies in microseconds; `cpu_us` is the processor time that the proxy's processes used
    for each message (or handshake), in microseconds; `busy` the part of its core that this was (0 to 1)."""

    per_second: float
    mb_per_second: float
    p50_us: float
    p99_us: float
    cpu_us: float
    busy: float
    errors: dict[str, int]


@dataclass(frozen=True)
class Generator:
    """The compiled load generator and the core it runs on."""

    program: Path
    core: int

    def tls(self) -> str:
        """What its TLS library calls itself; empty when the machine has none."""
        told = subprocess.run([self.program, "tls"], capture_output=True, text=True, check=False).stdout
        return str(json.loads(told)["tls"])

    def run(self, load: Load, target: Target, *, seconds: float, proxy: int | None, rate: float = 0) -> Sample:
        """Runs `load` for `seconds`, a paced one with `rate` messages a second.

        `proxy` is the pid of the tree whose processor time is read, if there is one.
        """
        more = ["--seconds", str(seconds)]
        if rate:
            more += ["--rate", str(rate)]
        if proxy is not None:
            more += ["--watch", ",".join(map(str, processes.tree(proxy)))]
        result = self._finish(self._start(load, target, more))
        latency, used = result["latency_us"], result["cpu_seconds"]
        return Sample(
            per_second=result["per_second"],
            mb_per_second=result["mb_per_second"],
            p50_us=latency["p50"],
            p99_us=latency["p99"],
            cpu_us=used * 1e6 / result["count"] if result["count"] else 0.0,
            busy=used / result["seconds"] if result["seconds"] else 0.0,
            errors={name: count for name, count in result["errors"].items() if count},
        )

    def warm_up(self, target: Target) -> None:
        """A few messages, so that what is set up once does not count as the price of a connection."""
        result = self._finish(self._start(Load("", "", "echo", 20), target, ["--messages", "200"]))
        if any(result["errors"].values()):
            raise BenchError(f"{target.url} does not echo: {_told(result['errors'])}.")

    def memory_kb(self, target: Target, *, proxy: int, connections: int) -> float:
        """Resident memory of the tree of `proxy` for each of so many idle connections, in kB."""
        before = processes.rss_kb(proxy)
        held = self._start(Load("", "", "idle", connections), target, ["--seconds", "60"], stdin=subprocess.PIPE)
        first = held.stdout.readline() if held.stdout else b""
        time.sleep(SETTLE_SECONDS)
        used = processes.rss_kb(proxy) - before
        errors = self._finish(held)["errors"]
        if any(errors.values()) or json.loads(first or "{}").get("open") != connections:
            raise BenchError(f"{connections} idle connections could not be held: {_told(errors)}.")
        return used / connections

    def idle_percent(self, target: Target, *, proxy: int, seconds: float) -> float:
        """How much of a core the tree of `proxy` uses while three connections are silent."""
        held = self._start(Load("", "", "idle", FEW), target, ["--seconds", "60"], stdin=subprocess.PIPE)
        if held.stdout:
            held.stdout.readline()
        time.sleep(REST_SECONDS)
        before = processes.cpu_seconds(proxy)
        time.sleep(seconds)
        used = processes.cpu_seconds(proxy) - before
        self._finish(held)
        return 100 * used / seconds

    def _start(
        self, load: Load, target: Target, more: list[str], stdin: int = subprocess.DEVNULL
    ) -> "subprocess.Popen[bytes]":
        command: list[str | Path] = [self.program, load.mode, target.url, "--authorization", target.authorization]
        command += ["--connections", str(load.connections), "--size", str(load.size)]
        if load.window:
            command += ["--window", str(load.window)]
        return processes.start([*command, *more], core=self.core, stdin=stdin)

    def _finish(self, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
        try:
            output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise BenchError(f"The load generator was not done after {PATIENCE_SECONDS} s.") from None
        if process.returncode not in (0, 1) or not output:
            raise BenchError(f"The load generator ended with code {process.returncode}.")
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
        return result


def _told(errors: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in errors.items() if count) or "they were not all opened"
