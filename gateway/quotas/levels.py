"""How far the quotas of many subscriptions are used, for those who tell their owners."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from django.conf import settings
from redis.exceptions import RedisError

from gateway.quotas.limits import PlanLimits, window_at
from gateway.quotas.rules import LeaseStore, api_account, quota_key
from gateway.quotas.stores import open_store
from publisher.plan_terms import QuotaPeriod, QuotaUnit

Asked = tuple[str, str, str, str]


def spent(asked: Sequence[Asked]) -> list[tuple[int, datetime]]:
    """For each application, API, unit and period what is spent in the present window, and when that ends.

    Raises OSError where the store does not answer.
    """
    store, places = _store(), []
    try:
        now = store.time() or time.time()
        for application, api, unit, period in asked:
            limits = PlanLimits(unit=QuotaUnit(unit), period=QuotaPeriod(period))
            places.append((quota_key(api_account(application, api), limits), window_at(limits.period, now)))
        usages = store.used(places)
    except RedisError as error:
        raise OSError(f"what is used cannot be read: {error}") from error
    return [
        (usage.spent, datetime.fromtimestamp(window.end, UTC))
        for usage, (_, window) in zip(usages, places, strict=True)
    ]


@lru_cache(maxsize=1)
def _store() -> LeaseStore:
    return open_store(settings.REDIS_URL)
