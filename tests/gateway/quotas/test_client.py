"""The lease client: leases, a store in another thread, and an event loop in between. Real time, none of it asserted."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from core.clock import SharedClock
from gateway.database import WriteMark
from gateway.quotas.admission import Admission
from gateway.quotas.chores import Chores
from gateway.quotas.client import LeaseClient, PlanExceeded, PlanUnknown
from gateway.quotas.limits import OPEN, UNLIMITED, PlanLimits, window_at
from gateway.quotas.rules import LeaseAnswer, LeaseRequest, api_account
from gateway.quotas.spent_file import SpentFile
from gateway.quotas.state import Batch, PlanOf
from publisher.plan_terms import QuotaPeriod
from tests.gateway.metering_world import EPOCH, Flow, MemoryStore, Relayed
from tests.gateway.quotas.streams import admitted, messages

OFFSET = EPOCH - time.time()
DAY = window_at(QuotaPeriod.DAY, EPOCH)
NOTHING = Batch([], [])
QUOTA = "application:a:api:s:messages:day"


def clock() -> float:
    return time.time() + OFFSET


class StoreDown(Exception):
    """The store cannot be asked."""


class FrailStore(MemoryStore):
    """A store that may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.is_down = False
        self.cannot_reconcile = False
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.calls = self.requests = self.watched = self.refused = 0

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        self.calls += 1
        self.requests += len(requests)
        self.may_answer.wait(30)
        if self.is_down:
            raise StoreDown("nobody answers")
        return super().exchange(holder, requests, now)

    def contended(self, holder: str, now: float) -> list[int]:
        self.watched += 1
        return super().contended(holder, now)

    def reconcile(self, holder: str, spent: Mapping[int, int] | None) -> None:
        if self.cannot_reconcile:
            self.refused += 1
            raise StoreDown("not for this one")
        super().reconcile(holder, spent)


@pytest.fixture
def store() -> FrailStore:
    return FrailStore()


@pytest.fixture
async def lease_client(store: FrailStore, tmp_path: Path) -> AsyncIterator[LeaseClient]:
    """One worker's lease client, started and in the end stopped."""
    made = LeaseClient(store, tmp_path, clock=clock)
    await made.start()
    yield made
    await made.stop()


async def enter(lease_client: LeaseClient, plan: PlanLimits, patience: float = 5.0) -> Admission:
    return await lease_client.enter(
        subscription=PlanOf(api_account("a", "s"), plan), application=None, patience=patience
    )


def relayed(admission: Admission, clock: Callable[[], float] = clock) -> Flow:
    """What the client of a connection sends that was let in."""
    return Relayed(admission, clock).client


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.01)


async def test_a_quota_is_spent_to_the_last_message_over_many_renewals(
    lease_client: LeaseClient, store: FrailStore
) -> None:
    flow = relayed(await enter(lease_client, PlanLimits(quota=2_000)))
    while flow.is_open:
        if not flow.is_held:
            flow.receive(messages(17))
        await asyncio.sleep(0)
    assert admitted(flow.passed)[0] == 2_000


async def test_workers_of_hosts_that_are_eight_seconds_apart_reckon_by_one_time(
    store: FrailStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "time", clock)
    plan = PlanLimits(rate=20, burst=1)
    clocks = [SharedClock("store", own=lambda ahead=ahead: clock() + ahead) for ahead in (0.0, 8.0)]  # type: ignore[misc]
    clients = [LeaseClient(store, tmp_path, clock=each) for each in clocks]
    for each in clients:
        await each.start()
    assert abs(clocks[0]() - clocks[1]()) < 0.5
    flows = [relayed(await enter(each, plan), own) for each, own in zip(clients, clocks, strict=True)]
    begun = clock()
    for flow in flows:
        flow.receive(messages(8))
    await until(lambda: all(flow.passed == flow.sent for flow in flows))
    assert clock() - begun > 14 / 20  # no sooner, for both together
    for each in clients:
        await each.stop()


async def test_a_rate_goes_on_by_itself(lease_client: LeaseClient) -> None:
    flow = relayed(await enter(lease_client, PlanLimits(rate=200, burst=1)))
    flow.receive(messages(40))
    assert flow.is_held
    await until(lambda: flow.passed == flow.sent)


