"""A worker's lease on one quota of one plan. Pure; times are seconds since the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, MutableSequence
from datetime import UTC, datetime
from typing import Final, Protocol

from gateway.quotas.limits import OPEN, Action, Period, Window, window_at
from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Renew
from gateway.quotas.rules import CLOCK_SECONDS, LeaseAnswer, LeaseRequest

FIRST_SLICE: Final = {False: 16, True: 64 * 1024}  # messages, bytes: the first wish, when the traffic is not known yet
PART: Final = 1000  # of a large quota a worker first wishes for one part in so many, and need not ask again at once
LARGEST_SLICE: Final = 1 << 40
RETRY_SECONDS: Final = 0.1  # between two questions for what others hold
RECHECK_SECONDS: Final = 5.0  # between two questions for a quota that is used up: a lost worker may have come back
REPORT_SECONDS: Final = 1.0  # between two reports of what was spent
IDLE_SECONDS: Final = 30.0  # after which a large lease that nobody uses shrinks


class Quota(LimitSource):
    """A worker's lease on one quota of one plan, renewed as it is spent, and from period to period.

    `key` names the quota for all workers; `subject` is who has it ("subscription") and `thing` what it counts
    ("messages"), for people. `period` None: it counts what is open now, and `held` were open before they were counted.
    `retire` takes a lease that is to be ended.
    """

    __slots__ = (
        "action",
        "ended",
        "failed_until",
        "filled_at",
        "first",
        "flying",
        "free",
        "keep",
        "key",
        "lease",
        "limit",
        "need",
        "period",
        "recheck_at",
        "reported",
        "reported_at",
        "retire",
        "retry_at",
        "since",
        "slice",
        "store",
        "thing",
        "upper_bound",
    )

    filled_at: float
    free: int
    keep: int | None
    need: int
    recheck_at: float
    reported: int
    reported_at: float
    retry_at: float
    since: float
    upper_bound: int

    def __init__(
        self,
        *,
        key: str,
        limit: int,
        period: Period | None,
        action: Action,
        subject: str,
        thing: str,
        octets: bool,
        store: Cells,
        notify: Callable[[LimitSource], None],
        retire: Callable[[Lease], None],
        now: float,
        held: int = 0,
    ) -> None:
        self.key = key
        self.limit = limit
        self.period = period
        self.action = action
        self.thing = thing
        self.store = store
        self.retire = retire
        self.first = max(FIRST_SLICE[octets], limit // PART)
        self.slice = self.first
        self.flying: LeaseRequest | None = None
        self.failed_until = 0.0
        self.ended = False
        self.lease = Lease(key, self._window(now), limit, store)
        super().__init__(self.lease.cells, self.lease.at, notify, subject=subject, octets=octets)
        self._begin(now)
        self.cells[self.at] = self.top = self.lease.granted = held

    @property
    def resets_at(self) -> int:
        """When the present period ends; 0 for what is open now."""
        return self.lease.window.end

    def blocked(self, need: int, now: float) -> Blocked | None:
        """What stands in the way of drawing `need` from this quota."""
        self.refresh(now)
        spent = self.cells[self.at]
        if spent + need <= self.top:
            return None
        if spent + need <= self.upper_bound or (need <= self.limit and now >= self.recheck_at):
            self._ask(need, now)
            return Renew(self)
        return LimitExceeded(self, self.action, self.resets_at, self.sentence())

    def refresh(self, now: float) -> None:
        """Begin the next period if the present one is over, or has not begun: the clock may have been set back."""
        start, end = self.lease.window
        if end and not start - CLOCK_SECONDS <= now < end and not self.ended:
            ended = self.lease
            self._lend(now)
            self.retire(ended)
            self.notify(self)

    def clock_set_back(self, now: float) -> None:
        """What was to happen at a time by the old clock may happen now."""
        self.failed_until = self.retry_at = self.recheck_at = self.reported_at = 0.0
        self.filled_at, self.since = min(self.filled_at, now), min(self.since, now)
        self.refresh(now)

    def tell_again(self) -> None:
        """The store may have forgotten what is held here: report it, whether or not it has changed."""
        self.reported, self.reported_at = -1, 0.0
        self.notify(self)

    @property
    def is_moving(self) -> bool:
        """Whether it should be looked at often."""
        return self.cells[self.at] != self.reported or self.keep is not None or bool(self.need)

    def change(self, limit: int, action: Action, now: float) -> None:
        """The plan has changed. What is held is returned when there is less than before."""
        if limit < self.limit:
            self._lower(self.cells[self.at])
        self.limit = self.lease.limit = self.upper_bound = limit
        self.action = action
        self.recheck_at = now
        self.notify(self)
        self.wake(everybody=True)

    def end(self) -> None:
        """Nobody uses it any more: whoever waits is told, and the lease goes back."""
        self.ended = True
        self.top = self.cells[self.at]
        self.retire(self.lease)
        self.wake(everybody=True)

    def give_up(self) -> None:
        """Somebody else is waiting for what is held here: return what is not spent."""
        self._lower(self.cells[self.at])
        self.reported = -1
        self.reported_at = 0.0
        self.notify(self)

    def leave(self) -> None:
        """One connection less, where connections are counted."""
        self.cells[self.at] -= 1
        self.notify(self)

    def request(self, now: float, *, regular: bool) -> LeaseRequest | None:
        """What to ask the store now, if anything; at a `regular` look also what is not urgent. Answer or fail it."""
        if self.flying is not None or now < self.failed_until or self.ended:
            return None
        if self.need and self.need <= self.unspent:
            self._serve(now)
        spent = self.cells[self.at]
        if regular and self.keep is None and self._is_idle(spent, now):
            self._lower(spent + self.first)
        least = self._lack(spent) if now >= self.retry_at else 0
        most = max(least, self.slice) if least or (regular and self._is_running_low(spent)) else 0
        if not (least or most or self.keep is not None or self._is_report_due(spent, now)):
            return None
        self.flying = LeaseRequest(
            self.lease.lease_id,
            self.lease.next_sequence(),
            self.key,
            self.lease.window,
            self.limit,
            self.lease.granted,
            spent,
            self.keep,
            least,
            most,
            self.since if least else now,
        )
        return self.flying

    def answered(self, request: LeaseRequest, answer: LeaseAnswer, now: float) -> None:
        """The store's answer to `request`."""
        self.flying = None
        if request.lease_id != self.lease.lease_id or self.ended:
            self.notify(self)
            return
        if answer.granted > (self.lease.granted if request.keep is None else request.keep):
            self._size_slice(now)
        if self.keep == request.keep:
            self.keep = None
        self.lease.granted = answer.granted
        self.top = answer.granted if self.keep is None else min(self.keep, answer.granted)
        self.free = answer.free
        self.reported, self.reported_at = request.spent, now
        if request.limit == self.limit:
            self.upper_bound = min(self.limit, answer.granted + answer.free + answer.elsewhere)
        self._settle_need(bool(request.least), now)

    def failed(self, now: float) -> None:
        """The store could not be asked, or its answer was lost; ask again."""
        self.flying = None
        self.failed_until = now + RETRY_SECONDS

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for the answer to a request, made or still to be made."""
        return not self.ended and (bool(self.need) or self.keep is not None)

    def asks_at(self) -> float:
        """When there is an urgent request to be made."""
        if self.flying is not None or not self.is_urgent:
            return math.inf
        return self.failed_until if self.keep is not None else max(self.failed_until, self.retry_at)

    def sentence(self) -> str:
        """What is used up and when there is more, for people; fits into a Close frame."""
        if self.period is None:
            return f"The {self.subject}'s {self.limit:,} {self.thing} are all in use. Close one, then try again."
        until = datetime.fromtimestamp(self.resets_at, UTC)
        over = "have no room for this message" if self.octets else "are used up"
        return (
            f"The {self.subject}'s {self.limit:,} {self.thing} a {self.period} {over}. "
            f"There is more from {until:%Y-%m-%d %H:%M} UTC."
        )

    def _window(self, now: float) -> Window:
        return window_at(self.period, now) if self.period else OPEN

    def _lend(self, now: float) -> None:
        self.lease = Lease(self.key, self._window(now), self.limit, self.store)
        self._begin(now)

    def _begin(self, now: float) -> None:
        self.cells, self.at = self.lease.cells, self.lease.at
        self.top = 0
        self.upper_bound = self.free = self.limit
        self.keep = None
        self.need = 0
        self.since = self.filled_at = self.reported_at = now
        self.retry_at = self.recheck_at = 0.0
        self.reported = 0
        if self.waiting:
            self.need = 1

    def _ask(self, need: int, now: float) -> None:
        if not self.need:
            self.need, self.since = need, now
            self.notify(self)
        elif need < self.need:
            self.need = need
            self.notify(self)

    def _lack(self, spent: int) -> int:
        return max(0, self.need - (self.top - spent)) if self.need else 0

    def _lower(self, keep: int) -> None:
        self.keep = keep
        self.top = min(self.top, keep)

    def _is_idle(self, spent: int, now: float) -> bool:
        kept = self.first
        return spent == self.reported and self.top - spent > kept and now > self.filled_at + IDLE_SECONDS

    def _is_running_low(self, spent: int) -> bool:
        moving = spent != self.reported or not self.lease.granted
        return moving and not self.need and self.free > 0 and self.top - spent < self.slice // 2

    def _is_report_due(self, spent: int, now: float) -> bool:
        every = REPORT_SECONDS if self.period else RETRY_SECONDS
        return spent != self.reported and now >= self.reported_at + every

    def _size_slice(self, now: float) -> None:
        """A slice should last for a second or more."""
        lasted = now - self.filled_at
        self.filled_at = now
        if lasted < REPORT_SECONDS:
            self.slice = min(2 * self.slice, LARGEST_SLICE)
        elif lasted > 4 * REPORT_SECONDS:
            self.slice = max(self.slice // 2, self.first)

    def _settle_need(self, asked: bool, now: float) -> None:
        """Those who waited go on, or are told that it is over, or wait for what others still hold."""
        spent = self.cells[self.at]
        if not self.need:
            return
        if spent + self.need <= self.top:
            self._serve(now)
        elif spent + self.need > self.upper_bound:
            self.need = 0
            self.recheck_at = now + (RECHECK_SECONDS if self.resets_at else RETRY_SECONDS)
            self.wake(everybody=True)
        elif asked:
            self.retry_at = now + RETRY_SECONDS
            if self.resets_at and self.top > spent:
                self._lower(spent)  # two who both hold a part of what both need would wait for ever

    def _serve(self, now: float) -> None:
        """There is enough for the least need: let those who wait go on."""
        self.need = 0
        self.wake()
        if self.waiting and not self.need:
            self._ask(1, now)  # for those for whom nothing was left; each will say how much it needs


class Cells(Protocol):
    """Where what is spent under a lease is written down to outlive the worker: `gateway.quotas.spent_file`."""

    def allocate(self) -> tuple[int, MutableSequence[int], int]:
        """A new lease's serial, and the place of its count: a sequence and an index."""

    def free(self, lease_id: int) -> None:
        """Forget a lease that the store has ended."""


class Lease:
    """The worker's side of one lease: what it was `granted` in all; what is spent stands in its cell."""

    __slots__ = ("at", "cells", "granted", "key", "lease_id", "limit", "sequence", "window")

    def __init__(self, key: str, window: Window, limit: int, cells: Cells) -> None:
        self.key = key
        self.window = window
        self.limit = limit
        self.granted = 0
        self.sequence = 0
        self.lease_id, self.cells, self.at = cells.allocate()

    def last_request(self) -> LeaseRequest:
        """The request that ends it."""
        spent = self.cells[self.at]
        return LeaseRequest(
            self.lease_id, self.next_sequence(), self.key, self.window, self.limit, self.granted, spent, final=True
        )

    def next_sequence(self) -> int:
        """The number of the next request."""
        self.sequence += 1
        return self.sequence
