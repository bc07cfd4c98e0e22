"""One beat for all that a worker does again and again: what is due at about the same time is done in one turn.

Each time that an idle worker wakes costs more than what it wakes for. So who waits so many seconds waits until the
loop's clock shows a multiple of them: what is done every fifth of a second, every second and every two then wakes it
five times a second, not each by itself.
"""

from __future__ import annotations

import asyncio
import math
import os

SHARPNESS = 1e-4  # seconds by which a timer may be early
_phase = (0, 0.0)


def next_beat(now: float, seconds: float) -> float:
    """The next multiple of `seconds` after `now`, by the loop's clock. It differs between processes."""
    global _phase  # of this process, which may be a fork
    if _phase[0] != (pid := os.getpid()):
        _phase = pid, pid * 0.618034 % 1.0
    begun = _phase[1]
    return (math.floor((now - begun + SHARPNESS) / seconds) + 1) * seconds + begun


async def rest(seconds: float) -> None:
    """Sleep so long at most: until the next beat."""
    if seconds <= 0:
        return await asyncio.sleep(0)
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(next_beat(now, seconds) - now)
