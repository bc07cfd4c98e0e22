"""What a Redis is told that would lose quotas by the way it is set."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from redis import Redis, RedisError


def advice(url: str) -> list[str]:
    """Sentences for the log of a start, one for each setting; none while it cannot be asked."""
    try:
        with Redis.from_url(url, decode_responses=True, socket_timeout=2, socket_connect_timeout=2) as redis:
            saves: str | None = None
            with suppress(RedisError):
                saves = str(redis.config_get("save").get("save", ""))
            return weaknesses(redis.info("everything"), saves)
    except RedisError:
        return []


def weaknesses(info: dict[str, Any], saves: str | None) -> list[str]:
    """What is wrong with a Redis that says this of itself. `saves` is its setting `save`, None where it is secret."""
    found = []
    policy = info.get("maxmemory_policy", "noeviction")
    if int(info.get("maxmemory", 0)) and policy != "noeviction":
        found.append(
            f"Redis throws quotas away when its memory is full (maxmemory-policy {policy}): set it to noeviction."
        )
    if not int(info.get("aof_enabled", 0)):
        lasting = "nothing is written to disk" if saves == "" else "only a snapshot is written to disk, now and then"
        found.append(
            f"Redis forgets what was used of plans when it is restarted ({lasting}): set appendonly to yes. Until then "
            "the gateways put back what they have saved in the database, which may be some seconds old."
        )
    return found
