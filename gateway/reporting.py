"""Each worker writes its tally into a file of the metrics folder, every two seconds and when it ends.

A file rather than a question to the worker, so that what a killed worker counted stays counted: a sum over workers that
drops when one of them dies would look to Prometheus like a restart, and its rates would jump.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.connections import Connections
from gateway.tally import Tally

REPORT_SECONDS = 2.0
LAG_SECONDS = 0.25

log = logging.getLogger("gateway.reporting")


class Reporter:
    """Reports one worker's tally, and measures how late its loop is."""

    def __init__(self, *, name: str, folder: Path, tally: Tally, connections: Connections) -> None:
        self._path = folder / f"{name}.json"
        self._tally = tally
        self._connections = connections

    async def report(self) -> None:
        """Report until cancelled."""
        while True:
            await self._write(is_ended=False)
            await asyncio.sleep(REPORT_SECONDS)

    async def watch(self) -> None:
        """Measure the loop until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            wanted = loop.time() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            self._tally.lagged(loop.time() - wanted)

    async def stop(self) -> None:
        """Report for the last time."""
        await self._write(is_ended=True)

    async def _write(self, *, is_ended: bool) -> None:
        snapshot = self._tally.snapshot(self._connections)
        document = {"pid": os.getpid(), "is_ended": is_ended, **snapshot, "process": process_figures()}
        try:
            await asyncio.to_thread(write, self._path, document)
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
    for path in folder.glob("*.json"):
        path.unlink(missing_ok=True)


def process_figures() -> dict[str, float]:
    """What this process uses: resident bytes, open descriptors and how many it may have, seconds of CPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "resident_bytes": _or_zero(
            lambda: int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        ),
        "descriptors": _or_zero(lambda: len(os.listdir("/proc/self/fd"))),
        "descriptor_limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }


def _or_zero(figure: Callable[[], int]) -> int:
    try:
        return figure()
    except OSError:  # another system than Linux
        return 0