async def test_without_limits_the_store_is_not_asked(lease_client: LeaseClient, store: FrailStore) -> None:
    flow = relayed(await enter(lease_client, UNLIMITED))
    flow.receive(messages(1_000))
    assert flow.passed == flow.sent
    await until(lambda: store.watched >= 3)  # it says now and then that it lives
    flow.admission.leave(clock())
    assert store.windows == {}
    assert store.requests == 0


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


async def test_connections_outlive_a_store_that_is_away_and_the_log_says_so_once(
    lease_client: LeaseClient, store: FrailStore, caplog: pytest.LogCaptureFixture
) -> None:
    flow = relayed(await enter(lease_client, PlanLimits(quota=100_000)))
    store.is_down = True
    with caplog.at_level(logging.INFO, "gateway.quotas"):
        flow.receive(messages(1_000))
        await until(lambda: store.calls > 6)
        assert flow.is_held
        store.is_down = False
        await until(lambda: flow.passed == flow.sent)
    assert [record.levelname for record in caplog.records if record.name == "gateway.quotas"] == ["ERROR", "INFO"]
    assert "nobody answers" in caplog.messages[0]


async def test_one_who_gives_up_while_waiting_is_forgotten(lease_client: LeaseClient, store: FrailStore) -> None:
    store.is_down = True
    before = store.requests
    waiting = asyncio.create_task(enter(lease_client, PlanLimits(quota=10, connections=1)))
    await until(lambda: store.requests > before)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    store.is_down = False
    await enter(lease_client, PlanLimits(quota=10, connections=1))


async def test_a_plan_that_changes_reaches_open_connections(lease_client: LeaseClient) -> None:
    flow = relayed(await enter(lease_client, PlanLimits(rate=1, burst=1)))
    flow.receive(messages(50))
    assert flow.is_held
    lease_client.change("application:a:api:s", UNLIMITED)
    assert flow.passed == flow.sent


async def test_a_worker_that_stops_returns_everything(store: FrailStore, tmp_path: Path) -> None:
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    flow = relayed(await enter(lease_client, PlanLimits(quota=1_000, connections=5)))
    flow.receive(messages(3))
    await lease_client.stop()
    assert store.used([(QUOTA, DAY)]) == [(3, 0)]
    assert [usage.lent for usage in store.used(list(store.windows))] == [0, 0]
    assert list(tmp_path.iterdir()) == []


async def test_what_could_not_be_returned_is_returned_by_the_next_worker(store: FrailStore, tmp_path: Path) -> None:
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    flow = relayed(await enter(lease_client, PlanLimits(quota=1_000)))
    flow.receive(messages(3))
    store.is_down = True
    await lease_client.stop()
    store.is_down = False
    following = LeaseClient(store, tmp_path, clock=clock)
    await following.start()
    await until(lambda: store.used([(QUOTA, DAY)]) == [(3, 0)])
    await following.stop()


async def test_a_worker_that_lives_ends_the_leases_of_one_that_has_died(
    lease_client: LeaseClient, store: FrailStore, tmp_path: Path
) -> None:
    dead = SpentFile(tmp_path, "dead")
    lease_id, cells, at = dead.allocate()
    store.exchange("dead", [LeaseRequest(lease_id, 1, QUOTA, DAY, 1_000, 0, 0, least=500)], clock())
    cells[at] = 123
    dead.close(is_settled=False)
    await until(lambda: store.used([(QUOTA, DAY)]) == [(123, 0)])


async def test_two_workers_hand_over_to_each_other_what_is_left(store: FrailStore, tmp_path: Path) -> None:
    clients = [LeaseClient(store, tmp_path, clock=clock) for _ in range(2)]
    for lease_client in clients:
        await lease_client.start()
    flows = [relayed(await enter(lease_client, PlanLimits(quota=200))) for lease_client in clients]
    await until(lambda: store.used([(QUOTA, DAY)])[0].lent == 32)
    flows[0].receive(messages(300))
    await until(lambda: not flows[0].is_open)
    assert admitted(flows[0].passed)[0] == 200
    for lease_client in clients:
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
    flow = relayed(await enter(lease_client, PlanLimits(rate=50, burst=1)), clock)
    flow.receive(messages(40))
    await until(lambda: len(flow.passed) >= len(messages(8)))
    clock.offset += seconds
    async with asyncio.timeout(10):
        while flow.passed != flow.sent:
            await asyncio.sleep(0.01)
    await lease_client.stop()


