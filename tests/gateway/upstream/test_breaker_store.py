"""What several workers know of a backend that fails is one: counted, suspended and probed as if by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from django.db import OperationalError

from gateway.database import DatabaseThread
from gateway.models import BreakerRecord
from gateway.upstream import breaker_store
from gateway.upstream.breaker import BreakerReport, BreakerState, CircuitBreaker, merge
from gateway.upstream.breaker_store import PROBE_GRACE, SharedBreaker
from publisher.endpoint import EndpointOptions
from tests.gateway.builders import NOW

HERE, THERE = "echo ws://a.test", "echo ws://b.test"
OPTIONS = EndpointOptions(suspend_after=3, suspend_initial=30, suspend_factor=2, suspend_maximum=100)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Broken:
    """A database that is away while `is_away`."""

    def __init__(self, run: DatabaseThread) -> None:
        self.run = run
        self.is_away = False

    async def __call__(self, work: Callable[[], Any]) -> Any:
        if self.is_away:
            raise OperationalError("the database is away")
        return await self.run(work)


class Cluster:
    """Two workers with one database."""

    def __init__(self, runs: list[DatabaseThread]) -> None:
        self.clock = Clock()
        self.databases = [Broken(run) for run in runs]
        self.one, self.two = (SharedBreaker(run=run, clock=self.clock) for run in self.databases)

    async def exchange(self) -> None:
        """Everybody tells and learns."""
        for worker in (self.one, self.two, self.one):
            await worker.exchange()

    async def waits(self, address: str = HERE) -> tuple[float, float]:
        """What each worker is told when it asks to dial. Whoever may, gives it up again."""
        found = []
        for worker in (self.one, self.two):
            found.append(await worker.begin(address, OPTIONS))
            if not found[-1]:
                worker.abandoned(address)
        return found[0], found[1]

    async def suspended(self) -> None:
        """The first suspension, known to both."""
        for _ in range(3):
            self.one.failed(HERE, OPTIONS)
        await self.exchange()


@pytest_asyncio.fixture
async def cluster(transactional_db: None) -> AsyncIterator[Cluster]:
    runs = [DatabaseThread("one"), DatabaseThread("two")]
    yield Cluster(runs)
    for run in runs:
        await asyncio.to_thread(run.close)


async def test_what_one_worker_suspends_the_others_leave_alone(cluster: Cluster) -> None:
    await cluster.suspended()
    assert await cluster.waits() == (30, 30)
    assert await cluster.waits(THERE) == (0, 0)


async def test_failures_at_several_workers_count_together(cluster: Cluster) -> None:
    for worker in (cluster.one, cluster.two):
        worker.failed(HERE, OPTIONS)
    await cluster.exchange()
    assert await cluster.waits() == (0, 0)
    cluster.two.failed(HERE, OPTIONS)
    assert (await cluster.waits())[1] == 30
    await cluster.exchange()
    assert await cluster.waits() == (30, 30)


async def test_failures_that_only_together_are_too_many_suspend_for_everybody(cluster: Cluster) -> None:
    for worker in (cluster.one, cluster.two):
        worker.failed(HERE, OPTIONS)
        worker.failed(HERE, OPTIONS)
    await cluster.exchange()
    assert await cluster.waits() == (30, 30)


async def test_a_worker_that_came_too_late_for_a_probe_may_take_the_next(cluster: Cluster) -> None:
    await cluster.suspended()
    cluster.clock.now += 30
    assert await cluster.one.begin(HERE, OPTIONS) == 0
    assert await cluster.two.begin(HERE, OPTIONS) == 1
    cluster.clock.now += OPTIONS.connect_timeout + PROBE_GRACE + 1
    assert await cluster.two.begin(HERE, OPTIONS) == 0


async def test_a_success_anywhere_starts_the_count_again_everywhere(cluster: Cluster) -> None:
    for _ in range(2):
        cluster.one.failed(HERE, OPTIONS)
    await cluster.exchange()
    cluster.two.succeeded(HERE)
    await cluster.exchange()
    assert not await cluster.databases[0].run(BreakerRecord.objects.exists)
    cluster.one.failed(HERE, OPTIONS)
    await cluster.exchange()
    assert await cluster.waits() == (0, 0)


async def test_after_the_rest_one_worker_looks_and_the_other_waits(cluster: Cluster) -> None:
    await cluster.suspended()
    cluster.clock.now += 30
    assert await cluster.one.begin(HERE, OPTIONS) == 0
    assert await cluster.two.begin(HERE, OPTIONS) == 1
    assert await cluster.one.begin(HERE, OPTIONS) == 1
    await cluster.exchange()
    assert await cluster.two.begin(HERE, OPTIONS) == 1


async def test_two_workers_that_ask_at_once_do_not_both_look(cluster: Cluster) -> None:
    await cluster.suspended()
    cluster.clock.now += 30
    found = await asyncio.gather(*(worker.begin(HERE, OPTIONS) for worker in (cluster.one, cluster.two) * 3))
    assert found.count(0) == 1


async def test_what_the_look_finds_is_known_to_all(cluster: Cluster) -> None:
    await cluster.suspended()
    cluster.clock.now += 30
    assert await cluster.two.begin(HERE, OPTIONS) == 0
    cluster.two.failed(HERE, OPTIONS)
    await cluster.exchange()
    assert await cluster.waits() == (60, 60)
    cluster.clock.now += 60
    assert await cluster.one.begin(HERE, OPTIONS) == 0
    cluster.one.succeeded(HERE)
    await cluster.exchange()
    assert await cluster.waits() == (0, 0)


async def test_a_look_that_was_given_up_lets_another_worker_look(cluster: Cluster) -> None:
    await cluster.suspended()
    cluster.clock.now += 30
    assert await cluster.one.begin(HERE, OPTIONS) == 0
    cluster.one.abandoned(HERE)
    await cluster.exchange()
    assert await cluster.two.begin(HERE, OPTIONS) == 0


async def test_a_worker_that_dies_while_it_looks_is_not_waited_for_for_ever(cluster: Cluster) -> None:
    await cluster.suspended()
    cluster.clock.now += 30
    assert await cluster.one.begin(HERE, OPTIONS) == 0
    cluster.clock.now += OPTIONS.connect_timeout + PROBE_GRACE
    assert await cluster.two.begin(HERE, OPTIONS) == 0


async def test_one_who_was_told_to_wait_does_not_give_away_the_others_look(cluster: Cluster) -> None:
    await cluster.suspended()
    cluster.clock.now += 30
    assert await cluster.one.begin(HERE, OPTIONS) == 0
    for _ in range(3):
        assert await cluster.two.begin(HERE, OPTIONS) == 1
        await cluster.exchange()


async def test_while_the_database_is_away_a_worker_goes_by_its_own_experience_and_tells_it_later(
    cluster: Cluster,
) -> None:
    cluster.databases[0].is_away = True
    await cluster.suspended()
    assert await cluster.waits() == (30, 0)
    cluster.clock.now += 30
    assert await cluster.one.begin(HERE, OPTIONS) == 0
    cluster.one.failed(HERE, OPTIONS)
    cluster.databases[0].is_away = False
    await cluster.exchange()
    assert await cluster.waits() == (60, 60)


async def test_news_travels_by_itself(cluster: Cluster) -> None:
    tasks = [asyncio.create_task(worker.share()) for worker in (cluster.one, cluster.two)]
    try:
        for _ in range(3):
            cluster.one.failed(HERE, OPTIONS)
        async with asyncio.timeout(10):
            while not await cluster.two.begin(HERE, OPTIONS):
                cluster.two.abandoned(HERE)
                await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_who_suspends_an_address_does_not_wait_for_the_beat_to_say_so(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker_store, "SHARE_SECONDS", 3600.0)
    sharing = asyncio.create_task(cluster.one.share())
    try:
        await asyncio.sleep(0)
        for _ in range(3):
            cluster.one.failed(HERE, OPTIONS)
        async with asyncio.timeout(10):
            while not await cluster.databases[0].run(BreakerRecord.objects.exists):
                await asyncio.sleep(0.01)
    finally:
        sharing.cancel()
        await asyncio.gather(sharing, return_exceptions=True)


async def test_addresses_of_long_ago_are_forgotten(cluster: Cluster) -> None:
    cluster.one.failed(THERE, OPTIONS)
    await cluster.exchange()
    cluster.clock.now += 9 * 24 * 3600
    cluster.one.failed(HERE, OPTIONS)
    await cluster.exchange()
    left = await cluster.databases[0].run(lambda: list(BreakerRecord.objects.values_list("address", flat=True)))
    assert left == [HERE]


def test_news_of_a_recovery_counts_before_later_failures() -> None:
    known = BreakerState(HERE, 5, 60.0, NOW)
    assert merge(known, BreakerReport(HERE, has_recovered=True), NOW) is None
    report = BreakerReport(HERE, has_recovered=True, failures=1, after=3, initial=30)
    assert merge(known, report, NOW) == BreakerState(HERE, 1)


def test_a_shorter_suspension_than_the_one_known_is_no_news() -> None:
    known = BreakerState(HERE, 3, 60.0, NOW + 60)
    report = BreakerReport(HERE, failures=1, pause=30.0, until=NOW + 30, after=3, initial=30)
    assert merge(known, report, NOW) == BreakerState(HERE, 4, 60.0, NOW + 60)


async def test_what_was_not_told_yet_is_not_overwritten_by_what_is_known() -> None:
    own = CircuitBreaker(Clock())
    for _ in range(3):
        own.failed(HERE, OPTIONS)
    own.adopt([])
    assert await own.begin(HERE, OPTIONS) == 30
    reports = own.reports()
    own.take_back(reports)
    own.adopt([])
    assert own.reports() == reports
    own.adopt([])
    assert await own.begin(HERE, OPTIONS) == 0


async def test_a_success_that_was_not_told_yet_stands_against_older_knowledge() -> None:
    news = list[None]()
    own = CircuitBreaker(Clock(), lambda: news.append(None))
    own.adopt([BreakerState(HERE, 3, 30.0, NOW)])
    own.succeeded(HERE)
    assert news == [None]
    own.adopt([BreakerState(HERE, 3, 30.0, NOW + 30)])
    assert await own.begin(HERE, OPTIONS) == 0
    assert own.reports() == [BreakerReport(HERE, has_recovered=True)]


async def test_a_clock_that_was_set_back_does_not_make_a_rest_longer_than_it_is() -> None:
    clock = Clock()
    own = CircuitBreaker(clock)
    own.adopt([BreakerState(HERE, 3, 30.0, NOW + 30)])
    clock.now -= 3600
    assert await own.begin(HERE, OPTIONS) == 30
