"""One connection and the plans it draws from. Pure; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Callable

from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Meter, Resume
from gateway.quotas.quota import Quota, QuotaTerms
from gateway.quotas.rate import RateReservation
from gateway.quotas.rules import connections_key, connects_key, quota_key
from publisher.plan_terms import CountedDirection, ExceededAction, QuotaPeriod


class Account:
    """The plan of one subscription or application as this worker applies it.

    `key` names it in the store, `subject` to people. `admissions` use it; `inside` of them are open connections.
    """

    __slots__ = ("admissions", "connects", "inside", "key", "left_at", "limits", "quota", "rate", "slots", "subject")

    def __init__(self, key: str, subject: str, limits: PlanLimits) -> None:
        self.key = key
        self.subject = subject
        self.limits = limits
        self.admissions: set[Admission] = set()
        self.inside = 0
        self.left_at = 0.0
        self.quota: Quota | None = None
        self.rate: RateReservation | None = None
        self.slots: Quota | None = None
        self.connects: Quota | None = None

    @property
    def quotas(self) -> list[Quota]:
        """The leases it holds."""
        return [quota for quota in (self.quota, self.slots, self.connects) if quota]

    def terms(self) -> tuple[QuotaTerms | None, QuotaTerms | None, QuotaTerms | None]:
        """What its limits say of messages or bytes, of open connections and of new ones; None where nothing."""
        limits = self.limits

        def of(
            key: str, limit: int | None, period: QuotaPeriod | None, action: ExceededAction, thing: str
        ) -> QuotaTerms | None:
            return None if limit is None else QuotaTerms(key, limit, period, action, self.subject, thing)

        return (
            of(quota_key(self.key, limits), limits.quota, limits.period, limits.over_quota, limits.unit),
            of(connections_key(self.key), limits.connections, None, ExceededAction.CLOSE, "connections"),
            of(connects_key(self.key), limits.connects, QuotaPeriod.MINUTE, ExceededAction.CLOSE, "new connections"),
        )

    @property
    def is_moving(self) -> bool:
        """Whether something happens under it at the moment."""
        return (
            not self.admissions
            or any(quota.is_moving for quota in self.quotas)
            or (self.rate is not None and self.rate.is_moving)
        )

    @property
    def sources(self) -> list[LimitSource]:
        """All that can hold or refuse a connection."""
        return [*self.quotas, self.rate] if self.rate else [*self.quotas]

    @property
    def metered(self) -> list[LimitSource]:
        """What each message draws from."""
        return [source for source in (self.quota, self.rate) if source]


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
        """Draw from what the plans say now. The first account's plan says which direction counts."""
        sources = [source for account in self.accounts for source in account.metered]
        both = not self.accounts or self.accounts[0].limits.counted != CountedDirection.CLIENT
        self.client.join(sources)
        self.backend.join(sources if both else ())

    def try_admit(self, now: float) -> Blocked | None:
        """Ask to be let in; None: it is. `Renew`: hold its source, ask again. `LimitExceeded`: 429 until it resets."""
        for quota in [quota for account in self.accounts for quota in account.quotas]:
            blocked = quota.blocked(1, now)
            if isinstance(blocked, LimitExceeded) and blocked.action is ExceededAction.DROP:
                continue
            if blocked is not None:
                return blocked
        for account in self.accounts:
            account.inside += 1
            for counted in (account.slots, account.connects):
                if counted:
                    counted.cells[counted.at] += 1
                    counted.notify(counted)
        self._inside = True
        return None

    def forget(self, resume: Resume) -> None:
        """Whoever waits with `resume` is gone."""
        for account in self.accounts:
            for source in account.sources:
                source.forget(resume)

    def leave(self, now: float) -> None:
        """The connection is over, or was never let in. Call it once."""
        for account in self.accounts:
            account.admissions.discard(self)
            account.left_at = now
            if self._inside:
                account.inside -= 1
                if account.slots:
                    account.slots.leave()
        self._on_leave()
