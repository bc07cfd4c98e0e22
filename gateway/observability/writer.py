"""Each worker writes its counters into a file of the metrics folder, every two seconds and when it ends.

A file rather than a question to the worker, so that what a killed worker counted stays counted: a sum over workers that
drops when one of them dies would look to Prometheus like a restart, and its rates would jump.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from gateway import native
from gateway.connections.registry import ConnectionRegistry
from gateway.observability.counters import Counters
from gateway.pulse import next_beat, rest

REPORT_SECONDS = 2.0
CALM_SECONDS = 10.0  # between two reports while nothing is counted, and nothing is amiss
LAG_SECONDS = 0.2
LOOKED_AT = 200  # connections in one step of the loop

log = logging.getLogger("gateway.metrics")


class MetricsWriter:
    """Reports one worker's counters every so many seconds, and measures how late its loop is.

    Without a folder nobody wants to know.
    """

    def __init__(
        self,
        *,
        name: str,
        folder: Path | None,
        counters: Counters,
        connections: ConnectionRegistry,
        figures: Callable[[], dict[str, float]] = dict,
        seconds: float = REPORT_SECONDS,
    ) -> None:
        self._path = folder / f"{name}.json" if folder else None
        self._counters = counters
        self._connections = connections
        self._figures = figures
        self._seconds = seconds
        self._identity = identity(os.getpid())
        self._written: dict[str, Any] = {}
        self._written_at = -math.inf
        # One thread, so that of two reports the later one is written later, whoever is cancelled while he waits.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-report")

    async def report(self) -> None:
        """Report until cancelled."""
        while self._path:
            await self.write_down(self._path, is_ended=False)
            await rest(self._seconds)

    async def watch(self) -> None:
        """Measure the loop until cancelled."""
        loop = asyncio.get_running_loop()
        wanted = next_beat(loop.time(), LAG_SECONDS)

        def observe() -> bool:
            nonlocal wanted
            now = loop.time()
            self._counters.lag.observe(max(0.0, now - wanted))
            wanted = next_beat(now, LAG_SECONDS)
            return False

        if self._path:
            await rest(LAG_SECONDS, observe)

    async def stop(self) -> None:
        """Report for the last time."""
        if self._path:
            await self.write_down(self._path, is_ended=True)
        self._pool.shutdown()

    async def write_down(self, path: Path, *, is_ended: bool) -> None:
        connections = iter(self._connections)
        while some := list(islice(connections, LOOKED_AT)):  # a part at a time: clients do not wait for that
            for connection in some:
                self._counters.passed(connection)
            await asyncio.sleep(0)
        report = {**self._identity, "relay": native.RELAY, "is_ended": is_ended, "starts": 1}
        report |= self._counters.snapshot()
        loop, figures = asyncio.get_running_loop(), self._figures()
        counted = {name: value for name, value in report.items() if name not in ("lag", "store")}
        is_calm = counted == self._written and max(map(abs, figures.values()), default=0.0) < REPORT_SECONDS
        if is_calm and not is_ended and loop.time() - self._written_at < CALM_SECONDS:
            return
        self._written, self._written_at = counted, loop.time()
        try:
            await loop.run_in_executor(
                self._pool, lambda: write(path, {**report, "process": {**figures, **process_figures()}})
            )
        except OSError as error:
            log.debug("The metrics could not be written: %s", error)


def write(path: Path, document: dict[str, Any]) -> None:
    """Put a document in the place of the one before, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document))
    part.replace(path)


def clear(folder: Path) -> None:
    """Forget what workers of an earlier run have counted."""
    for path in (*folder.glob("*.json"), *folder.glob("*.part")):
        path.unlink(missing_ok=True)


def identity(pid: int) -> dict[str, Any]:
    """What tells a process from all others, also from a later one that is given the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it is gone, or this is another system than Linux
        return {"pid": pid, "began": ""}
    return {"pid": pid, "began": fields[19]}


def process_figures() -> dict[str, float]:
    """What this process uses: resident bytes, open descriptors and how many it may have, seconds of CPU."""
    used, memory, descriptors = resource.getrusage(resource.RUSAGE_SELF), 0, 0
    with suppress(OSError):  # another system than Linux
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        descriptors = len(os.listdir("/proc/self/fd"))
    return {
        "resident_memory_bytes": memory,
        "open_descriptors": descriptors,
        "descriptor_limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }
