"""One connection and the plans it draws from. Pure; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Meter
from gateway.quotas.quota import Quota, QuotaTerms
from gateway.quotas.rate import RateReservation
from gateway.quotas.rules import connections_key, quota_key
from publisher.plan_terms import CountedDirection, ExceededAction, QuotaPeriod


@dataclass(eq=False, slots=True)
class Account:
    """The plan of one subscription or application as this worker applies it.

    `key` names it in the store, `subject` to people. `admissions` use it; `inside` of them are open connections.
    """

    key: str
    subject: str
    limits: PlanLimits
    admissions: set[Admission] = field(default_factory=set)
    inside: int = 0
    left_at: float = 0.0
    quota: Quota | None = None
    rate: RateReservation | None = None
    slots: Quota | None = None
    connects: Quota | None = None

    @property
    def quotas(self) -> list[Quota]:
        """The leases it holds."""
        return [quota for quota in (self.quota, self.slots, self.connects) if quota]

    def terms(self) -> tuple[QuotaTerms | None, QuotaTerms | None, QuotaTerms | None]:
        """What its limits say of messages or bytes, of open connections and of new ones; None where nothing."""
        limits, minute = self.limits, QuotaPeriod.MINUTE
        counted: tuple[tuple[str, int | None, QuotaPeriod | None, ExceededAction, str], ...] = (
            (quota_key(self.key, limits), limits.quota, limits.period, limits.over_quota, limits.unit),
            (connections_key(self.key), limits.connections, None, ExceededAction.CLOSE, "connections"),
            (f"{self.key}:connects", limits.connects, minute, ExceededAction.CLOSE, "new connections"),
        )
        messages, slots, connects = (
            None if limit is None else QuotaTerms(key, limit, period, action, self.subject, thing)
            for key, limit, period, action, thing in counted
        )
        return messages, slots, connects

    @property
    def is_moving(self) -> bool:
        """Whether something happens under it at the moment."""
        return (
            not self.admissions
            or any(quota.is_urgent or quota.lease.spent != quota.lease.reported for quota in self.quotas)
            or (self.rate is not None and bool(self.rate.runs or self.rate.waiting or self.rate.is_thirsty))
        )

    @property
    def sources(self) -> list[LimitSource]:
        """All that can hold or refuse a connection."""
        return [*self.quotas, self.rate] if self.rate else [*self.quotas]


class Admission:
    """One connection, from its handshake on. `client` meters what the client sends, `backend` what the backend does."""

    __slots__ = ("_inside", "_on_leave", "accounts", "backend", "client")

    def __init__(self, accounts: list[Account], on_leave: Callable[[], None]) -> None:
        self._on_leave = on_leave
        self._inside = False
        self.accounts = accounts
        self.client = Meter()
        self.backend = Meter()
        self.join()

    def join(self) -> None:
        """Draw from what the plans say now. The first account's plan says which direction counts, but on the account of
        an API both do."""
        own: list[LimitSource] = []
        shared: list[LimitSource] = []
        for account in self.accounts:
            drawn = shared if account.subject == "API" else own  # which is for all applications together
            if account.quota:
                drawn.append(account.quota)
            if account.rate:
                drawn.append(account.rate)
        both = not self.accounts or self.accounts[0].limits.counted != CountedDirection.CLIENT
        self.client.draw_from([*own, *shared])
        self.backend.draw_from([*own, *shared] if both else shared)

    def try_admit(self, now: float) -> Blocked | None:
        """Ask to be let in; None: it is. `Renew`: hold its source, ask again. `LimitExceeded`: 429 until it resets."""
        for account in self.accounts:
            for quota in (account.quota, account.slots, account.connects):
                blocked = quota.blocked(1, now) if quota else None
                if blocked is None or (isinstance(blocked, LimitExceeded) and blocked.action is ExceededAction.DROP):
                    continue
                return blocked
        for account in self.accounts:
            account.inside += 1
            for counted in (account.slots, account.connects):
                if counted:
                    counted.cells[counted.at] += 1
                    counted.notify(counted)
        self._inside = True
        return None

    def leave(self, now: float) -> None:
        """The connection is over, or was never let in. Call it once."""
        for account in self.accounts:
            account.admissions.discard(self)
            account.left_at = now
            if self._inside:
                account.inside -= 1
                if slots := account.slots:
                    slots.cells[slots.at] -= 1
                    slots.notify(slots)
        self._on_leave()
