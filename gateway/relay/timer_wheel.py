"""One timer for a whole worker: things to be looked at again after a while. Cheap for many, coarse by design."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol

logger = logging.getLogger(__name__)


class Watched(Protocol):
    """Something that wants to be looked at. `due` belongs to the wheel; it begins with 0."""

    due: int

    def look(self, now: float) -> float | None:
        """Do what is due at `now` (the loop's clock, seconds); the seconds until the next look, None for never."""
        ...


@dataclass(eq=False, repr=False, slots=True)
class TimerWheel:
    """Looks at each watched thing when its time has come, give or take one `tick` (seconds).

    There is one timer of the loop's, for what is due first, and only while something is watched.
    """

    loop: asyncio.AbstractEventLoop
    tick: float = 0.5
    _buckets: dict[int, dict[int, Watched]] = field(default_factory=dict, init=False)  # by tick, and then by identity
    _handle: asyncio.TimerHandle | None = field(default=None, init=False)
    _now: int = field(default=0, init=False)
    _next: int = field(default=0, init=False)

    def watch(self, watched: Watched, delay: float) -> None:
        """Look at it in `delay` seconds. An earlier look that was already asked for stands."""
        due = int((self.loop.time() + delay) / self.tick) + 1
        if watched.due:
            if watched.due <= due:
                return
            self.forget(watched)
        watched.due = due
        self._buckets.setdefault(due, {})[id(watched)] = watched
        if self._handle is None:
            self._now = int(self.loop.time() / self.tick)
            self._wait_for(due)
        elif due < self._next:
            self._handle.cancel()
            self._wait_for(due)

    def forget(self, watched: Watched) -> None:
        """Look at it no more, and keep nothing of it: those who only come and go would be kept for seconds."""
        if watched.due:
            self._buckets.get(watched.due, {}).pop(id(watched), None)
            watched.due = 0

    def _turn(self) -> None:
        now = self.loop.time()
        reached = max(int(now / self.tick), self._next)
        self._next = reached
        for number in range(self._now + 1, reached + 1):
            self._now = number
            for watched in self._buckets.pop(number, {}).values():
                if watched.due != number:  # forgotten by one before it
                    continue
                watched.due = 0
                try:
                    delay = watched.look(now)
                except Exception:
                    logger.exception("A connection could not be looked after.")
                    continue
                if delay is not None:
                    self.watch(watched, delay)
        self._handle = None
        if self._buckets:
            self._wait_for(min(self._buckets))

    def _wait_for(self, due: int) -> None:
        self._next = due
        self._handle = self.loop.call_at(due * self.tick, self._turn)
