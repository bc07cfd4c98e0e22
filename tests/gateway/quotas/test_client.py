"""The keeper: a ledger, a store in another thread, and an event loop in between. Real time, no assertion on speed."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from gateway.quotas.admission import Admission
from gateway.quotas.client import LeaseClient, PlanExceeded, PlanUnknown
from gateway.quotas.limits import OPEN, UNLIMITED, Period, PlanLimits, window_at
from gateway.quotas.rules import LeaseAnswer, LeaseRequest
from gateway.quotas.spent_file import SpentFile
from tests.gateway.metering_world import EPOCH, Line, MemoryStore
from tests.gateway.quotas.test_metering import admitted, messages

OFFSET = EPOCH - time.time()
DAY = window_at(Period.DAY, EPOCH)
QUOTA = "subscription:s:messages:day"


def clock() -> float:
    return time.time() + OFFSET


class StoreDown(Exception):
    """The store cannot be asked."""


class FrailStore(MemoryStore):
    """A store that may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False
        self.cannot_settle = False
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.calls = 0

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        self.calls += 1
        self.may_answer.wait(30)
        if self.is_down:
            raise StoreDown("nobody answers")
        return super().exchange(holder, requests, now)

    def reconcile(self, holder: str, spent: Mapping[int, int] | None) -> None:
        if self.cannot_settle:
            raise StoreDown("not for this one")
        super().reconcile(holder, spent)


@pytest.fixture
def store() -> FrailStore:
    return FrailStore()


@pytest.fixture
async def lease_client(store: FrailStore, tmp_path: Path) -> AsyncIterator[LeaseClient]:
    """One worker's keeper, started and in the end stopped."""
    made = LeaseClient(store, tmp_path, clock=clock)
    await made.start()
    yield made
    await made.stop()


async def enter(lease_client: LeaseClient, plan: PlanLimits, patience: float = 5.0) -> Admission:
    return await lease_client.enter(subscription=("s", plan), application=None, patience=patience)


def relayed(entry: Admission, clock: Callable[[], float] = clock) -> Line:
    """A line whose clock goes on."""
    return Line(entry, RunningClock(clock))


