"""What a worker has reserved of one rate. Pure; times are seconds since the epoch."""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, NamedTuple

from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Renew, Wait
from gateway.quotas.rules import CLOCK_SECONDS, HORIZON_SECONDS, Reservation, Reserved
from publisher.plan_terms import ExceededAction

AHEAD_SECONDS: Final = 0.3  # a rate is reserved so long before what was reserved runs out
STALE_SECONDS: Final = 0.25  # a reserved message that was not sent so long after its time lapses


class ReservationState(Enum):
    """How a worker stands with the store of a rate."""

    RESERVED = auto()  # enough for now
    WANTED = auto()  # more is to be reserved at once
    ASKED = auto()  # the store is being asked
    POSTPONED = auto()  # more is to be reserved, but not yet
    ENDED = auto()  # nobody uses it any more


class ReservationEvent(Enum):
    """What changes how a worker stands with the store of a rate."""

    NEEDED = auto()
    SENT = auto()
    ANSWERED = auto()
    POSTPONED = auto()  # nothing could be reserved yet, or the store could not be asked
    FINISHED = auto()


_S, _E = ReservationState, ReservationEvent
TRANSITIONS: Final = {
    (_S.RESERVED, _E.NEEDED): _S.WANTED,
    (_S.RESERVED, _E.FINISHED): _S.ENDED,
    (_S.WANTED, _E.NEEDED): _S.WANTED,
    (_S.WANTED, _E.SENT): _S.ASKED,
    (_S.WANTED, _E.FINISHED): _S.ENDED,
    (_S.ASKED, _E.NEEDED): _S.ASKED,
    (_S.ASKED, _E.ANSWERED): _S.RESERVED,
    (_S.ASKED, _E.POSTPONED): _S.POSTPONED,
    (_S.ASKED, _E.FINISHED): _S.ENDED,
    (_S.POSTPONED, _E.NEEDED): _S.WANTED,  # its time has come, or the clock that said when was set back
    (_S.POSTPONED, _E.FINISHED): _S.ENDED,
    (_S.ENDED, _E.NEEDED): _S.ENDED,  # what was under way when it ended changes nothing any more
    (_S.ENDED, _E.ANSWERED): _S.ENDED,
    (_S.ENDED, _E.POSTPONED): _S.ENDED,
}
"""What is not here does not happen: KeyError."""


class RateTerms(NamedTuple):
    """What a plan says of a rate: messages a second, `burst` at once. `key` names it for all workers."""

    key: str
    rate: int
    burst: int
    action: ExceededAction
    subject: str


