"""What is used of a plan and what is left of it, with the time at which it resets.

Workers report what they have spent every second, so the figures may be a second old. What a worker was lent and has
not spent counts as left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.translating import gettext, gettext_noop
from gateway.quotas.limits import OPEN, PlanLimits, Window, window_at
from gateway.quotas.rules import LeaseStore, WindowUsage, carried_over, connections_key, quota_key
from publisher.plan_terms import QuotaPeriod

LABELS = {
    ("messages", QuotaPeriod.MINUTE): gettext_noop("Messages this minute"),
    ("messages", QuotaPeriod.HOUR): gettext_noop("Messages this hour"),
    ("messages", QuotaPeriod.DAY): gettext_noop("Messages this day"),
    ("messages", QuotaPeriod.MONTH): gettext_noop("Messages this month"),
    ("bytes", QuotaPeriod.MINUTE): gettext_noop("Bytes this minute"),
    ("bytes", QuotaPeriod.HOUR): gettext_noop("Bytes this hour"),
    ("bytes", QuotaPeriod.DAY): gettext_noop("Bytes this day"),
    ("bytes", QuotaPeriod.MONTH): gettext_noop("Bytes this month"),
}


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

    @property
    def label(self) -> str:
        """What is counted, for whoever reads: "Messages this day"."""
        return gettext(LABELS[self.unit, self.period])


@dataclass(frozen=True, slots=True)
class PlanUsage:
    """What is used of a plan. None is no limit."""

    quota: QuotaUsage | None
    connections: int | None


def usages_of(store: LeaseStore, asked: Sequence[tuple[str, PlanLimits]], *, now: float) -> list[PlanUsage]:
    """What accounts (`api_account`, `application_account`) have used of their plans, with two questions to the store.

    `now` is in seconds since the epoch.
    """
    places = [
        place
        for account, limits in asked
        for place, is_limited in (
            ((quota_key(account, limits), window_at(limits.period, now)), limits.quota is not None),
            ((connections_key(account), OPEN), limits.connections is not None),
        )
        if is_limited
    ]
    found = dict(zip(places, store.used(places), strict=True))
    untouched = [place for place, usage in found.items() if place[1] != OPEN and not any(usage)]
    # What such a window begins with is known once the shorter ones within it are: which are they, and what is in them?
    within: list[tuple[str, Window]] = []

    def note(shorter: Sequence[tuple[str, Window]]) -> list[WindowUsage]:
        within.extend(shorter)
        return [WindowUsage(0, 0)] * len(shorter)

    for key, window in untouched:
        carried_over(note, key, window, now)
    known = dict(zip(within, store.used(within), strict=True))
    begins_with = {
        (key, window): carried_over(lambda shorter: [known[place] for place in shorter], key, window, now)
        for key, window in untouched
    }
    usages = []
    for account, limits in asked:
        quota, connections = None, None
        if limits.quota is not None:
            place = (quota_key(account, limits), window_at(limits.period, now))
            resets_at = datetime.fromtimestamp(place[1].end, UTC)
            used = begins_with.get(place, found[place].spent)
            quota = QuotaUsage(limits.unit, limits.period, limits.quota, used, resets_at)
        if limits.connections is not None:
            connections = found[connections_key(account), OPEN].spent
        usages.append(PlanUsage(quota, connections))
    return usages
