"""A clock that machines share: that of the database or store that they all ask. Pure.

A machine's own clock says only how long something takes. What time it is, the store says: each answer bounds it from
both sides, for it was given between the question and the answer. So an estimate is moved no further than an answer
proves, whether answers are quick or slow, and whatever somebody sets this machine's clock to.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

SKEW_SECONDS: Final = 1.0
"""A machine that is so far off is complained of."""

log = logging.getLogger("apimanager.clock")


class SharedClock:
    """Seconds since the epoch by the clock of `whose`; by this machine's until it is first measured.

    `own` is this machine's clock, `steady` one that nobody sets.
    """

    def __init__(
        self,
        whose: str,
        *,
        own: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._whose = whose
        self._own = own
        self._steady = steady
        self._ahead = 0.0  # of the steady clock, from the first measure on
        self.is_measured = False
        self._is_off = False

    def __call__(self) -> float:
        """What time it is."""
        return self._steady() + self._ahead if self.is_measured else self._own()

    def datetime(self) -> datetime:
        """What time it is, with a date."""
        return datetime.fromtimestamp(self(), UTC)

    def skew(self) -> float:
        """How far this machine's clock is ahead of the shared one, in seconds."""
        return self._own() - self()

    def measure(self, ask: Callable[[], float | None]) -> None:
        """Compare it with what `ask` answers; None is this machine's own clock. Raises what that raises."""
        asked_at = self._steady()
        if (said := ask()) is None:
            return
        answered_at = self._steady()
        least, most = said - answered_at, said - asked_at
        guess = self._ahead if self.is_measured else (least + most) / 2
        self._ahead, self.is_measured = min(max(guess, least), most), True
        skew = self.skew()
        if abs(skew) > SKEW_SECONDS and not self._is_off:
            log.warning(
                "This machine's clock is %.1f s %s that of the %s. Plans and tokens go by the latter; "
                "set this machine by NTP, so that its log and its portal say the same.",
                *(abs(skew), "ahead of" if skew > 0 else "behind", self._whose),
            )
            self._is_off = True
        elif self._is_off and abs(skew) < SKEW_SECONDS / 2:
            log.warning("This machine's clock agrees with that of the %s again.", self._whose)
            self._is_off = False