async def test_a_minute_that_had_begun_by_a_clock_that_was_set_back_does_not_last_for_an_hour(
    store: FrailStore, tmp_path: Path
) -> None:
    clock = SettableClock()
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    plan = PlanLimits(quota=10, period=QuotaPeriod.MINUTE)
    clock.offset += 3600
    await lease_client.enter(subscription=PlanOf(api_account("a", "s"), plan), application=None)
    clock.offset -= 3600
    admission = await lease_client.enter(subscription=PlanOf(api_account("a", "s"), plan), application=None)
    await until(
        lambda: admission.accounts[0].quota is not None and admission.accounts[0].quota.lease.window.end < clock() + 61
    )
    flow = relayed(admission, clock)
    flow.receive(messages(30))
    await until(lambda: not flow.is_open)
    assert flow.code == 4003
    await lease_client.stop()


async def test_a_store_that_has_forgotten_is_told_of_connections_that_only_stay_open(
    store: FrailStore, tmp_path: Path
) -> None:
    clients = [LeaseClient(store, tmp_path, clock=clock) for _ in range(2)]
    for lease_client in clients:
        await lease_client.start()
    plan = PlanLimits(connections=3)
    for _ in range(3):
        await enter(clients[0], plan)
    await until(lambda: store.used([("application:a:api:s:connections", OPEN)])[0].spent == 3)
    store.windows.clear()
    store.leases.clear()
    store.seen.clear()
    await until(lambda: store.used([("application:a:api:s:connections", OPEN)])[0].spent == 3)
    with pytest.raises(PlanExceeded):
        await enter(clients[1], plan)
    for lease_client in clients:
        await lease_client.stop()


async def test_a_store_that_cannot_reconcile_for_others_still_lends(
    store: FrailStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "dead").write_bytes(b"")
    store.cannot_reconcile = True
    lease_client = LeaseClient(store, tmp_path, clock=clock)
    await lease_client.start()
    flow = relayed(await enter(lease_client, PlanLimits(quota=100_000)))
    flow.receive(messages(2_000))
    await until(lambda: flow.passed == flow.sent)
    await until(lambda: store.refused >= 3)
    assert [record.levelname for record in caplog.records if record.name == "gateway.quotas"] == ["ERROR"]
    store.cannot_reconcile = False
    await until(lambda: not (tmp_path / "dead").exists())
    await lease_client.stop()


