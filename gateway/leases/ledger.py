"""All plans in use in one worker: who draws from what, and what to ask the store. Pure; times are epoch seconds.

`Ledger.enter` at a handshake, `Entry.knock` until it lets in, `Entry.client` and `Entry.backend` for the relay,
`Entry.leave` at the end, `Ledger.change` when a plan has changed. `gateway.leases.keeper` drives the rest. Longer than
most modules here, because what is asked of the store and what its answers change is one state.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from gateway.leases import (
    Answer,
    Booking,
    Request,
    Slots,
    connections_key,
    connects_key,
    quota_key,
    rate_key,
)
from gateway.leases.entry import Account, Entry
from gateway.leases.lease import Cells, Lease
from gateway.leases.pace import Pace
from gateway.leases.quota import Quota
from gateway.limits import BYTES, Action, Limits, Period
from gateway.metering import Source

TICK_SECONDS: Final = 0.1
ROUNDS: Final = 10
LINGER_SECONDS: Final = 1.0
"""An account that nobody uses keeps its leases so long, for a client that comes back at once."""


Named = tuple[str, Limits]
"""The id of a subscription or of an application, and what its plan allows."""


class Batch(NamedTuple):
    """What to ask the store in one go, and who asks; a request of nobody ends a lease."""

    requests: list[tuple[Quota | None, Request]]
    bookings: list[tuple[Pace, Booking]]


class Ledger:
    """The accounts of one worker. `on_change` is called when there may be something to do earlier than `due` and
    `asks_at` said; it must not do it at once."""

    def __init__(self, cells: Cells, on_change: Callable[[], None]) -> None:
        self._cells = cells
        self._on_change = on_change
        self._accounts: dict[str, Account] = {}
        self._urgent: set[Quota] = set()
        self._wanting: set[Pace] = set()
        self._timed: list[tuple[float, int, Pace]] = []
        self._due_at: dict[Pace, float] = {}
        self._retired: dict[int, Lease] = {}
        self._ending: set[int] = set()
        self._minute = self._look_at = self._end_at = 0.0
        self._round = 0
        self._moving: set[Account] = set()
        self._looked_at: set[Account] = set()

    def enter(self, *, subscription: Named | None, application: Named | None, now: float) -> Entry:
        """A connection that draws from the plans of a subscription and of an application."""
        accounts = [
            self._account(subject, *given, now)
            for subject, given in (("subscription", subscription), ("application", application))
            if given
        ]
        entry = Entry(accounts, self._on_change)
        for account in accounts:
            account.entries.add(entry)
        return entry

    def change(self, key: str, limits: Limits, now: float) -> None:
        """The plan of "subscription:<id>" or "application:<id>" is now this one; open connections follow at once."""
        account = self._accounts.get(key)
        if account and account.limits != limits:
            account.limits = limits
            self._equip(account, now)

    def give_up(self, serials: list[int]) -> None:
        """Others wait for what these leases hold."""
        wanted = set(serials)
        for quota in self._quotas() if wanted else ():
            if quota.lease.serial in wanted:
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
        for pace in self._due_paces(now):
            pace.advance(now)
            self._schedule(pace)
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
            if account.pace:
                account.pace.clock_set_back()
        self._on_change()

    def collect(self, now: float) -> Batch:
        """What to ask the store now. Give the answers to `settle`, or call `fail`."""
        looked_at, self._looked_at = self._looked_at, set()
        regular = {quota for account in looked_at for quota in account.quotas}
        asked = [(quota, quota.request(now, regular=quota in regular)) for quota in regular | self._urgent]
        requests: list[tuple[Quota | None, Request]] = [(quota, request) for quota, request in asked if request]
        if self._retired and now >= self._end_at:
            endable = [lease for lease in self._retired.values() if lease.serial not in self._ending]
            requests += [(None, lease.last_request()) for lease in endable]
            self._ending.update(self._retired)
        self._urgent = {quota for quota in self._urgent if quota.is_urgent}
        wanting, self._wanting = self._wanting, set()
        booked = [(pace, pace.booking(now)) for pace in wanting]
        for pace, booking in booked:
            if booking is None:
                self._schedule(pace)
        return Batch(requests, [(pace, booking) for pace, booking in booked if booking])

    def settle(self, batch: Batch, answers: list[Answer], slots: list[Slots], now: float) -> None:
        """The store has answered."""
        for (quota, request), answer in zip(batch.requests, answers, strict=True):
            if quota is None:
                self._ending.discard(request.serial)
                del self._retired[request.serial]
                self._cells.free(request.serial)
            else:
                quota.answered(request, answer, now)
        for (pace, booking), booked in zip(batch.bookings, slots, strict=True):
            pace.answered(booking, booked, now)
            self._schedule(pace)

    def fail(self, batch: Batch, now: float) -> None:
        """The store could not be asked; all of it will be asked again."""
        for quota, request in batch.requests:
            if quota is None:
                self._ending.discard(request.serial)
                self._end_at = now + TICK_SECONDS
            else:
                quota.failed(now)
        for pace, _ in batch.bookings:
            pace.failed(now)
            self._schedule(pace)

    def _account(self, subject: str, account_id: str, limits: Limits, now: float) -> Account:
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
        limits, before = account.limits, (account.quota, account.seats, account.connects, account.pace)
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
        account.seats = self._fit(
            account.seats,
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
        account.pace = self._fit_pace(account)
        for entry in account.entries:
            entry.join()
        for source in before:
            if source and source not in (account.quota, account.seats, account.connects, account.pace):
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

    def _fit_pace(self, account: Account) -> Pace | None:
        limits = account.limits
        if limits.rate is None:
            return None
        key, burst, action = rate_key(account.key, limits.rate), limits.burst_messages, limits.over_rate
        present = account.pace
        if present and (present.key, present.burst, present.action) == (key, burst, action):
            return present
        return Pace(key=key, rate=limits.rate, burst=burst, action=action, subject=account.subject, notify=self._notice)

    def _quotas(self) -> Iterator[Quota]:
        return (quota for account in self._accounts.values() for quota in account.quotas)

    def _notice(self, source: Source) -> None:
        if isinstance(source, Quota):
            self._urgent.add(source)
        elif isinstance(source, Pace):
            self._schedule(source)
        self._on_change()

    def _schedule(self, pace: Pace) -> None:
        """See to it that the pace is asked for, or looked at, when it should be."""
        if pace.ended:
            return
        if pace.wants and not pace.retry_at:
            self._wanting.add(pace)
        due = pace.due()
        if due < self._due_at.get(pace, math.inf):
            self._due_at[pace] = due
            heapq.heappush(self._timed, (due, id(pace), pace))

    def _due_paces(self, now: float) -> list[Pace]:
        due = []
        while self._timed and self._timed[0][0] <= now:
            at, _, pace = heapq.heappop(self._timed)
            if self._due_at.get(pace) == at:
                del self._due_at[pace]
                due.append(pace)
        return due

    def _retire(self, lease: Lease) -> None:
        self._retired[lease.serial] = lease
        self._on_change()

    def _look(self, now: float) -> None:
        """At every account where something happens, and in turn at those of the others in which it may have begun."""
        self._round = (self._round + 1) % ROUNDS
        accounts = list(self._accounts.values())
        thirsty = [each for each in accounts if (pace := each.pace) and pace.top - pace.cells[0] < pace.starter]
        for account in self._moving.union(accounts[self._round :: ROUNDS], thirsty):
            if account.pace:
                account.pace.look(now)
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
