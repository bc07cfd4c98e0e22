"""All plans in use in one worker: who draws from what, and what to ask the store. Pure; times are epoch seconds.

`LeaseState.enter` at a handshake, `Admission.try_admit` until it lets in, `Admission.client` and `Admission.backend`
for the relay, `Admission.leave` at the end, `LeaseState.change` when a plan has changed. `gateway.quotas.client` drives
the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.quotas.admission import Account, Admission
from gateway.quotas.lease import Cells, Lease
from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import LimitSource
from gateway.quotas.quota import Quota, QuotaTerms
from gateway.quotas.rate import RateReservation, RateTerms, RateTimers
from gateway.quotas.rounds import TICK_SECONDS, Rounds
from gateway.quotas.rules import LeaseAnswer, LeaseRequest, Reservation, Reserved

MOST_REPORTS: Final = 50
"""Of what was spent, in a tick. A worker with more than 500 quotas in use tells the store of each less than once a
second: who reads what is used reads it later, and nobody waits for it."""
LINGER_SECONDS: Final = 1.0
"""An account that nobody uses keeps its leases so long, for a client that comes back at once."""


class PlanOf(NamedTuple):
    """What a plan allows, and the `account` it is counted on: one of those in `gateway.quotas.rules`."""

    account: str
    limits: PlanLimits


class Batch(NamedTuple):
    """What to ask the store in one go, and who asks; a request of nobody ends a lease."""

    requests: list[tuple[Quota | None, LeaseRequest]]
    reservations: list[tuple[RateReservation, Reservation]]


@dataclass(slots=True)
class Retirement:
    """Leases that nobody spends any more: the store ends those that it is `told` of; others wait, until `at`."""

    waiting: list[Lease] = field(default_factory=list)
    told: dict[int, Lease] = field(default_factory=dict)
    at: float = 0.0


@dataclass(eq=False, repr=False)
class LeaseState:
    """The accounts of one worker; `rounds` say when it looks at them.

    `on_change` is called when there may be something to do earlier than `due` and `asks_at` said; it must not do it at
    once.
    """

    cells: Cells
    on_change: Callable[[], None]
    rounds: Rounds = field(default_factory=Rounds, init=False)
    _accounts: dict[str, Account] = field(default_factory=dict, init=False)
    _urgent: set[Quota] = field(default_factory=set, init=False)
    _rates: RateTimers = field(default_factory=RateTimers, init=False)
    _retirement: Retirement = field(default_factory=Retirement, init=False)
    _minute: float = field(default=0.0, init=False)
    _reports: int = field(default=MOST_REPORTS, init=False)

    def enter(
        self, *, subscription: PlanOf | None, application: PlanOf | None, api: PlanOf | None = None, now: float
    ) -> Admission:
        """A connection that draws from the business plan of a subscription, from the plan of an application, and from
        what an API may carry for all of them."""
        accounts = []
        for subject, plan in (("subscription", subscription), ("application", application), ("API", api)):
            if plan is None:
                continue
            if account := self._accounts.get(plan.account):
                if account.limits is not plan.limits:
                    self.change(plan.account, plan.limits, now)
            else:
                account = self._accounts[plan.account] = Account(plan.account, subject, plan.limits)
                self._equip(account, now)
            accounts.append(account)
        self.rounds.stir(accounts)
        admission = Admission(accounts, self.on_change)
        for account in accounts:
            account.admissions.add(admission)
        return admission

    def change(self, key: str, limits: PlanLimits, now: float) -> None:
        """The plan of this account is now this one; open connections follow at once."""
        account = self._accounts.get(key)
        if account and account.limits != limits:
            account.limits = limits
            self._equip(account, now)

    def give_up(self, lease_ids: list[int]) -> None:
        """Others wait for what these leases hold."""
        contended = set(lease_ids)
        for quota in self._quotas() if contended else ():
            if quota.lease.lease_id in contended:
                quota.give_back(quota.lease.spent)
                quota.tell_again()

    def tell_again(self) -> None:
        """The store may have forgotten leases: report all of them."""
        for quota in self._quotas():
            quota.tell_again()
        self.rounds.stir(self._accounts.values())

    def end(self) -> None:
        """The worker stops: all leases go back with the next batch."""
        for account in list(self._accounts.values()):
            self._close(account)

    @property
    def holds_leases(self) -> bool:
        """Whether anything here concerns the store."""
        return bool(self._accounts or self._retirement.waiting or self._retirement.told)

    def due(self) -> float:
        """When to call `tick` next, as far as only time is needed; infinity when nothing is in use.

        At `rounds.look_at` it is to look at what is in use, for which a little later is early enough.
        """
        return min(self.rounds.look_at, self._minute, self._rates.due()) if self.holds_leases else math.inf

    def asks_at(self) -> float:
        """When there is something that should be asked of the store at once; infinity when it can wait for a tick."""
        if self._rates.wanting:
            return 0.0
        return min((quota.asks_at() for quota in self._urgent), default=math.inf)

    def tick(self, now: float) -> None:
        """Let time do its work: periods begin, messages of rates become due, accounts that nobody uses close."""
        if now >= self._minute:  # where every period begins
            self._minute = now // 60 * 60 + 60
            for quota in list(self._quotas()):
                quota.refresh(now)
        self._rates.advance(now)
        if now < self.rounds.look_at:
            return
        self._reports = MOST_REPORTS
        accounts = list(self._accounts.values())
        for account in self.rounds.next(accounts):
            if account.rate:
                account.rate.look(now)
            if not account.admissions and now >= account.left_at + LINGER_SECONDS:
                self._close(account)
            else:
                self.rounds.done(account, is_moving=account.is_moving)
        self.rounds.settle(accounts, now)

    def clock_set_back(self, now: float) -> None:
        """The clock shows an earlier time than before: nothing may wait for what it showed then."""
        self._minute = self.rounds.look_at = self._retirement.at = 0.0
        self._rates = RateTimers(self._rates.wanting)  # all other times are those of the old clock
        for account in self._accounts.values():
            account.left_at = min(account.left_at, now)
            for quota in account.quotas:
                quota.clock_set_back(now)
            if account.rate:
                account.rate.clock_set_back()
        self.on_change()

    def collect(self, now: float) -> Batch:
        """What to ask the store now. Give the answers to `apply`, or call `fail`."""
        regular = {quota for account in self.rounds.take() for quota in account.quotas}
        requests: list[tuple[Quota | None, LeaseRequest]] = []
        for quota in sorted(regular | self._urgent, key=lambda quota: quota.lease.reported_at):
            if request := quota.request(now, regular=quota in regular, may_report=self._reports > 0):
                requests.append((quota, request))
                self._reports -= not (request.least or request.most or request.keep is not None)
        if now >= self._retirement.at:
            retired, self._retirement.waiting = self._retirement.waiting, []
            self._retirement.told |= {lease.lease_id: lease for lease in retired}
            last = (lease.request(least=0, most=0, since=0.0)._replace(final=True) for lease in retired)
            requests += [(None, request) for request in last]
        self._urgent = {quota for quota in self._urgent if quota.is_urgent}
        wanting, self._rates.wanting = self._rates.wanting, set()
        return Batch(requests, [(rate, wish) for rate in wanting if (wish := rate.reservation(now))])

    def apply(self, batch: Batch, answers: list[LeaseAnswer], reserved: list[Reserved], now: float) -> None:
        """The store has answered."""
        for (quota, request), answer in zip(batch.requests, answers, strict=True):
            if quota is None:
                del self._retirement.told[request.lease_id]
                self.cells.free(request.lease_id)
            else:
                quota.apply(request, answer, now)
        for (rate, _), given in zip(batch.reservations, reserved, strict=True):
            rate.apply(given, now)
            self._rates.schedule(rate)

    def fail(self, batch: Batch, now: float) -> None:
        """The store could not be asked; all of it will be asked again."""
        for quota, request in batch.requests:
            if quota is None:
                self._retirement.waiting.append(self._retirement.told.pop(request.lease_id))
                self._retirement.at = now + TICK_SECONDS
            else:
                quota.failed(now)
        for rate, _ in batch.reservations:
            rate.postpone(now + TICK_SECONDS)
            self._rates.schedule(rate)

    def _equip(self, account: Account, now: float) -> None:
        """Give an account the sources that its limits ask for; those that still fit stay."""
        before = account.sources
        quota, slots, connects = account.terms()
        account.quota = self._fit(account.quota, account, quota, now)
        account.slots = self._fit(account.slots, account, slots, now)
        account.connects = self._fit(account.connects, account, connects, now)
        limits, rate = account.limits, account.rate
        if limits.rate is None:
            account.rate = None
        else:  # another rate begins with a schedule of its own
            key = f"{account.key}:rate:{limits.rate}"
            terms = RateTerms(key, limits.rate, limits.burst_messages, limits.over_rate, account.subject)
            account.rate = rate if rate and rate.terms == terms else RateReservation(terms, notify=self._notice)
        for admission in account.admissions:
            admission.join()
        for source in before:
            if source not in account.sources:
                source.end()

    def _fit(self, present: Quota | None, account: Account, terms: QuotaTerms | None, now: float) -> Quota | None:
        if terms is None:
            return None
        if present and present.terms.key == terms.key:
            present.change(terms, now)
            return present
        return Quota(
            terms,
            cells=self.cells,
            notify=self._notice,
            retire=lambda lease: self._retirement.waiting.append(lease),  # the list of that moment
            now=now,
            held=0 if terms.period else account.inside,
        )

    def _quotas(self) -> Iterator[Quota]:
        return (quota for account in self._accounts.values() for quota in account.quotas)

    def _notice(self, source: LimitSource) -> None:
        self.rounds.stir()
        if isinstance(source, Quota):
            self._urgent.add(source)
        elif isinstance(source, RateReservation):
            self._rates.schedule(source)
        self.on_change()

    def _close(self, account: Account) -> None:
        del self._accounts[account.key]
        self.rounds.done(account, is_moving=False)
        for source in account.sources:
            source.end()
