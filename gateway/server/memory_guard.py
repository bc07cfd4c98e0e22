"""Sheds load before the memory that the gateway may use is gone, so that the kernel kills nobody.

Near the limit of the control group newcomers are refused with 503. Nearer, connections for which most is buffered are
closed with 1013, the largest first: those whose clients or backends do not take what they are sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from gateway import close_codes
from gateway.connections.registry import ConnectionRegistry
from gateway.pulse import rest
from gateway.relay.splice import Relay

LOOK_SECONDS: Final = 0.4
UNLIMITED_SECONDS: Final = 10.0  # a limit may be set while the gateway runs
REFUSES, SHEDS = 0.85, 0.92  # of the limit
CUT_SECONDS: Final = 1.0  # for a Close to get through; what is buffered then is given up
LEAST_BUFFERED: Final = 4096  # bytes: less is no help

# Where a control group says how much it may use, how much it does, and what of that are files that can be read again.
_UNIFIED: Final = ("memory.max", "memory.current", "inactive_file")
_FIRST_VERSION: Final = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

log = logging.getLogger("gateway")


class Memory(NamedTuple):
    """How many bytes the control group uses that cannot be taken back, and how many it may."""

    used: int
    limit: int


@dataclass(eq=False, repr=False)
class MemoryGuard:
    """Guards one worker. `read` says how much memory is used; None where there is no limit."""

    connections: ConnectionRegistry
    read: Callable[[], Memory | None]
    is_short: bool = field(default=False, init=False)

    async def guard(self) -> None:
        """Look until cancelled; where nothing limits the memory, now and then whether something does by now."""
        while True:
            await rest(LOOK_SECONDS if self.look() else UNLIMITED_SECONDS)

    def look(self) -> bool:
        """Look once, and shed what has to go; whether there is a limit."""
        memory = self.read()
        if memory is None:
            return False
        share = memory.used / memory.limit
        if self.is_short != (share >= REFUSES):
            self.is_short = not self.is_short
            if self.is_short:
                log.warning("%.0f %% of the memory is used: newcomers are refused until it is less.", 100 * share)
            else:
                log.warning("There is memory again: newcomers are let in.")
        if share >= SHEDS:
            self._shed(memory.used - int(REFUSES * memory.limit))
        return True

    def _shed(self, excess: int) -> None:
        """Close those for whom most waits to be taken by either side."""
        sized = [
            (sum(leg.transport.get_write_buffer_size() for leg in (relay.client, relay.backend)), each.id, each, relay)
            for each in self.connections
            if isinstance(relay := each.relay, Relay)
        ]
        count = freed = 0
        for size, _, connection, relay in sorted(sized, reverse=True):
            if freed >= excess or size < LEAST_BUFFERED:
                break
            connection.close(close_codes.NO_MEMORY.code, close_codes.NO_MEMORY.reason)
            asyncio.get_running_loop().call_later(CUT_SECONDS, relay.abort)
            count, freed = count + 1, freed + size
        if count:
            log.warning("Memory runs out: %d connections with %d kB in buffers are closed.", count, freed // 1000)


def control_group_memory(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> Memory | None:
    """What the nearest control group with a limit says, of version 2 or 1; None where there is none."""
    try:
        groups = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return None
    for _, kinds, place in groups:
        names, top = _UNIFIED, root
        if kinds:
            names, top = _FIRST_VERSION, root / "memory"
            if "memory" not in kinds.split(","):
                continue
        limit, used, cache = names
        folder = top / place.lstrip("/")
        for each in (folder, *folder.parents):
            if not each.is_relative_to(top):
                break
            with suppress(OSError, ValueError):  # "max" is no limit
                most, now = int((each / limit).read_text()), int((each / used).read_text())
                stat = dict(line.split() for line in (each / "memory.stat").read_text().splitlines())
                if most < 1 << 60:
                    return Memory(now - int(stat.get(cache, 0)), most)
    return None
