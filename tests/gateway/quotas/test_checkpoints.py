"""A Redis that forgets, or goes back in time, is given back what the database has saved of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import redis

from gateway.models import WindowCheckpoint
from gateway.quotas.limits import window_at
from gateway.quotas.rules import LeaseRequest, StoreForgot, StoreRecovering
from gateway.quotas.stores.advice import advice, weaknesses
from gateway.quotas.stores.checkpoints import DatabaseCheckpoints
from gateway.quotas.stores.redis import RECOVERY_SECONDS, RedisLeaseStore
from publisher.plan_terms import QuotaPeriod

pytestmark = pytest.mark.django_db

KEY = "application:a:api:s:messages:month"
LIMIT = 3000


class World:
    """Two workers, each with a store of its own, on one Redis and one database."""

    def __init__(self, url: str) -> None:
        self.url, self.redis = url, redis.Redis.from_url(url, decode_responses=True)
        self.redis.flushall()
        self.one, self.other = self.store(), self.store()
        self.window = window_at(QuotaPeriod.MONTH, self.one.time())
        self._sequence = 0

    def store(self) -> RedisLeaseStore:
        return RedisLeaseStore(self.url, checkpoints=DatabaseCheckpoints())

    def ask(
        self,
        store: RedisLeaseStore,
        lease_id: int = 1,
        *,
        granted: int = 0,
        spent: int = 0,
        least: int = 0,
        final: bool = False,
        after: float = 0.0,
    ) -> tuple[int, int]:
        """What the lease has, and what is free, at a time so long from now."""
        self._sequence += 1
        request = LeaseRequest(
            lease_id, self._sequence, KEY, self.window, LIMIT, granted, spent, least=least, final=final
        )
        holder = "one" if store is self.one else "other"
        (answer,) = store.exchange(holder, [request], store.time() + after)
        return answer.granted, answer.free

    def spend(self, store: RedisLeaseStore, messages: int) -> None:
        """Of a lease that is ended then."""
        self.ask(store, least=messages)
        self.ask(store, spent=messages, final=True)


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    made = World(redis_url)
    yield made
    made.redis.close()


def recovering(*calls: Callable[[], object]) -> None:
    for call in calls:
        with pytest.raises(StoreRecovering):
            call()


def test_what_was_spent_and_what_is_lent_outlive_a_redis_that_forgets_all(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.spend(world.one, 1000)
    assert world.ask(world.other, 2, least=500) == (500, 1500)
    world.one.checkpoint()
    world.redis.flushall()
    with caplog.at_level(logging.ERROR), pytest.raises(StoreForgot):
        world.ask(world.one, 3, least=1)
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.startswith("Redis has forgotten what was used of plans. 1 windows were put back")
    told = partial(world.ask, world.other, 2, granted=700, spent=600)  # of which 200 were lent after it was saved
    recovering(partial(world.ask, world.one, 3, least=1), told, told)  # who does not know the epoch yet is not heard
    assert world.ask(world.one, 3, least=1300, after=RECOVERY_SECONDS)[0] == 1300
    assert world.ask(world.one, 3, granted=1300, least=1, after=RECOVERY_SECONDS) == (1300, 0)


def test_a_lease_that_ends_while_it_recovers_is_ended_afterwards(world: World) -> None:
    world.ask(world.one, least=400)
    world.one.checkpoint()
    world.redis.flushall()
    end = partial(world.ask, world.one, granted=400, spent=150, final=True)
    recovering(end, end)
    end(after=RECOVERY_SECONDS)
    assert world.ask(world.other, 2, least=1, after=RECOVERY_SECONDS)[1] == LIMIT - 150 - 1


@pytest.mark.parametrize("who", ["one", "newcomer"])
def test_a_redis_of_yesterday_is_noticed_by_who_was_there_and_by_who_comes(world: World, who: str) -> None:
    with redis.Redis.from_url(world.url) as raw:
        world.spend(world.one, 100)
        world.one.checkpoint()
        yesterday = {key: raw.dump(key) for key in raw.keys("*")}
        world.spend(world.one, 900)
        world.one.checkpoint()
        raw.flushall()
        for key, value in yesterday.items():
            raw.restore(key, 0, value)
    store = world.one if who == "one" else world.store()
    recovering(store.checkpoint)
    assert world.ask(store, 9, least=1, after=RECOVERY_SECONDS)[1] == LIMIT - 1000 - 1


def test_a_restart_with_all_it_knew_goes_unnoticed(world: World) -> None:
    world.spend(world.one, 100)
    world.one.checkpoint()
    newcomer = world.store()
    newcomer.checkpoint()
    assert world.ask(newcomer, 5, least=1) == (1, LIMIT - 101)


def test_what_cannot_be_saved_is_saved_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.spend(world.one, 100)
    with monkeypatch.context() as patch:
        patch.setattr(DatabaseCheckpoints, "save", _refuse)
        with pytest.raises(OSError, match="full"):
            world.one.checkpoint()
    world.one.checkpoint()
    assert WindowCheckpoint.objects.exclude(pk="epoch").count() == 1


def test_what_is_over_is_not_kept(world: World) -> None:
    WindowCheckpoint.objects.create(key="old", ends=1, state="{}", saved_at=0)
    world.spend(world.one, 1)
    world.one.checkpoint()
    assert not WindowCheckpoint.objects.filter(pk="old").exists()


def test_a_redis_that_would_lose_quotas_is_told_so_at_the_start(redis_url: str) -> None:
    (forgets,) = advice(redis_url)
    assert forgets.startswith("Redis forgets what was used of plans when it is restarted (nothing is written to disk)")
    evicts = {"maxmemory": 1 << 30, "maxmemory_policy": "allkeys-lru", "aof_enabled": 1}
    (said,) = weaknesses(evicts, "")
    assert said.endswith("(maxmemory-policy allkeys-lru): set it to noeviction.")
    assert not weaknesses({**evicts, "maxmemory": 0}, "")
    assert "snapshot" in weaknesses({"aof_enabled": 0}, "3600 1")[0]
    assert advice("unix:///nowhere") == []


def _refuse(*_: object) -> None:
    raise OSError("full")
