"""What a lease client does in its thread: it asks the store, and now and then looks after the leases of others."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from gateway.database import WriteMark
from gateway.quotas.clock import MEASURED_SECONDS
from gateway.quotas.rules import GONE_SECONDS, LeaseAnswer, LeaseStore, Reserved
from gateway.quotas.spent_file import is_alone, reconcile_abandoned
from gateway.quotas.state import Batch

# At least, so that they fall on the next beat; SPARED, where nobody can be waiting.
CONTENDED_SECONDS: Final = 0.15
RECONCILE_SECONDS: Final = 0.95
SPARED_SECONDS: Final = 0.95
BEAT_SECONDS: Final = 2.0
CALM_BEAT_SECONDS: Final = 4.0
EXPIRE_SECONDS: Final = 60.0

log = logging.getLogger("gateway.quotas")


class Outcome(NamedTuple):
    """What the store said: `contended` are leases that others wait for; `is_forgotten`: it may know none of them."""

    answers: list[LeaseAnswer]
    reserved: list[Reserved]
    contended: list[int]
    is_forgotten: bool


@dataclass(slots=True)
class Times:
    """When each thing is to be done: say that it lives, hear who waits, look after the dead, forget the long gone.

    `beaten` is when it said so last.
    """

    beat: float = 0.0
    beaten: float = 0.0
    contended: float = 0.0
    reconcile: float = 0.0
    expire: float = 0.0


@dataclass(eq=False, repr=False)
class Chores:
    """What a lease client does in its thread: asks, and now and then looks after others. Times are epoch seconds."""

    store: LeaseStore
    holder: str
    folder: Path
    compare_clocks: Callable[[], None]
    next: Times = field(default_factory=Times, init=False)
    _measured_at: float = field(default=-math.inf, init=False)  # by the clock that nobody sets
    _is_forgotten: bool = field(default=False, init=False)
    _contended_mark: Hashable = field(default=None, init=False)

    def spare(self, now: float, mark: WriteMark | None) -> None:
        """Put off what is due but would find nothing.

        Where nobody has written anything since that was asked, nobody waits for what is held here (as soon as somebody
        has, there `is_news`), and nobody has taken out that this worker lives. Where it is alone on this host nobody
        else can have died.
        """
        if mark and now >= self.asks_at() and not self.is_news(mark):
            self.next.contended = now + SPARED_SECONDS
            self.next.beat = max(self.next.beat, self.next.beaten + CALM_BEAT_SECONDS)
        if now >= self.next.reconcile and is_alone(self.folder, self.holder):
            self.next.reconcile = now + RECONCILE_SECONDS

    def is_news(self, mark: WriteMark) -> bool:
        """Whether anybody may have written since it was asked who waits for what is held here."""
        return (known := mark.known()) is None or known != self._contended_mark

    def clock_set(self, now: float) -> None:
        """The clock was set, or the machine slept: what waits for a time must not wait for that of before.

        And whoever lives has to have had the time to say so before anybody counts as gone.
        """
        self.next = Times(expire=now + GONE_SECONDS)

    def due(self, holds_leases: bool) -> float:
        """When there is something to do, even when nothing is to be asked."""
        others = min(self.next.reconcile, self.next.expire)
        return min(others, self.asks_at()) if holds_leases else others

    def asks_at(self) -> float:
        """When the store is to be asked or told something of leases that are held, even when nothing has changed."""
        return min(self.next.beat, self.next.contended)

    def measure(self) -> None:
        """Compare this machine's clock with the store's, if that was not done lately."""
        if monotonic() - self._measured_at >= MEASURED_SECONDS:
            self.compare_clocks()
            self._measured_at = monotonic()

    def ask(self, batch: Batch, holds_leases: bool, now: float, is_last: bool, mark: Hashable = None) -> Outcome:
        """Tell and ask what is in the batch, say that this worker lives, and hear who waits for what it holds.

        `mark` is what the database stood at before: of what is written from now on it is asked again.
        """
        contended: list[int] = []
        self.measure()
        if holds_leases and now >= self.next.beat:
            self.next.beaten, self.next.beat = now, now + BEAT_SECONDS
            self._is_forgotten |= not self.store.beat(self.holder, now)
        answers = self.store.exchange(self.holder, [request for _, request in batch.requests], now)
        reserved = self.store.reserve([reservation for _, reservation in batch.reservations], now)
        if holds_leases and now >= self.next.contended:
            self.next.contended = now + CONTENDED_SECONDS
            contended = self.store.contended(self.holder, now)
            self._contended_mark = mark
        if is_last:  # this worker has returned everything
            self.store.reconcile(self.holder, {})
        is_forgotten, self._is_forgotten = self._is_forgotten, False
        return Outcome(answers, reserved, contended, is_forgotten)

    def look_after_others(self, now: float) -> None:
        """End the leases of workers of this host that have died, and let the store forget what is long over."""
        if now >= self.next.reconcile:
            if count := reconcile_abandoned(self.folder, self.store.reconcile):
                log.info("Ended the leases of %d worker(s) that had died.", count)
            self.next.reconcile = now + RECONCILE_SECONDS
        if now >= self.next.expire:
            if count := self.store.expire(now):
                log.warning("%d worker(s) were not seen for an hour: all that they were lent counts as spent.", count)
            self.next.expire = now + EXPIRE_SECONDS
