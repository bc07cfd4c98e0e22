"""A rate, kept by one worker and by several, and shared alike."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import Meter
from gateway.quotas.rate import RateReservation
from gateway.relay.frames import FrameScanner
from gateway.relay.throttle import MOST_FRAMES, FrameLimiter
from publisher.plan_terms import ExceededAction
from tests.gateway.metering_world import EPOCH, Clock, MemoryStore, Relayed, SimulatedWorker
from tests.gateway.quotas.streams import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    admitted,
    frame,
    messages,
)
from tests.gateway.quotas.worlds import OneWorker, SaturatedRate


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(("rate", "burst"), [(10, None), (100, None), (60, 1), (1000, None), (40, 20)])
def test_a_saturated_rate_is_kept_within_two_percent_and_nothing_is_lost(
    workers: int, rate: int, burst: int | None
) -> None:
    traffic = SaturatedRate(PlanLimits(rate=rate, burst=burst), workers)
    passed = traffic.run(10)
    at_once = PlanLimits(rate=rate, burst=burst).burst_messages
    assert rate * 10 * 0.98 <= passed - at_once <= rate * 10 * 1.0001 + 1
    for flow in traffic.flows:
        assert flow.sent.startswith(flow.passed)
        assert admitted(flow.passed)[0] > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slow_store_does_not_slow_a_rate_down(workers: int) -> None:
    traffic = SaturatedRate(PlanLimits(rate=100, burst=1), workers)
    traffic.run(1, delay=0.04)
    assert 1_000 * 0.98 <= traffic.run(10, delay=0.04) <= 1_000 * 1.02


def test_connections_of_one_rate_share_it_fairly() -> None:
    traffic = SaturatedRate(PlanLimits(rate=100), 1, flows=10)
    traffic.run(20)
    counts = [admitted(flow.passed)[0] for flow in traffic.flows]
    assert max(counts) - min(counts) <= 15


@pytest.mark.parametrize("plan", [PlanLimits(quota=10_000), PlanLimits(rate=50)])
def test_nobody_who_waits_is_forgotten(plan: PlanLimits) -> None:
    """The last of what was lent goes to one who then has nothing more to send; the others still get theirs."""
    world = OneWorker(plan)
    flows = [world.connect() for _ in range(20)]
    for flow in flows:
        flow.receive(messages(5))
    world.run(3)
    assert all(flow.passed == flow.sent for flow in flows)


def test_a_worker_that_dies_takes_no_more_of_a_rate_than_it_had_reserved() -> None:
    traffic = SaturatedRate(PlanLimits(rate=100), 2)
    traffic.run(5)
    traffic.workers.pop().die()
    assert 1_000 - 100 <= traffic.run(10) <= 1_000 + 20


@pytest.mark.parametrize("rate", [10, 100, 1000])
@pytest.mark.parametrize("second", [1, 5, 9])
def test_workers_whose_connections_wait_for_one_rate_come_off_alike(rate: int, second: int) -> None:
    store, clock = MemoryStore(), Clock()
    workers = [SimulatedWorker(name, store, EPOCH) for name in "ab"]
    flows = [
        Relayed(workers[number < second].enter(EPOCH, PlanLimits(rate=rate)), clock).client for number in range(10)
    ]
    for flow in flows:
        flow.receive(messages(12 * rate))
    for step in range(10_000):
        clock.now = EPOCH + step / 1000
        for worker in workers:
            if step % 8 == 0:
                worker.look(clock.now)
            worker.lease_state.tick(clock.now)
    counts = [admitted(flow.passed)[0] for flow in flows]
    halves = sum(counts[:second]), sum(counts[second:])
    assert sum(counts) == pytest.approx(10 * rate, rel=0.03, abs=rate // 10 + 1)
    assert min(halves) > 0.35 * sum(halves)
    assert max(counts[:second]) - min(counts[:second]) <= rate // 5 + 2
    assert max(counts[second:]) - min(counts[second:]) <= rate // 5 + 2


def test_very_many_subscriptions_that_wait_for_their_rates_do_not_hold_each_other_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refreshed, refresh = Counter[str](), RateReservation.refresh

    def counted(rate: RateReservation, now: float) -> None:
        refreshed[rate.terms.key] += 1
        refresh(rate, now)

    monkeypatch.setattr(RateReservation, "refresh", counted)
    worker, clock, flows = SimulatedWorker("a", MemoryStore(), EPOCH), Clock(), []
    for number in range(2000):
        clock.now = EPOCH + number / 20_000
        flows.append(Relayed(worker.enter(clock.now, PlanLimits(rate=10, burst=1), who=str(number)), clock).client)
        flows[-1].receive(messages(100))
        if number % 10 == 0:
            worker.look(clock.now)
    while clock.now < EPOCH + 1.1:
        clock.now = max(clock.now + 0.001, min(worker.lease_state.due(), worker.lease_state.asks_at()))
        worker.look(clock.now)
    assert max(refreshed.values()) < 120, "each is looked at for what happens under it, not for what others wait for"
    assert all(10 <= admitted(flow.passed)[0] <= 13 for flow in flows)


def test_a_flood_of_answers_to_our_pings_costs_no_more_than_other_frames() -> None:
    scanner = FrameScanner(masked=True, awaited=bytes(8))
    flood = (frame(PONG, 8) + frame(BINARY)) * 100_000
    limiter, at, turns = FrameLimiter(scanner, Meter()), 0, 0
    while at < len(flood):
        result = limiter.filter(flood[at : at + 1_000_000], EPOCH)
        assert result.parts == [(0, result.end)]
        assert len(scanner.controls) <= MOST_FRAMES, "what is noted of them is gone through for each chunk"
        scanner.controls.clear()
        at, turns = at + result.end, turns + 1
    assert turns == 200_000 // MOST_FRAMES


def test_so_many_frames_are_filtered_at_once_and_no_more() -> None:
    flood = frame(TEXT, 1, final=False) + frame(CONTINUATION, 1, final=False) * 9_999
    limiter = FrameLimiter(FrameScanner(masked=True), Meter())
    at = cuts = 0
    while at < len(flood):
        result = limiter.filter(flood[at:], EPOCH)
        assert result.end == min(MOST_FRAMES * 7, len(flood) - at)
        assert result.parts == [(0, result.end)]
        at, cuts = at + result.end, cuts + result.is_cut
    assert cuts == 4


def test_a_few_messages_now_and_then_never_wait() -> None:
    world = OneWorker(PlanLimits(rate=100))
    flow = world.connect()
    for _ in range(50):
        world.step(0.1)
        flow.receive(messages(1))
        assert flow.passed == flow.sent
        world.step()


def test_a_burst_passes_at_once_after_a_pause() -> None:
    world = OneWorker(PlanLimits(rate=10, burst=30))
    flow = world.connect()
    world.run(10)
    flow.receive(messages(40))
    for _ in range(5):
        world.step(0.001)
    assert 30 <= admitted(flow.passed)[0] <= 30 + 30 // 8
    world.run(0.5)
    assert 34 <= admitted(flow.passed)[0] <= 40


@pytest.mark.parametrize("workers", [1, 3])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_no_second_ever_has_more_than_the_rate_and_the_burst(workers: int, data: st.DataObject) -> None:
    """Whenever messages come: a worker may have one eighth of a burst ready, paid for before, and no more."""
    rate, burst = data.draw(st.sampled_from([(10, 1), (20, 8), (50, 5)]))
    traffic = SaturatedRate(PlanLimits(rate=rate, burst=burst), workers, flows=1)
    arrivals = data.draw(
        st.lists(st.tuples(st.integers(0, workers - 1), st.integers(1, 30), st.sampled_from([0.0, 0.01, 0.3, 2.0])))
    )
    log: list[float] = []
    unsent = [0] * workers
    for place, count, later in arrivals:
        unsent[place] += count
        end = traffic.clock.now + later
        while True:
            for worker, flow in zip(traffic.workers, traffic.flows, strict=True):
                before = admitted(flow.passed)[0]
                if unsent[traffic.flows.index(flow)] and not flow.is_held:
                    flow.receive(messages(unsent[traffic.flows.index(flow)]))
                    unsent[traffic.flows.index(flow)] = 0
                worker.look(traffic.clock.now)
                log += [traffic.clock.now] * (admitted(flow.passed)[0] - before)
            if traffic.clock.now >= end:
                break
            traffic.clock.now += 0.01
    most = (
        rate + burst + workers * max(1, burst // 8) + 0.35 * rate + 1
    )  # lapses a quarter second late, looked at ten times a second
    for first, moment in enumerate(log):
        assert sum(moment <= other < moment + 1 for other in log[first:]) <= most


@pytest.mark.parametrize("action", [ExceededAction.DROP, ExceededAction.CLOSE])
def test_over_the_rate_a_plan_may_drop_or_close_instead_of_waiting(action: ExceededAction) -> None:
    world = OneWorker(PlanLimits(rate=20, burst=5, over_rate=action))
    flow = world.connect()
    flow.receive(messages(12) + frame(PING, 1))
    world.step(0.001)
    world.step(0.001)
    assert 5 <= admitted(flow.passed)[0] <= 6
    if action is ExceededAction.CLOSE:
        assert not flow.is_open
        assert flow.reason == "More than the subscription's 20 messages a second."
    else:
        assert flow.passed.endswith(frame(PING, 1))
        assert flow.counted == admitted(flow.passed)


def test_a_flood_that_is_dropped_still_gets_its_rate() -> None:
    world = OneWorker(PlanLimits(rate=50, over_rate=ExceededAction.DROP))
    flow = world.connect()
    for _ in range(1_000):
        if not flow.is_held:
            flow.receive(messages(5))
        world.step(0.01)
    assert 500 * 0.98 <= admitted(flow.passed)[0] <= 500 * 1.02 + 5
