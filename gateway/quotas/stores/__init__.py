"""The engines that keep leases for all workers together: the database, or Redis for many hosts."""

from __future__ import annotations

from django.conf import settings

from gateway.quotas.rules import LeaseStore


def open_store(redis_url: str) -> LeaseStore:
    """The store of leases: in the Redis at this address, or in the database when the address is empty."""
    if redis_url:
        from gateway.quotas.stores.checkpoints import DatabaseCheckpoints
        from gateway.quotas.stores.redis import RedisLeaseStore

        return RedisLeaseStore(redis_url, checkpoints=DatabaseCheckpoints())
    from gateway.quotas.stores.database import DatabaseLeaseStore

    return DatabaseLeaseStore()


def unreachable() -> tuple[type[Exception], ...]:
    """What is raised when Redis cannot be asked. Where there is none its package, a tenth of a start, is not read."""
    if not settings.REDIS_URL:
        return ()
    from redis import RedisError

    return (RedisError,)