class RunningClock(list[float]):
    """What the simulated relay takes for its clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def __getitem__(self, place: object) -> float:  # type: ignore[override]
        return self._clock()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.01)


async def test_a_quota_is_spent_to_the_last_message_over_many_renewals(
    lease_client: LeaseClient, store: FrailStore
) -> None:
    line = relayed(await enter(lease_client, PlanLimits(quota=2_000)))
    while line.is_open:
        if not line.is_held:
            line.receive(messages(17))
        await asyncio.sleep(0)
    assert admitted(line.passed)[0] == 2_000


async def test_a_rate_goes_on_by_itself(lease_client: LeaseClient) -> None:
    line = relayed(await enter(lease_client, PlanLimits(rate=200, burst=1)))
    line.receive(messages(40))
    assert line.is_held
    await until(lambda: line.passed == line.sent)


async def test_without_limits_the_store_is_not_asked(lease_client: LeaseClient, store: FrailStore) -> None:
    await asyncio.sleep(0.05)
    before = store.calls
    entry = await enter(lease_client, UNLIMITED)
    line = relayed(entry)
    line.receive(messages(1_000))
    assert line.passed == line.sent
    await asyncio.sleep(0.3)
    entry.leave(clock())
    assert store.windows == {}
    assert before <= store.calls <= before + 5  # it says now and then that it lives


async def test_too_many_connections_are_refused_with_when_to_come_back(lease_client: LeaseClient) -> None:
    plan = PlanLimits(connections=2)
    await enter(lease_client, plan)
    await enter(lease_client, plan)
    with pytest.raises(PlanExceeded, match="The subscription's 2 connections are all in use") as refused:
        await enter(lease_client, plan)
    assert refused.value.retry_after == 1


async def test_a_quota_that_is_used_up_says_in_how_many_seconds_there_is_more(lease_client: LeaseClient) -> None:
    with pytest.raises(PlanExceeded) as refused:
        await enter(lease_client, PlanLimits(quota=0))
    assert 0 <= DAY.end - clock() - refused.value.retry_after + 1 <= 2


async def test_a_store_that_is_away_lets_nobody_in_whose_plan_it_would_have_to_check(
    lease_client: LeaseClient, store: FrailStore
) -> None:
    store.is_down = True
    with pytest.raises(PlanUnknown):
        await enter(lease_client, PlanLimits(quota=10), patience=0.05)
    await enter(lease_client, UNLIMITED, patience=0.05)
    store.is_down = False
    await enter(lease_client, PlanLimits(quota=10))


async def test_lines_outlive_a_store_that_is_away_and_the_log_says_so_once(
    lease_client: LeaseClient, store: FrailStore, caplog: pytest.LogCaptureFixture
) -> None:
    line = relayed(await enter(lease_client, PlanLimits(quota=100_000)))
    store.is_down = True
    with caplog.at_level(logging.INFO, "gateway.quotas"):
        line.receive(messages(1_000))
        await until(lambda: store.calls > 6)
        assert line.is_held
        store.is_down = False
        await until(lambda: line.passed == line.sent)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "nobody answers" in caplog.messages[0]


async def test_one_who_gives_up_while_waiting_is_forgotten(lease_client: LeaseClient, store: FrailStore) -> None:
    store.is_down = True
    waiting = asyncio.create_task(enter(lease_client, PlanLimits(quota=10, connections=1)))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    store.is_down = False
    await enter(lease_client, PlanLimits(quota=10, connections=1))


async def test_a_plan_that_changes_reaches_open_lines(lease_client: LeaseClient) -> None:
    line = relayed(await enter(lease_client, PlanLimits(rate=1, burst=1)))
    line.receive(messages(50))
    assert line.is_held
    lease_client.change("subscription:s", UNLIMITED)
    assert line.passed == line.sent


async def test_a_worker_that_stops_returns_everything(store: FrailStore, tmp_path: Path) -> None:
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    line = relayed(await enter(lease_client, PlanLimits(quota=1_000, connections=5)))
    line.receive(messages(3))
    await lease_client.stop()
    assert store.used([(QUOTA, DAY)]) == [(3, 0)]
    assert [usage.lent for usage in store.used(list(store.windows))] == [0, 0]
    assert list(tmp_path.iterdir()) == []


async def test_what_could_not_be_returned_is_settled_by_the_next_worker(store: FrailStore, tmp_path: Path) -> None:
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    line = relayed(await enter(lease_client, PlanLimits(quota=1_000)))
    line.receive(messages(3))
    store.is_down = True
    await lease_client.stop()
    store.is_down = False
    following = LeaseClient(store, tmp_path, clock=clock)
    await following.start()
    await until(lambda: store.used([(QUOTA, DAY)]) == [(3, 0)])
    await following.stop()


async def test_a_worker_that_lives_settles_for_one_that_has_died(
    lease_client: LeaseClient, store: FrailStore, tmp_path: Path
) -> None:
    dead = SpentFile(tmp_path, "dead")
    lease_id, cells, at = dead.allocate()
    store.exchange("dead", [LeaseRequest(lease_id, 1, QUOTA, DAY, 1_000, 0, 0, least=500)], clock())
    cells[at] = 123
    dead.abandon()
    await until(lambda: store.used([(QUOTA, DAY)]) == [(123, 0)])


async def test_two_workers_hand_over_to_each_other_what_is_left(store: FrailStore, tmp_path: Path) -> None:
    keepers = [LeaseClient(store, tmp_path, clock=clock) for _ in range(2)]
    for lease_client in keepers:
        await lease_client.start()
    lines = [relayed(await enter(lease_client, PlanLimits(quota=200))) for lease_client in keepers]
    await until(lambda: store.used([(QUOTA, DAY)])[0].lent == 32)
    lines[0].receive(messages(300))
    await until(lambda: not lines[0].is_open)
    assert admitted(lines[0].passed)[0] == 200
    for lease_client in keepers:
        await lease_client.stop()


class SettableClock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.offset = OFFSET

    def __call__(self) -> float:
        return time.time() + self.offset


@pytest.mark.parametrize("seconds", [-3600, -60, -2, 3600])
async def test_who_waits_for_a_rate_goes_on_though_the_clock_is_set(
    store: FrailStore, tmp_path: Path, seconds: float
) -> None:
    clock = SettableClock()
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    line = relayed(await enter(lease_client, PlanLimits(rate=50, burst=1)), clock)
    line.receive(messages(40))
    await until(lambda: len(line.passed) >= len(messages(8)))
    clock.offset += seconds
    async with asyncio.timeout(10):
        while line.passed != line.sent:
            await asyncio.sleep(0.01)
    await lease_client.stop()


async def test_a_minute_that_had_begun_by_a_clock_that_was_set_back_does_not_last_for_an_hour(
    store: FrailStore, tmp_path: Path
) -> None:
    clock = SettableClock()
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    plan = PlanLimits(quota=10, period=Period.MINUTE)
    clock.offset += 3600
    await lease_client.enter(subscription=("s", plan), application=None)
    clock.offset -= 3600
    entry = await lease_client.enter(subscription=("s", plan), application=None)
    await until(lambda: entry.accounts[0].quota is not None and entry.accounts[0].quota.resets_at < clock() + 61)
    line = relayed(entry, clock)
    line.receive(messages(30))
    await until(lambda: not line.is_open)
    assert line.over
    assert line.over.resets_at < clock() + 61
    await lease_client.stop()


async def test_a_store_that_has_forgotten_is_told_of_connections_that_only_stay_open(
    store: FrailStore, tmp_path: Path
) -> None:
    keepers = [LeaseClient(store, tmp_path, clock=clock) for _ in range(2)]
    for lease_client in keepers:
        await lease_client.start()
    plan = PlanLimits(connections=3)
    for _ in range(3):
        await enter(keepers[0], plan)
    await until(lambda: store.used([("subscription:s:connections", OPEN)])[0].spent == 3)
    store.windows.clear()
    store.leases.clear()
    store.seen.clear()
    await until(lambda: store.used([("subscription:s:connections", OPEN)])[0].spent == 3)
    with pytest.raises(PlanExceeded):
        await enter(keepers[1], plan)
    for lease_client in keepers:
        await lease_client.stop()


async def test_a_store_that_cannot_settle_for_others_still_lends(
    store: FrailStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "dead").write_bytes(b"")
    store.cannot_settle = True
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    line = relayed(await enter(lease_client, PlanLimits(quota=100_000)))
    line.receive(messages(2_000))
    await until(lambda: line.passed == line.sent)
    await asyncio.sleep(2.2)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    store.cannot_settle = False
    await until(lambda: not (tmp_path / "dead").exists())
    await lease_client.stop()


async def test_a_folder_that_cannot_be_written_does_not_loosen_a_plan(store: FrailStore, tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("in the way")
    lease_client = LeaseClient(store, tmp_path / "leases", clock=clock)
    await lease_client.start()
    for _ in range(2):
        line = relayed(await enter(lease_client, PlanLimits(quota=500)))
        line.receive(messages(300))
        await until(lambda line=line: not line.is_open or line.passed == line.sent)  # type: ignore[misc]
    assert store.used([(QUOTA, DAY)])[0].spent <= 500
    with pytest.raises(PlanExceeded):
        await enter(lease_client, PlanLimits(quota=500))
    await lease_client.stop()


async def test_a_store_that_does_not_answer_is_complained_of_once_and_all_goes_on_when_it_does(
    store: FrailStore, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.quotas.client.LATE_SECONDS", 0.2)
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    line = relayed(await enter(lease_client, PlanLimits(quota=100_000)))
    store.may_answer.clear()
    with caplog.at_level(logging.INFO, "gateway.quotas"):
        line.receive(messages(1_000))
        await until(lambda: bool(caplog.records))
        await asyncio.sleep(0.5)
        assert line.is_held
        store.may_answer.set()
        await until(lambda: line.passed == line.sent)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "no answer for 0.2 s" in caplog.messages[0]
    await lease_client.stop()
