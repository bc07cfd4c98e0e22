"""All plans in use in one worker: who draws from what, and what to ask the store. Pure; times are epoch seconds.

`LeaseState.enter` at a handshake, `Admission.knock` until it lets in, `Admission.client` and `Admission.backend` for
the relay, `Admission.leave` at the end, `LeaseState.change` when a plan has changed. `gateway.quotas.client` drives the
rest. Longer than most modules here, because what is asked of the store and what its answers change is one state.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from gateway.quotas.admission import Account, Admission
from gateway.quotas.limits import BYTES, Action, Period, PlanLimits
from gateway.quotas.meter import LimitSource
from gateway.quotas.quota import Cells, Lease, Quota
from gateway.quotas.rate import RateReservation
from gateway.quotas.rules import (
    LeaseAnswer,
    LeaseRequest,
    Reservation,
    Reserved,
    connections_key,
    connects_key,
    quota_key,
    rate_key,
)

TICK_SECONDS: Final = 0.1
ROUNDS: Final = 10
LINGER_SECONDS: Final = 1.0
"""An account that nobody uses keeps its leases so long, for a client that comes back at once."""


PlanOf = tuple[str, PlanLimits]
"""The id of a subscription or of an application, and what its plan allows."""


class Batch(NamedTuple):
    """What to ask the store in one go, and who asks; a request of nobody ends a lease."""

    requests: list[tuple[Quota | None, LeaseRequest]]
    reservations: list[tuple[RateReservation, Reservation]]


class LeaseState:
    """The accounts of one worker. `on_change` is called when there may be something to do earlier than `due` and
    `asks_at` said; it must not do it at once."""

    def __init__(self, cells: Cells, on_change: Callable[[], None]) -> None:
        self._cells = cells
        self._on_change = on_change
        self._accounts: dict[str, Account] = {}
        self._urgent: set[Quota] = set()
        self._wanting: set[RateReservation] = set()
        self._timed: list[tuple[float, int, RateReservation]] = []
        self._due_at: dict[RateReservation, float] = {}
        self._retired: dict[int, Lease] = {}
        self._ending: set[int] = set()
        self._minute = self._look_at = self._end_at = 0.0
        self._round = 0
        self._moving: set[Account] = set()
        self._looked_at: set[Account] = set()

    def enter(self, *, subscription: PlanOf | None, application: PlanOf | None, now: float) -> Admission:
        """A connection that draws from the plans of a subscription and of an application."""
        accounts = [
            self._account(subject, *given, now)
            for subject, given in (("subscription", subscription), ("application", application))
            if given
        ]
        entry = Admission(accounts, self._on_change)
        for account in accounts:
            account.entries.add(entry)
        return entry

    def change(self, key: str, limits: PlanLimits, now: float) -> None:
        """The plan of "subscription:<id>" or "application:<id>" is now this one; open connections follow at once."""
        account = self._accounts.get(key)
        if account and account.limits != limits:
            account.limits = limits
            self._equip(account, now)

    def give_up(self, serials: list[int]) -> None:
        """Others wait for what these leases hold."""
        contended = set(serials)
        for quota in self._quotas() if contended else ():
            if quota.lease.lease_id in contended:
                quota.give_up()

    def tell_again(self) -> None:
        """The store may have forgotten leases: report all of them."""
        for quota in self._quotas():
            quota.tell_again()
        self._moving.update(self._accounts.values())

    def end(self) -> None:
        """The worker stops: all leases go back with the next batch."""
        for account in list(self._accounts.values()):
            self._close(account)

    @property
    def holds_leases(self) -> bool:
        """Whether anything here concerns the store."""
        return bool(self._accounts or self._retired)

    def due(self) -> float:
        """When to call `tick` next, as far as only time is needed; infinity when nothing is in use."""
        if not self.holds_leases:
            return math.inf
        return min(self._look_at, self._minute, self._timed[0][0] if self._timed else math.inf)

    def asks_at(self) -> float:
        """When there is something that should be asked of the store at once; infinity when it can wait for a tick."""
        if self._wanting:
            return 0.0
        return min((quota.asks_at() for quota in self._urgent), default=math.inf)

    def tick(self, now: float) -> None:
        """Let time do its work: periods begin, messages of rates become due, accounts that nobody uses close."""
        if now >= self._minute:  # where every period begins
            self._minute = now // 60 * 60 + 60
            for quota in list(self._quotas()):
                quota.refresh(now)
        for rate_reservation in self._due_paces(now):
            rate_reservation.advance(now)
            self._schedule(rate_reservation)
        if now >= self._look_at:
            self._look_at = now + TICK_SECONDS
            self._look(now)

    def clock_set_back(self, now: float) -> None:
        """The clock shows an earlier time than before: nothing may wait for what it showed then."""
        self._minute = self._look_at = self._end_at = 0.0
        self._timed.clear()
        self._due_at.clear()
        for account in self._accounts.values():
            account.left_at = min(account.left_at, now)
            for quota in account.quotas:
                quota.clock_set_back(now)
            if account.rate_reservation:
                account.rate_reservation.clock_set_back()
        self._on_change()

    def collect(self, now: float) -> Batch:
        """What to ask the store now. Give the answers to `settle`, or call `fail`."""
        looked_at, self._looked_at = self._looked_at, set()
        regular = {quota for account in looked_at for quota in account.quotas}
        asked = [(quota, quota.request(now, regular=quota in regular)) for quota in regular | self._urgent]
        requests: list[tuple[Quota | None, LeaseRequest]] = [(quota, request) for quota, request in asked if request]
        if self._retired and now >= self._end_at:
            endable = [lease for lease in self._retired.values() if lease.lease_id not in self._ending]
            requests += [(None, lease.last_request()) for lease in endable]
            self._ending.update(self._retired)
        self._urgent = {quota for quota in self._urgent if quota.is_urgent}
        wanting, self._wanting = self._wanting, set()
        booked = [(rate_reservation, rate_reservation.reservation(now)) for rate_reservation in wanting]
        for rate_reservation, reservation in booked:
            if reservation is None:
                self._schedule(rate_reservation)
        return Batch(
            requests, [(rate_reservation, reservation) for rate_reservation, reservation in booked if reservation]
        )

    def reconcile(self, batch: Batch, answers: list[LeaseAnswer], slots: list[Reserved], now: float) -> None:
        """The store has answered."""
        for (quota, request), answer in zip(batch.requests, answers, strict=True):
            if quota is None:
                self._ending.discard(request.lease_id)
                del self._retired[request.lease_id]
                self._cells.free(request.lease_id)
            else:
                quota.answered(request, answer, now)
        for (rate_reservation, reservation), booked in zip(batch.reservations, slots, strict=True):
            rate_reservation.answered(reservation, booked, now)
            self._schedule(rate_reservation)

    def fail(self, batch: Batch, now: float) -> None:
        """The store could not be asked; all of it will be asked again."""
        for quota, request in batch.requests:
            if quota is None:
                self._ending.discard(request.lease_id)
                self._end_at = now + TICK_SECONDS
            else:
                quota.failed(now)
        for rate_reservation, _ in batch.reservations:
            rate_reservation.failed(now)
            self._schedule(rate_reservation)

    def _account(self, subject: str, account_id: str, limits: PlanLimits, now: float) -> Account:
        key = f"{subject}:{account_id}"
        account = self._accounts.get(key)
        if account is None:
            account = Account(key, subject, limits)
            self._equip(account, now)
            self._accounts[key] = account
        else:
            self.change(key, limits, now)
        self._moving.add(account)
        return account

    def _equip(self, account: Account, now: float) -> None:
        """Give an account the sources that its limits ask for; those that still fit stay."""
        limits, before = account.limits, (account.quota, account.slots, account.connects, account.rate_reservation)
        account.quota = self._fit(
            account.quota,
            account,
            quota_key(account.key, limits),
            limits.quota,
            limits.period,
            limits.over_quota,
            limits.unit,
            now,
        )
        account.slots = self._fit(
            account.slots,
            account,
            connections_key(account.key),
            limits.connections,
            None,
            Action.CLOSE,
            "connections",
            now,
        )
        account.connects = self._fit(
            account.connects,
            account,
            connects_key(account.key),
            limits.connects,
            Period.MINUTE,
            Action.CLOSE,
            "new connections",
            now,
        )
        account.rate_reservation = self._fit_pace(account)
        for entry in account.entries:
            entry.join()
        for source in before:
            if source and source not in (account.quota, account.slots, account.connects, account.rate_reservation):
                source.end()

    def _fit(
        self,
        present: Quota | None,
        account: Account,
        key: str,
        limit: int | None,
        period: Period | None,
        action: Action,
        thing: str,
        now: float,
    ) -> Quota | None:
        if limit is None:
            return None
        if present and present.key == key:
            present.change(limit, action, now)
            return present
        return Quota(
            key=key,
            limit=limit,
            period=period,
            action=action,
            subject=account.subject,
            thing=thing,
            octets=thing == BYTES,
            store=self._cells,
            notify=self._notice,
            retire=self._retire,
            now=now,
            held=0 if period else account.inside,
        )

    def _fit_pace(self, account: Account) -> RateReservation | None:
        limits = account.limits
        if limits.rate is None:
            return None
        key, burst, action = rate_key(account.key, limits.rate), limits.burst_messages, limits.over_rate
        present = account.rate_reservation
        if present and (present.key, present.burst, present.action) == (key, burst, action):
            return present
        return RateReservation(
            key=key, rate=limits.rate, burst=burst, action=action, subject=account.subject, notify=self._notice
        )

    def _quotas(self) -> Iterator[Quota]:
        return (quota for account in self._accounts.values() for quota in account.quotas)

    def _notice(self, source: LimitSource) -> None:
        if isinstance(source, Quota):
            self._urgent.add(source)
        elif isinstance(source, RateReservation):
            self._schedule(source)
        self._on_change()

    def _schedule(self, rate_reservation: RateReservation) -> None:
        """See to it that the pace is asked for, or looked at, when it should be."""
        if rate_reservation.ended:
            return
        if rate_reservation.wants and not rate_reservation.retry_at:
            self._wanting.add(rate_reservation)
        due = rate_reservation.due()
        if due < self._due_at.get(rate_reservation, math.inf):
            self._due_at[rate_reservation] = due
            heapq.heappush(self._timed, (due, id(rate_reservation), rate_reservation))

    def _due_paces(self, now: float) -> list[RateReservation]:
        due = []
        while self._timed and self._timed[0][0] <= now:
            at, _, rate_reservation = heapq.heappop(self._timed)
            if self._due_at.get(rate_reservation) == at:
                del self._due_at[rate_reservation]
                due.append(rate_reservation)
        return due

    def _retire(self, lease: Lease) -> None:
        self._retired[lease.lease_id] = lease
        self._on_change()

    def _look(self, now: float) -> None:
        """At every account where something happens, and in turn at those of the others in which it may have begun."""
        self._round = (self._round + 1) % ROUNDS
        accounts = list(self._accounts.values())
        thirsty = [
            each
            for each in accounts
            if (rate_reservation := each.rate_reservation)
            and rate_reservation.top - rate_reservation.cells[0] < rate_reservation.starter
        ]
        for account in self._moving.union(accounts[self._round :: ROUNDS], thirsty):
            if account.rate_reservation:
                account.rate_reservation.look(now)
            if not account.entries and now >= account.left_at + LINGER_SECONDS:
                self._close(account)
            elif account.is_moving:
                self._moving.add(account)
            else:
                self._moving.discard(account)
            self._looked_at.add(account)

    def _close(self, account: Account) -> None:
        del self._accounts[account.key]
        self._moving.discard(account)
        for source in (*account.quotas, *account.metered):
            source.end()
