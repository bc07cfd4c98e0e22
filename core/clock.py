"""A clock that machines share: that of the database or store that they all ask. Pure.

A machine's own clock says only how long something takes. What time it is, the store says: each answer bounds it from
both sides, for it was given between the question and the answer. So an estimate is moved no further than an answer
proves, whether answers are quick or slow, and whatever somebody sets this machine's clock to.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

SKEW_SECONDS: Final = 1.0
"""A machine that is so far off is complained of."""

log = logging.getLogger("apimanager.clock")


@dataclass(eq=False, repr=False)
class SharedClock:
    """Seconds since the epoch by the clock of `whose`; by this machine's until it is first measured.

    `own` is this machine's clock, `steady` one that nobody sets.
    """

    whose: str
    own: Callable[[], float] = field(default=time.time, kw_only=True)  # this machine's
    steady: Callable[[], float] = field(default=time.monotonic, kw_only=True)  # one that nobody sets
    is_measured: bool = field(default=False, init=False)
    _ahead: float = field(default=0.0, init=False)  # of the steady clock, from the first measure on
    _is_off: bool = field(default=False, init=False)

    def __call__(self) -> float:
        """What time it is."""
        return self.steady() + self._ahead if self.is_measured else self.own()

    def datetime(self) -> datetime:
        """What time it is, with a date."""
        return datetime.fromtimestamp(self(), UTC)

    def skew(self) -> float:
        """How far this machine's clock is ahead of the shared one, in seconds."""
        return self.own() - self()

    def measure(self, ask: Callable[[], float | None]) -> None:
        """Compare it with what `ask` answers; None is this machine's own clock. Raises what that raises."""
        asked_at = self.steady()
        if (said := ask()) is None:
            return
        answered_at = self.steady()
        least, most = said - answered_at, said - asked_at
        guess = self._ahead if self.is_measured else (least + most) / 2
        self._ahead, self.is_measured = min(max(guess, least), most), True
        skew = self.skew()
        if abs(skew) > SKEW_SECONDS and not self._is_off:
            log.warning(
                "This machine's clock is %.1f s %s that of the %s. Plans and tokens go by the latter; "
                "set this machine by NTP, so that its log and its portal say the same.",
                *(abs(skew), "ahead of" if skew > 0 else "behind", self.whose),
            )
            self._is_off = True
        elif self._is_off and abs(skew) < SKEW_SECONDS / 2:
            log.warning("This machine's clock agrees with that of the %s again.", self.whose)
            self._is_off = False