async def test_a_folder_that_cannot_be_written_does_not_loosen_a_plan(store: FrailStore, tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("in the way")
    lease_client = LeaseClient(store, tmp_path / "leases", clock=clock)
    await lease_client.start()
    for _ in range(2):
        flow = relayed(await enter(lease_client, PlanLimits(quota=500)))
        flow.receive(messages(300))
        await until(lambda flow=flow: not flow.is_open or flow.passed == flow.sent)  # type: ignore[misc]
    assert store.used([(QUOTA, DAY)])[0].spent <= 500
    with pytest.raises(PlanExceeded):
        await enter(lease_client, PlanLimits(quota=500))
    await lease_client.stop()


async def test_a_client_that_nothing_is_due_for_looks_again_while_its_question_is_under_way(
    store: FrailStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looks = 0

    def counting() -> float:
        nonlocal looks
        looks += 1
        return clock()

    lease_client = LeaseClient(store, tmp_path, clock=counting)
    await lease_client.start()
    await until(lambda: looks >= 6)
    await lease_client.stop()
    assert not caplog.records


async def test_a_store_that_does_not_answer_is_complained_of_once_and_all_goes_on_when_it_does(
    store: FrailStore, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.quotas.client.LATE_SECONDS", 0.2)
    looks = 0

    def counting() -> float:
        nonlocal looks
        looks += 1
        return clock()

    lease_client = LeaseClient(store, tmp_path, clock=counting)
    await lease_client.start()
    flow = relayed(await enter(lease_client, PlanLimits(quota=100_000)))
    store.may_answer.clear()
    with caplog.at_level(logging.INFO, "gateway.quotas"):
        flow.receive(messages(1_000))
        await until(lambda: bool(caplog.records))
        enough = looks + 4
        await until(lambda: looks >= enough)
        assert flow.is_held
        store.may_answer.set()
        await until(lambda: flow.passed == flow.sent)
    assert [record.levelname for record in caplog.records if record.name == "gateway.quotas"] == ["ERROR", "INFO"]
    assert "no answer for 0.2 s" in caplog.messages[0]
    await lease_client.stop()


class Mark(WriteMark):
    """What the database stands at: whatever a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.stands: int | None = 0

    def known(self) -> int | None:
        return self.stands


def spared(store: FrailStore, folder: Path) -> Chores:
    """What was asked at EPOCH, where nobody has written since."""
    made = Chores(store, "me", folder, lambda: None)
    assert made.ask(NOTHING, True, EPOCH, is_last=False, mark=0).contended == []
    made.look_after_others(EPOCH)
    return made


def test_who_is_alone_and_has_heard_of_nobody_who_writes_has_nothing_to_ask(store: FrailStore, tmp_path: Path) -> None:
    chores, mark = spared(store, tmp_path), Mark()
    for tenth in range(1, 39):
        now = EPOCH + tenth / 10
        chores.spare(now, mark)
        assert chores.due(holds_leases=True) > now
    chores.spare(EPOCH + 4, mark)
    assert chores.asks_at() <= EPOCH + 4, "others wait for it only so long without a sign of life"


def test_as_soon_as_anybody_may_have_written_it_is_asked_who_waits_and_a_sign_of_life_is_given(
    store: FrailStore, tmp_path: Path
) -> None:
    chores, mark = spared(store, tmp_path), Mark()
    assert not chores.is_news(mark)
    for mark.stands in (1, None):
        assert chores.is_news(mark)
        chores.spare(EPOCH + 1, mark)
        assert chores.asks_at() <= EPOCH + 1
        chores.spare(EPOCH + 2, mark)
        assert chores.next.beat <= EPOCH + 2


def test_where_there_is_another_worker_it_is_seen_whether_it_lives(store: FrailStore, tmp_path: Path) -> None:
    chores = spared(store, tmp_path)
    chores.spare(EPOCH + 1, None)
    assert chores.due(holds_leases=False) > EPOCH + 1
    other = SpentFile(tmp_path, "other")
    chores.spare(EPOCH + 2, None)
    assert chores.due(holds_leases=False) <= EPOCH + 2
    other.close()


def test_a_clock_that_is_set_back_does_not_put_off_the_sign_of_life(store: FrailStore, tmp_path: Path) -> None:
    chores, now = spared(store, tmp_path), EPOCH - 3600
    chores.clock_set(now)
    chores.spare(now, Mark())
    assert chores.next.beat <= now


async def test_a_silent_client_asks_nothing_until_somebody_has_written_and_then_at_the_next_beat(
    store: FrailStore, tmp_path: Path
) -> None:
    mark = Mark()
    lease_client = LeaseClient(store, tmp_path, clock=clock, mark=mark)
    await lease_client.start()
    await enter(lease_client, PlanLimits(quota=100_000, rate=1000, burst=1000))
    await until(lambda: lease_client.lease_state.rounds.is_calm and not lease_client.chores.is_news(mark))
    begun, watched = clock(), store.watched
    mark.stands = 1
    await until(lambda: store.watched > watched)
    assert clock() - begun < 10
    await lease_client.stop()


async def test_who_begins_to_send_after_a_silence_is_supplied_before_he_has_to_wait(
    store: FrailStore, tmp_path: Path
) -> None:
    lease_client = LeaseClient(store, tmp_path, clock=clock, mark=Mark())
    await lease_client.start()
    flow = relayed(await enter(lease_client, PlanLimits(rate=1000, burst=1000)))
    await until(lambda: lease_client.lease_state.rounds.is_calm)
    flow.receive(messages(1))
    assert lease_client.lease_state.rounds.is_stirring()
    assert not lease_client.lease_state.rounds.is_calm
    assert lease_client.lease_state.due() <= clock()
    await lease_client.stop()
