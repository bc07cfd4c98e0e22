"""One beat for all that a worker does again and again: what is due at about the same time is done in one turn.

Each time that an idle worker wakes costs more than what it wakes for. So who waits so many seconds waits until the
loop's clock shows a multiple of them: what is done every fifth of a second, every second and every two then wakes it
five times a second, not each by itself. One timer of the loop's serves all; and who can tell by a look that there is
nothing to do is asked for that look, and sleeps on: no task of his takes a turn.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field

SHARPNESS = 1e-3  # seconds by which a timer may be early: those of uvloop go by milliseconds
_phase = (0, 0.0)


def next_beat(now: float, seconds: float) -> float:
    """The next multiple of `seconds` after `now`, by the loop's clock. It differs between processes."""
    global _phase  # of this process, which may be a fork
    if _phase[0] != (pid := os.getpid()):
        _phase = pid, pid * 0.618034 % 1.0
    begun = _phase[1]
    return (math.floor((now - begun + SHARPNESS) / seconds) + 1) * seconds + begun


async def rest(
    seconds: float, until: Callable[[], bool] | None = None, early: asyncio.Future[None] | None = None
) -> None:
    """Sleep so long at most: until the next beat, or the first at which `until` says that there is something to do.

    `until` is called on the loop at each beat, one after the other in the order in which they rest; it should take
    microseconds. What it raises is raised here. Whoever gives the future `early` a result ends the rest at once.
    """
    loop = asyncio.get_running_loop()
    if seconds <= 0:
        return await asyncio.sleep(0)
    waiter = early or loop.create_future()
    wake_at(next_beat(loop.time(), seconds), _Rest(seconds, until, waiter).look)
    await waiter


def wake_at(at: float, look: Callable[[float], float | None]) -> None:
    """Call `look` with the loop's time when that shows `at`; what it returns is when to call it again, if ever."""
    loop = asyncio.get_running_loop()
    if (pulse := _pulses.get(loop)) is None:
        for closed in [each for each in _pulses if each.is_closed()]:
            del _pulses[closed]
        pulse = _pulses[loop] = _Pulse(loop)
    pulse.add(at, look)


@dataclass(eq=False, repr=False, slots=True)
class _Rest:
    """Somebody who rests."""

    seconds: float
    until: Callable[[], bool] | None
    waiter: asyncio.Future[None]

    def look(self, now: float) -> float | None:
        """At the beat: wake him, or have him rest until the next."""
        if self.waiter.done():  # he was cancelled, or woken early
            return None
        try:
            if self.until and not self.until():
                return next_beat(now, self.seconds)
        except Exception as error:
            self.waiter.set_exception(error)
        else:
            self.waiter.set_result(None)
        return None


@dataclass(eq=False, repr=False)
class _Pulse:
    """The one timer of a loop, set for whoever is due first."""

    loop: asyncio.AbstractEventLoop
    _looks: list[tuple[float, Callable[[float], float | None]]] = field(default_factory=list, init=False)
    _timer: asyncio.Handle | None = field(default=None, init=False)  # of uvloop, no TimerHandle for what is due at once
    _due: float = field(default=math.inf, init=False)

    def add(self, at: float, look: Callable[[float], float | None]) -> None:
        """Have it called then."""
        self._looks.append((at, look))
        if at < self._due:
            self._set(at)

    def _set(self, at: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer, self._due = self.loop.call_at(at, self._beat), at

    def _beat(self) -> None:
        now = self.loop.time()
        looks, self._looks, self._timer, self._due = self._looks, [], None, math.inf
        for at, look in looks:
            again: float | None = at
            if at <= now + SHARPNESS:
                try:
                    again = look(now)
                except Exception as error:  # the others are looked after all the same
                    again = None
                    self.loop.call_exception_handler({"message": f"{look} failed", "exception": error})
            if again is not None:
                self._looks.append((again, look))
        if self._looks:
            self._set(min(at for at, _ in self._looks))


_pulses: dict[asyncio.AbstractEventLoop, _Pulse] = {}
