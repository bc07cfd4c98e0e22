"""What a worker has booked of one rate. Pure; times are seconds since the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from gateway.quotas.limits import Action
from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Renew, Wait
from gateway.quotas.rules import CLOCK_SECONDS, HORIZON_SECONDS, Reservation, Reserved

AHEAD_SECONDS: Final = 0.3  # a rate is booked so long before its slots run out
STALE_SECONDS: Final = 0.25  # a booked message that was not sent so long after its time lapses
RETRY_SECONDS: Final = 0.1  # after a store that could not be asked


class RateReservation(LimitSource):
    """What a worker has booked of one rate: messages that may pass now (`top`), and those whose time will come."""

    __slots__ = (
        "action",
        "asked_at",
        "booked_until",
        "burst",
        "ended",
        "flying",
        "interval",
        "key",
        "largest",
        "rate",
        "retry_at",
        "runs",
        "slice",
        "starter",
        "tolerance",
        "wants",
    )

    def __init__(
        self,
        *,
        key: str,
        rate: int,
        burst: int,
        action: Action,
        subject: str,
        notify: Callable[[LimitSource], None],
    ) -> None:
        super().__init__([0], 0, notify, subject=subject, octets=False)
        self.key = key
        self.rate = rate
        self.burst = burst
        self.action = action
        self.interval = 1 / rate
        self.tolerance = (burst - 1) * self.interval
        self.starter = self.slice = max(1, burst // 8)
        self.largest = max(rate // 2, burst)
        self.runs: list[tuple[float, int]] = []
        self.flying = self.wants = self.ended = False
        self.asked_at = self.booked_until = self.retry_at = 0.0
        self._want()

    def blocked(self, need: int, now: float) -> Blocked | None:
        """What stands in the way of `need` messages."""
        self.refresh(now)
        self._book_ahead(now)
        if self.cells[0] + need <= self.top:
            return None
        due = self._next_due(now)
        if due is None:
            return Renew(self)
        if self.action is Action.DELAY:
            return Wait(self, due)
        return LimitExceeded(self, self.action, due, f"More than the {self.subject}'s {self.rate:,} messages a second.")

    def refresh(self, now: float) -> None:
        """Let those messages pass whose time has come, and let lapse what was not sent long after it."""
        runs, latest = self.runs, now + self.tolerance
        while runs:
            start, count = runs[0]
            due = min(count, math.floor((latest - start) / self.interval + 1e-6) + 1)
            if due <= 0:
                break
            self.top += due
            if due < count:
                runs[0] = (start + due * self.interval, count - due)
            else:
                del runs[0]
        self._lapse(now)

    def advance(self, now: float, *, everybody: bool = False) -> None:
        """Let those pass whose time has come, and see to it that there will be a time for those who still wait."""
        if self.retry_at <= now:
            self.retry_at = 0.0
        self.refresh(now)
        self.wake(everybody=everybody)
        if self.waiting:
            self._book_ahead(now)

    def end(self) -> None:
        """Nobody uses it any more."""
        self.ended, self.wants = True, False
        self.runs.clear()
        self.wake(everybody=True)

    def look(self, now: float) -> None:
        """Now and then: keep a few messages ready for whoever sends next."""
        self.refresh(now)
        if not self.runs and self.unspent < self.starter:
            self._want()

    def due(self) -> float:
        """When to call `advance`; infinity when there is no need."""
        waited_for = self.runs[0][0] - self.tolerance if self.waiting and self.runs else math.inf
        return min(waited_for, self.retry_at) if self.wants and self.retry_at else waited_for

    def reservation(self, now: float) -> Reservation | None:
        """What to book now, if anything. Answer or fail it."""
        if self.flying or not self.wants or now < self.retry_at:
            return None
        is_busy = self.waiting or now - self.asked_at < AHEAD_SECONDS
        self.slice = min(2 * self.slice, self.largest) if is_busy else self.starter
        self.asked_at, self.flying, self.wants = now, True, False
        return Reservation(
            self.key, self.interval, self.tolerance, max(self.slice, min(len(self.waiting), self.largest))
        )

    def answered(self, reservation: Reservation, slots: Reserved, now: float) -> None:
        """The store's answer."""
        self.flying = False
        if self.ended:
            return
        if slots.start - self.tolerance - self.interval > now + HORIZON_SECONDS + CLOCK_SECONDS:
            self._want()  # booked by a clock that has been set back since
            return
        self.booked_until = slots.start + slots.messages * self.interval
        if slots.messages:
            self.runs.append((slots.start, slots.messages))
        else:
            self.wants, self.retry_at = True, slots.start - self.tolerance - HORIZON_SECONDS
        self.advance(now, everybody=self.action is not Action.DELAY)

    def failed(self, now: float) -> None:
        """The store could not be asked; ask again."""
        self.flying, self.wants, self.retry_at = False, not self.ended, now + RETRY_SECONDS

    def clock_set_back(self) -> None:
        """What was booked by the old clock would come too late."""
        self.runs.clear()
        self.booked_until = self.retry_at = self.asked_at = 0.0
        self._want()

    @property
    def is_moving(self) -> bool:
        """Whether it should be looked at often."""
        return bool(self.runs or self.waiting) or self.unspent < self.starter

    def _lapse(self, now: float) -> None:
        released_until = self.runs[0][0] if self.runs else self.booked_until
        fresh = math.floor((released_until - now + STALE_SECONDS) / self.interval)
        self.top = min(self.top, self.cells[0] + max(fresh, self.starter))

    def _next_due(self, now: float) -> float | None:
        if self.runs:
            return self.runs[0][0] - self.tolerance
        due = self.booked_until - self.tolerance
        return due if due > now else None

    def _book_ahead(self, now: float) -> None:
        booked = (
            self.booked_until - self.tolerance > now + AHEAD_SECONDS if self.runs else self.unspent > self.slice // 2
        )
        if not booked:
            self._want()

    def _want(self) -> None:
        if not self.wants and not self.flying and not self.ended:
            self.wants = True
            self.notify(self)
