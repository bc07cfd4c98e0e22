"""What is used of a plan and what is left of it, with the time at which it resets.

Workers report what they have spent every second, so the figures may be a second old. What a worker was lent and has
not spent counts as left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.quotas.limits import OPEN, PlanLimits, window_at
from gateway.quotas.rules import LeaseStore, connections_key, quota_key
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
    """What a subscription or an application has used of its plan. None is no limit."""

    quota: QuotaUsage | None
    connections: int | None


def usage_of_subscription(store: LeaseStore, subscription_id: str, limits: PlanLimits, *, now: float) -> PlanUsage:
    """What a subscription has used of its business plan; `now` is in seconds since the epoch. Asks the store."""
    return _usage(store, f"subscription:{subscription_id}", limits, now)


def usage_of_application(store: LeaseStore, application_id: str, limits: PlanLimits, *, now: float) -> PlanUsage:
    """What an application has used of its application plan; `now` is in seconds since the epoch. Asks the store."""
    return _usage(store, f"application:{application_id}", limits, now)


def _usage(store: LeaseStore, account: str, limits: PlanLimits, now: float) -> PlanUsage:
    window = window_at(limits.period, now)
    asked = [(quota_key(account, limits), window)] if limits.quota is not None else []
    if limits.connections is not None:
        asked.append((connections_key(account), OPEN))
    spent = {key: usage.spent for (key, _), usage in zip(asked, store.used(asked), strict=True)}
    quota = None
    if limits.quota is not None:
        resets_at = datetime.fromtimestamp(window.end, UTC)
        quota = QuotaUsage(limits.unit, limits.period, limits.quota, spent[quota_key(account, limits)], resets_at)
    return PlanUsage(quota, spent.get(connections_key(account)))
