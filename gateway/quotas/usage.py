"""What is used of a plan and what is left of it, with the time at which it resets.

Workers report what they have spent every second, so the figures may be a second old. What a worker was lent and has
not spent counts as left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.quotas.limits import OPEN, PlanLimits, window_at
from gateway.quotas.rules import LeaseStore, carried_over, connections_key, quota_key
from publisher.plan_terms import QuotaPeriod


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """One quota in its present period. `unit` is messages or bytes."""

    unit: str
    period: QuotaPeriod
    limit: int
    used: int
    resets_at: datetime

    @property
    def left(self) -> int:
        """What may still be sent; 0 also where the limit was lowered below what was used."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class PlanUsage:
    """What is used of a plan. None is no limit."""

    quota: QuotaUsage | None
    connections: int | None


def usage_of(store: LeaseStore, account: str, limits: PlanLimits, *, now: float) -> PlanUsage:
    """What an account (`api_account`, `application_account`) has used of its plan; `now` in seconds since the epoch."""
    key, window = quota_key(account, limits), window_at(limits.period, now)
    asked = [(key, window)] if limits.quota is not None else []
    if limits.connections is not None:
        asked.append((connections_key(account), OPEN))
    usages = {place: usage for (place, _), usage in zip(asked, store.used(asked), strict=True)}
    quota = None
    if limits.quota is not None:
        used = usages[key].spent if any(usages[key]) else carried_over(store.used, key, window, now)
        resets_at = datetime.fromtimestamp(window.end, UTC)
        quota = QuotaUsage(limits.unit, limits.period, limits.quota, used, resets_at)
    return PlanUsage(quota, usages[connections_key(account)].spent if limits.connections is not None else None)