class RateReservation(LimitSource):
    """What a worker has reserved of one rate: messages that may pass now (`top`), and `runs` (start, messages) of those
    whose time will come. Nothing is reserved beyond `reserved_until`."""

    __slots__ = (
        "_asked_at",
        "_largest",
        "_retry_at",
        "_slice",
        "interval",
        "reserved_until",
        "runs",
        "starter",
        "state",
        "terms",
        "tolerance",
    )

    def __init__(self, terms: RateTerms, *, notify: Callable[[LimitSource], None]) -> None:
        super().__init__(array("Q", [0]), 0, notify, subject=terms.subject, octets=False)
        self.terms = terms
        self.interval = 1 / terms.rate
        self.tolerance = (terms.burst - 1) * self.interval
        self.starter = self._slice = max(1, terms.burst // 8)
        self._largest = max(terms.rate // 2, terms.burst)
        self.runs: list[tuple[float, int]] = []
        self.state = ReservationState.RESERVED
        self._asked_at = self.reserved_until = self._retry_at = 0.0
        self._want()

    @property
    def is_thirsty(self) -> bool:
        """Whether less is ready than whoever sends next should find."""
        return self.top - self.cells[0] < self.starter

    def blocked(self, need: int, now: float) -> Blocked | None:
        """What stands in the way of `need` messages."""
        self.refresh(now)
        self._reserve_ahead(now)
        if self.cells[0] + need <= self.top:
            return None
        due = (self.runs[0][0] if self.runs else self.reserved_until) - self.tolerance
        if not self.runs and due <= now:
            return Renew(self)
        if self.terms.action is ExceededAction.DELAY:
            return Wait(self, due)
        sentence = f"More than the {self.subject}'s {self.terms.rate:,} messages a second."
        return LimitExceeded(self, self.terms.action, due, sentence)

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
        released_until = runs[0][0] if runs else self.reserved_until
        fresh = math.floor((released_until - now + STALE_SECONDS) / self.interval)
        self.top = min(self.top, self.cells[0] + max(fresh, self.starter))

    def advance(self, now: float, *, everybody: bool = False) -> None:
        """Let those pass whose time has come, and see to it that there will be a time for those who still wait."""
        if self.state is ReservationState.POSTPONED and self._retry_at <= now:
            self._want()
        self.refresh(now)
        self.wake(everybody=everybody)
        if self.waiting:
            self._reserve_ahead(now)

    def end(self) -> None:
        """Nobody uses it any more."""
        self.state = TRANSITIONS[self.state, ReservationEvent.FINISHED]
        self.runs.clear()
        self.wake(everybody=True)

    def look(self, now: float) -> None:
        """Now and then: keep a few messages ready for whoever sends next."""
        self.refresh(now)
        if not self.runs and self.is_thirsty and self.state is ReservationState.RESERVED:
            self._want()

    def due(self) -> float:
        """When to call `advance`; infinity when there is no need."""
        waited_for = self.runs[0][0] - self.tolerance if self.waiting and self.runs else math.inf
        return min(waited_for, self._retry_at) if self.state is ReservationState.POSTPONED else waited_for

    def reservation(self, now: float) -> Reservation | None:
        """What to reserve now, if anything. Apply the answer or fail it."""
        if self.state is not ReservationState.WANTED:
            return None
        is_busy = self.waiting or now - self._asked_at < AHEAD_SECONDS
        self._slice = min(2 * self._slice, self._largest) if is_busy else self.starter
        self._asked_at = now
        self.state = TRANSITIONS[self.state, ReservationEvent.SENT]
        messages = max(self._slice, min(len(self.waiting), self._largest))
        return Reservation(self.terms.key, self.interval, self.tolerance, messages)

    def apply(self, reserved: Reserved, now: float) -> None:
        """What the store has reserved, or when it is worth asking again; whoever waits goes on as its time comes."""
        if self.state is ReservationState.ENDED:
            return
        if reserved.start - self.tolerance - self.interval > now + HORIZON_SECONDS + CLOCK_SECONDS:
            self.state = TRANSITIONS[self.state, ReservationEvent.ANSWERED]
            self._want()  # reserved by a clock that has been set back since
            return
        self.reserved_until = reserved.start + reserved.messages * self.interval
        if reserved.messages:
            self.state = TRANSITIONS[self.state, ReservationEvent.ANSWERED]
            self.runs.append((reserved.start, reserved.messages))
        else:
            self.postpone(reserved.start - self.tolerance - HORIZON_SECONDS)
        self.advance(now, everybody=self.terms.action is not ExceededAction.DELAY)

    def postpone(self, until: float) -> None:
        """Nothing could be reserved yet, or the store could not be asked; ask again at that time."""
        self.state = TRANSITIONS[self.state, ReservationEvent.POSTPONED]
        self._retry_at = until

    def clock_set_back(self) -> None:
        """What was reserved by the old clock would come too late."""
        self.runs.clear()
        self.reserved_until = self._asked_at = 0.0
        self._want()

    def _reserve_ahead(self, now: float) -> None:
        if self.state is not ReservationState.RESERVED:
            return
        if self.runs:
            has_enough = self.reserved_until - self.tolerance > now + AHEAD_SECONDS
        else:
            has_enough = self.unspent > self._slice // 2
        if not has_enough:
            self._want()

    def _want(self) -> None:
        before = self.state
        self.state = TRANSITIONS[self.state, ReservationEvent.NEEDED]
        if self.state is not before:
            self.notify(self)


@dataclass(slots=True)
class RateTimers:
    """Which rates are to be reserved of now, and when each of the others is to be looked at."""

    wanting: set[RateReservation] = field(default_factory=set)
    _heap: list[tuple[float, int, RateReservation]] = field(default_factory=list, init=False)
    _due_at: dict[RateReservation, float] = field(default_factory=dict, init=False)

    def schedule(self, rate: RateReservation) -> None:
        """See to it that it is asked for, or looked at, when it should be."""
        if rate.state is ReservationState.WANTED:
            self.wanting.add(rate)
        due = rate.due()
        if rate.state is not ReservationState.ENDED and due < self._due_at.get(rate, math.inf):
            self._due_at[rate] = due
            heapq.heappush(self._heap, (due, id(rate), rate))

    def due(self) -> float:
        """When the next is to be looked at."""
        return self._heap[0][0] if self._heap else math.inf

    def advance(self, now: float) -> None:
        """Look at those whose time has come."""
        ready = []
        while self._heap and self._heap[0][0] <= now:
            at, _, rate = heapq.heappop(self._heap)
            if self._due_at.get(rate) == at:
                del self._due_at[rate]
                ready.append(rate)
        for rate in ready:
            rate.advance(now)
            self.schedule(rate)
