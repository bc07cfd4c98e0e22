"""A worker's share of one quota of one plan: one module, for its states and what each asks for are read together.

Pure; times are seconds since the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final, NamedTuple

from gateway.quotas.lease import Cells, Lease
from gateway.quotas.limits import OPEN, window_at
from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Renew
from gateway.quotas.rules import CLOCK_SECONDS, LeaseAnswer, LeaseRequest
from publisher.plan_terms import ExceededAction, QuotaPeriod, QuotaUnit

FIRST_SLICE: Final = {False: 16, True: 64 * 1024}  # messages, bytes: the first wish, when the traffic is not known yet
PART: Final = 1000  # of a large quota a worker first wishes for one part in so many, and need not ask again at once
LARGEST_SLICE: Final = 1 << 40
RETRY_SECONDS: Final = 0.1  # between two questions for what others hold
RECHECK_SECONDS: Final = 5.0  # between two questions for a quota that is used up: a lost worker may have come back
REPORT_SECONDS: Final = 1.0  # between two reports of what was spent
IDLE_SECONDS: Final = 30.0  # after which a large lease that nobody uses shrinks


class QuotaState(Enum):
    """How a worker is supplied with a quota."""

    SUPPLIED = auto()  # what it holds is enough for now
    SHORT = auto()  # somebody needs more: the store is asked at once
    CONTENDED = auto()  # somebody needs what other workers still hold: the store is asked again in a moment
    USED_UP = auto()  # there was not enough left anywhere when the store was last asked
    ENDED = auto()  # nobody draws from it any more


class QuotaEvent(Enum):
    """What changes how a worker is supplied."""

    NEEDED = auto()  # somebody needs more than is held
    SERVED = auto()  # there is enough for whoever needed least
    HELD_ELSEWHERE = auto()  # the store lent less than is needed, and others hold the rest
    REFUSED = auto()  # not even with what others hold is there enough
    PLAN_CHANGED = auto()
    PERIOD_BEGAN = auto()
    FINISHED = auto()


_S, _E = QuotaState, QuotaEvent
TRANSITIONS: Final = {
    (_S.SUPPLIED, _E.NEEDED): _S.SHORT,
    (_S.SUPPLIED, _E.PLAN_CHANGED): _S.SUPPLIED,
    (_S.SUPPLIED, _E.PERIOD_BEGAN): _S.SUPPLIED,
    (_S.SUPPLIED, _E.FINISHED): _S.ENDED,
    (_S.SHORT, _E.NEEDED): _S.SHORT,
    (_S.SHORT, _E.SERVED): _S.SUPPLIED,
    (_S.SHORT, _E.HELD_ELSEWHERE): _S.CONTENDED,
    (_S.SHORT, _E.REFUSED): _S.USED_UP,
    (_S.SHORT, _E.PLAN_CHANGED): _S.SHORT,
    (_S.SHORT, _E.PERIOD_BEGAN): _S.SUPPLIED,
    (_S.SHORT, _E.FINISHED): _S.ENDED,
    (_S.CONTENDED, _E.NEEDED): _S.CONTENDED,
    (_S.CONTENDED, _E.SERVED): _S.SUPPLIED,
    (_S.CONTENDED, _E.HELD_ELSEWHERE): _S.CONTENDED,
    (_S.CONTENDED, _E.REFUSED): _S.USED_UP,
    (_S.CONTENDED, _E.PLAN_CHANGED): _S.SHORT,
    (_S.CONTENDED, _E.PERIOD_BEGAN): _S.SUPPLIED,
    (_S.CONTENDED, _E.FINISHED): _S.ENDED,
    (_S.USED_UP, _E.NEEDED): _S.SHORT,
    (_S.USED_UP, _E.PLAN_CHANGED): _S.SUPPLIED,
    (_S.USED_UP, _E.PERIOD_BEGAN): _S.SUPPLIED,
    (_S.USED_UP, _E.FINISHED): _S.ENDED,
    (_S.ENDED, _E.NEEDED): _S.ENDED,  # by one who has not heard yet; it is told to look again
}
"""What is not here does not happen: KeyError."""


class QuotaTerms(NamedTuple):
    """What a plan says of one quota.

    `key` names the quota for all workers; `subject` is who has it ("subscription") and `thing` what it counts
    ("messages"), for people. `period` None: it counts what is open now.
    """

    key: str
    limit: int
    period: QuotaPeriod | None
    action: ExceededAction
    subject: str
    thing: str


class Need(NamedTuple):
    """The least that somebody cannot go on without, `since` when."""

    amount: int
    since: float


@dataclass(slots=True)
class Slice:
    """How much to wish for at a time. `size` should last for a second or more; the last was granted at `filled_at`."""

    first: int
    size: int
    filled_at: float

    def filled(self, now: float) -> None:
        """One was granted: the next is larger if the last was spent sooner, smaller if it lasted for long."""
        lasted, self.filled_at = now - self.filled_at, now
        if lasted < REPORT_SECONDS:
            self.size = min(2 * self.size, LARGEST_SLICE)
        elif lasted > 4 * REPORT_SECONDS:
            self.size = max(self.size // 2, self.first)


@dataclass(slots=True)
class NotBefore:
    """Until when a question to the store is put off: any after one `failed`, one for what others hold while it is
    `contended`, and one for a quota that is `used_up`."""

    failed: float = 0.0
    contended: float = 0.0
    used_up: float = 0.0


class Quota(LimitSource):
    """One quota under its `terms`: a lease, renewed as it is spent, and from period to period.

    `retire` takes a lease that is to be ended. `held` were open before they were counted.
    """

    __slots__ = (
        "_cells",
        "_flying",
        "_need",
        "_not_before",
        "_retire",
        "lease",
        "slice",
        "state",
        "terms",
    )

    def __init__(
        self,
        terms: QuotaTerms,
        *,
        cells: Cells,
        notify: Callable[[LimitSource], None],
        retire: Callable[[Lease], None],
        now: float,
        held: int = 0,
    ) -> None:
        self.terms = terms
        self._cells = cells
        self._retire = retire
        self.state = QuotaState.SUPPLIED
        self._need = Need(0, now)
        self._flying: LeaseRequest | None = None
        self._not_before = NotBefore()
        octets = terms.thing == QuotaUnit.BYTES
        first = max(FIRST_SLICE[octets], terms.limit // PART)
        self.slice = Slice(first, first, now)
        self.lease = self._lend(now)
        super().__init__(self.lease.cells, self.lease.at, notify, subject=terms.subject, octets=octets)
        self.cells[self.at] = self.top = self.lease.granted = held

    @property
    def is_needed(self) -> bool:
        """Whether somebody waits for more than is held."""
        return self.state is QuotaState.SHORT or self.state is QuotaState.CONTENDED

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for the answer to a request, made or still to be made."""
        return self.is_needed or (self.lease.keep is not None and self.state is not QuotaState.ENDED)

    def blocked(self, need: int, now: float) -> Blocked | None:
        """What stands in the way of drawing `need` from this quota."""
        self.refresh(now)
        spent = self.cells[self.at]
        if spent + need <= self.top:
            return None
        if spent + need <= self.lease.upper_bound or (need <= self.terms.limit and now >= self._not_before.used_up):
            self._ask(need, now)
            return Renew(self)
        return LimitExceeded(self, self.terms.action, self.lease.window.end, self.sentence())

    def refresh(self, now: float) -> None:
        """Begin the next period if the present one is over, or has not begun: the clock may have been set back."""
        start, end = self.lease.window
        if end and not start - CLOCK_SECONDS <= now < end and self.state is not QuotaState.ENDED:
            over, self.lease = self.lease, self._lend(now)
            self.cells, self.at, self.top = self.lease.cells, self.lease.at, 0
            self.slice.filled_at = now  # how long the last one lasted says nothing
            self._not_before = NotBefore(self._not_before.failed)
            self.state = TRANSITIONS[self.state, QuotaEvent.PERIOD_BEGAN]
            if self.waiting:
                self._ask(1, now)
            self._retire(over)
            self.notify(self)

    def clock_set_back(self, now: float) -> None:
        """What was to happen at a time by the old clock may happen now."""
        self._not_before, self.lease.reported_at = NotBefore(), 0.0
        self._need = self._need._replace(since=min(self._need.since, now))
        self.slice.filled_at = now
        self.refresh(now)

    def tell_again(self) -> None:
        """The store may have forgotten what is held here: report it, whether or not it has changed."""
        self.lease.reported, self.lease.reported_at = -1, 0.0
        self.notify(self)

    def change(self, terms: QuotaTerms, now: float) -> None:
        """The plan has changed, and counts the same thing still. What is held returns when that is less than before."""
        self.terms, lease = terms, self.lease
        if terms.limit < lease.limit:
            lease.keep = lease.spent
        lease.limit = lease.upper_bound = terms.limit
        self.top = min(self.top, lease.top)
        self._not_before.used_up = now
        self.state = TRANSITIONS[self.state, QuotaEvent.PLAN_CHANGED]
        self.notify(self)
        self.wake(everybody=True)

    def end(self) -> None:
        """Nobody uses it any more: whoever waits is told, and the lease goes back."""
        self.state = TRANSITIONS[self.state, QuotaEvent.FINISHED]
        self.top = self.lease.spent
        self._retire(self.lease)
        self.notify(self)
        self.wake(everybody=True)

    def give_back(self, keep: int) -> None:
        """Spend nothing beyond `keep`: the rest returns with the next request, for others may need it."""
        self.lease.keep = keep
        self.top = min(self.top, keep)

    def request(self, now: float, *, regular: bool, may_report: bool = True) -> LeaseRequest | None:
        """What to ask the store now, if anything; at a `regular` look also what is not urgent. Apply or fail it.

        Unless it `may_report`, what was spent of a period is not told by itself: nobody waits for that.
        """
        if self._flying is not None or now < self._not_before.failed or self.state is QuotaState.ENDED:
            return None
        if self.is_needed and self._need.amount <= self.unspent:
            self._serve(now)
        lease, spent = self.lease, self.lease.spent
        has_changed, first = spent != lease.reported, self.slice.first
        if (
            regular
            and lease.keep is None
            and not has_changed
            and self.unspent > first
            and now > self.slice.filled_at + IDLE_SECONDS
        ):
            self.give_back(spent + first)
        least = most = 0
        if self.is_needed and (self.state is QuotaState.SHORT or now >= self._not_before.contended):
            least = max(0, self._need.amount - self.unspent)
        is_in_use = (has_changed or not lease.granted) and lease.free > 0 and not self.is_needed
        if least or (regular and is_in_use and self.unspent < self.slice.size // 2):
            most = max(least, self.slice.size)
        report_at = lease.reported_at + (REPORT_SECONDS if self.terms.period else RETRY_SECONDS)
        is_told = has_changed and now >= report_at and (may_report or self.terms.period is None)
        if not (least or most or lease.keep is not None or is_told):
            return None
        self._flying = lease.request(least=least, most=most, since=self._need.since if least else now)
        return self._flying

    def apply(self, request: LeaseRequest, answer: LeaseAnswer, now: float) -> None:
        """The store's answer to `request`: those who waited go on, or are told that it is over, or wait for what others
        still hold."""
        self._flying = None
        if request.lease_id != self.lease.lease_id or self.state is QuotaState.ENDED:
            self.notify(self)
            return
        if answer.granted > (self.lease.granted if request.keep is None else request.keep):
            self.slice.filled(now)
        self.lease.apply(request, answer, now)
        self.top, spent = self.lease.top, self.lease.spent
        if not self.is_needed:
            return
        if spent + self._need.amount <= self.top:
            self._serve(now)
        elif spent + self._need.amount > self.lease.upper_bound:
            self._not_before.used_up = now + (RECHECK_SECONDS if self.lease.window.end else RETRY_SECONDS)
            self.state = TRANSITIONS[self.state, QuotaEvent.REFUSED]
            self.wake(everybody=True)
        elif request.least:
            self._not_before.contended = now + RETRY_SECONDS
            self.state = TRANSITIONS[self.state, QuotaEvent.HELD_ELSEWHERE]
            if self.lease.window.end and self.top > spent:
                self.give_back(spent)  # two who both hold a part of what both need would wait for ever

    def failed(self, now: float) -> None:
        """The store could not be asked, or its answer was lost; ask again."""
        self._flying = None
        self._not_before.failed = now + RETRY_SECONDS

    def asks_at(self) -> float:
        """When there is an urgent request to be made."""
        if self._flying is not None or not self.is_urgent:
            return math.inf
        if self.state is QuotaState.CONTENDED and self.lease.keep is None:
            return max(self._not_before.failed, self._not_before.contended)
        return self._not_before.failed

    def sentence(self) -> str:
        """What is used up and when there is more, for people; fits into a Close frame."""
        terms = self.terms
        if terms.period is None:
            return f"The {self.subject}'s {terms.limit:,} {terms.thing} are all in use. Close one, then try again."
        until = datetime.fromtimestamp(self.lease.window.end, UTC)
        over, more = "have no room for this message" if self.octets else "are used up", "There is more"
        if self.lease.lost:
            over, more = "are used up or lent to a lost gateway", "More"
        return (
            f"The {self.subject}'s {terms.limit:,} {terms.thing} a {terms.period} {over}. "
            f"{more} from {until:%Y-%m-%d %H:%M} UTC."
        )

    def _lend(self, now: float) -> Lease:
        terms = self.terms
        window = window_at(terms.period, now) if terms.period else OPEN
        return Lease(terms.key, window, terms.limit, self._cells, now)

    def _ask(self, need: int, now: float) -> None:
        """Only the least that is needed counts: whoever needs more is woken with the others, and asks again."""
        if not self.is_needed:
            self._need = Need(need, now)
        elif need < self._need.amount:
            self._need = self._need._replace(amount=need)
        else:
            return
        self.state = TRANSITIONS[self.state, QuotaEvent.NEEDED]
        self.notify(self)

    def _serve(self, now: float) -> None:
        """There is enough for the least need: let those who wait go on."""
        self.state = TRANSITIONS[self.state, QuotaEvent.SERVED]
        self.wake()
        if self.waiting and not self.is_needed:
            self._ask(1, now)  # for those for whom nothing was left; each will say how much it needs
