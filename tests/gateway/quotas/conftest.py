"""What the tests of quotas have in common: the stores, and a clock of the test's own for relays."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
import redis

from gateway.quotas.rules import LeaseStore
from gateway.quotas.stores.database import DatabaseLeaseStore
from gateway.quotas.stores.redis import RedisLeaseStore
from tests.environment import find_redis
from tests.gateway import metering_world
from tests.gateway.metering_world import MemoryStore


@pytest.fixture(autouse=True, scope="package")
def _time_as_the_test_says() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.relay.side.time", metering_world.now)
        yield


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of the tests' own, on a socket."""
    folder = tmp_path_factory.mktemp("redis")
    options = ["--port", "0", "--unixsocket", str(folder / "s"), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([find_redis(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"unix://{folder / 's'}"
    client = redis.Redis.from_url(url, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 500))
    try:
        client.ping()
        client.close()
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(params=["model", pytest.param("database", marks=pytest.mark.django_db), "redis"])
def store(request: pytest.FixtureRequest) -> LeaseStore:
    """Each engine in turn, empty."""
    if request.param == "model":
        return MemoryStore()
    if request.param == "database":
        return DatabaseLeaseStore()
    return empty_redis(request.getfixturevalue("redis_url"))


def empty_redis(url: str) -> RedisLeaseStore:
    """The engine on this Redis, which forgets all it knew."""
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return RedisLeaseStore(url)
