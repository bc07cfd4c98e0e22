"""What a worker holds of a quota, and gives back."""

from __future__ import annotations

from gateway.quotas.admission import Admission
from gateway.quotas.limits import PlanLimits, window_at
from gateway.quotas.quota import IDLE_SECONDS, Quota
from publisher.plan_terms import QuotaPeriod, QuotaUnit
from tests.gateway.metering_world import EPOCH, Relayed
from tests.gateway.quotas.streams import (
    admitted,
    messages,
)
from tests.gateway.quotas.worlds import OneWorker, Workers


def test_what_was_not_spent_returns_soon_after_the_last_connection_has_gone() -> None:
    world = OneWorker(PlanLimits(quota=1_000))
    flow = world.connect()
    flow.receive(messages(3))
    world.run(0.2)
    flow.admission.leave(world.clock.now)
    world.run(2)
    assert world.store.used([("application:a:api:s:messages:day", window_at(QuotaPeriod.DAY, EPOCH))]) == [(3, 0)]
    assert world.worker.cells.counts == {}
    assert not world.worker.lease_state.holds_leases


def test_a_client_that_comes_back_at_once_finds_the_lease_in_place() -> None:
    world = OneWorker(PlanLimits(quota=1_000))
    for _ in range(5):
        flow = world.connect()
        flow.receive(messages(1))
        assert flow.passed == flow.sent
        flow.admission.leave(world.clock.now)
        world.run(0.3)
    assert len(world.worker.cells.counts) == 1


def test_a_large_lease_that_nobody_uses_shrinks() -> None:
    world = OneWorker(PlanLimits(quota=16_000))
    flow = world.connect()
    for _ in range(60):
        if not flow.is_held:
            flow.receive(messages(200))
        world.step(0.02)
    place = [("application:a:api:s:messages:day", window_at(QuotaPeriod.DAY, EPOCH))]
    assert world.store.used(place)[0].lent > 500
    world.run(IDLE_SECONDS + 2)
    assert world.store.used(place)[0].lent == 16


def test_of_a_large_quota_a_worker_begins_with_more() -> None:
    world = OneWorker(PlanLimits(quota=50_000_000))
    world.connect().receive(messages(200))
    world.step(0.02)
    place = [("application:a:api:s:messages:day", window_at(QuotaPeriod.DAY, EPOCH))]
    assert sum(world.store.used(place)[0]) == 50_000


def test_heavy_traffic_asks_the_store_seldom() -> None:
    world = OneWorker(PlanLimits(quota=10_000_000))
    flow, calls = world.connect(), 0
    for _ in range(3_000):
        if not flow.is_held:
            flow.receive(messages(50))
        world.clock.now += 0.01
        world.worker.lease_state.tick(world.clock.now)
        if min(world.worker.lease_state.asks_at(), world.worker.lease_state.due()) <= world.clock.now + 0.1:
            calls += world.worker.lease_state.asks_at() <= world.clock.now
            world.worker.look(world.clock.now)
    assert admitted(flow.passed)[0] > 140_000
    assert calls < 40


def test_all_leases_go_back_when_the_worker_stops() -> None:
    world = OneWorker(PlanLimits(quota=1_000, connections=10, connects=10))
    flow = world.connect()
    flow.receive(messages(4))
    world.worker.lease_state.end()
    world.step()
    assert [usage.lent for usage in world.store.used(list(world.store.windows))] == [0, 0, 0]
    assert world.store.used([("application:a:api:s:messages:day", window_at(QuotaPeriod.DAY, EPOCH))]) == [(4, 0)]


def test_the_last_of_a_lease_goes_to_one_and_the_next_in_line_still_gets_more() -> None:
    world = OneWorker(PlanLimits(quota=100_000))
    first, second = world.connect(), world.connect()
    lease = first.admission.client.sources[0]
    assert isinstance(lease, Quota)
    first.receive(messages(lease.unspent))
    first.receive(messages(lease.slice.size))
    second.receive(messages(1))
    assert first.is_held
    assert second.is_held
    world.run(2)
    assert second.passed == second.sent


def test_two_who_each_hold_a_part_of_what_both_need_do_not_wait_for_ever() -> None:
    world = Workers(PlanLimits(quota=1_000, unit=QuotaUnit.BYTES))
    admissions = [world.admit(worker) for worker in world.workers]
    flows = [Relayed(admission, world.clock).client for admission in admissions if isinstance(admission, Admission)]
    for flow in flows:
        flow.receive(messages(1, 900))
    assert all(flow.is_held for flow in flows)
    for _ in range(100):
        world.clock.now += 0.01
        for worker in world.workers:
            worker.look(world.clock.now)  # without the poll that asks others to return something
    assert sorted(admitted(flow.passed)[0] for flow in flows) == [0, 1]
    assert sorted(flow.is_open for flow in flows) == [False, True]


def test_each_period_ends_its_lease() -> None:
    world = OneWorker(PlanLimits(quota=1_000, period=QuotaPeriod.MINUTE))
    flow = world.connect()
    for minute in range(3):
        world.clock.now = EPOCH + 60 * minute + 1
        world.step()
        flow.receive(messages(20))
        world.run(2)
    assert len(world.worker.cells.counts) == 1
    usages = world.store.used([place for place in world.store.windows if place[1].start < EPOCH + 100])
    assert [usage for usage in usages if usage.spent] == [(20, 0), (20, 0)]


def test_an_answer_that_comes_after_the_period_has_ended_is_not_for_the_next_one() -> None:
    world = OneWorker(PlanLimits(quota=40, period=QuotaPeriod.MINUTE))
    flow = world.connect()
    flow.receive(messages(30))
    assert flow.is_held
    world.worker.ask(world.clock.now)
    world.clock.now = EPOCH + 60
    world.worker.lease_state.tick(world.clock.now)
    world.worker.hear(world.clock.now)
    assert flow.admission.client.sources[0].unspent == 0
    world.run(1)
    assert flow.passed == flow.sent
    now = [("application:a:api:s:messages:minute", window_at(QuotaPeriod.MINUTE, world.clock.now))]
    before = [("application:a:api:s:messages:minute", window_at(QuotaPeriod.MINUTE, EPOCH))]
    world.run(1)
    assert world.store.used(now)[0].spent + world.store.used(before)[0].spent == 30


def test_what_was_promised_to_others_is_not_spent_although_more_arrives() -> None:
    world = OneWorker(PlanLimits(quota=1_000))
    flow = world.connect()
    flow.receive(messages(10))
    world.clock.now += 0.2
    world.worker.ask(world.clock.now)
    world.worker.lease_state.give_up([1])
    world.worker.hear(world.clock.now)
    assert flow.admission.client.sources[0].unspent == 0
    world.step()
    assert world.store.used([("application:a:api:s:messages:day", window_at(QuotaPeriod.DAY, EPOCH))]) == [(10, 0)]


def test_a_lease_that_ended_while_somebody_waited_for_it_is_not_asked_for_again() -> None:
    world = OneWorker(PlanLimits(quota=1_000))
    flow = world.connect()
    flow.receive(messages(100))
    assert flow.is_held
    flow.leave(world.clock.now)
    for _ in range(15):
        world.clock.now += 0.1
        world.worker.look(world.clock.now, lose="question")
    world.run(2)
    assert world.worker.cells.counts == {}
    assert not any(world.store.leases.values())


def test_a_store_that_is_away_holds_messages_and_loses_none() -> None:
    world = OneWorker(PlanLimits(quota=1_000))
    flow = world.connect()
    flow.receive(messages(600))
    for _ in range(20):
        world.clock.now += 0.05
        world.worker.look(world.clock.now, lose="question")
    assert flow.is_held
    world.run(1)
    assert flow.passed == flow.sent
