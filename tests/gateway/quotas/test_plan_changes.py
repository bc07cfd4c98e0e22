"""A plan that changes while connections are open under it."""

from __future__ import annotations

from gateway.quotas.admission import Admission
from gateway.quotas.limits import OPEN, UNLIMITED, PlanLimits, window_at
from gateway.quotas.meter import LimitExceeded
from publisher.plan_terms import ExceededAction, QuotaPeriod
from tests.gateway.metering_world import EPOCH, Relayed
from tests.gateway.quotas.streams import (
    admitted,
    messages,
)
from tests.gateway.quotas.worlds import OneWorker, SaturatedRate, Workers


def test_a_raised_quota_applies_to_open_connections_with_what_was_used() -> None:
    world = OneWorker(PlanLimits(quota=10, over_quota=ExceededAction.DROP))
    flow = world.connect()
    flow.receive(messages(15))
    world.run(1)
    assert admitted(flow.passed)[0] == 10
    world.worker.lease_state.change(
        "application:a:api:s", PlanLimits(quota=30, over_quota=ExceededAction.DROP), world.clock.now
    )
    for _ in range(5):
        world.run(0.2)
        flow.receive(messages(7))
    world.run(1)
    assert admitted(flow.passed)[0] == 30


def test_a_lowered_quota_applies_to_open_connections_on_every_worker() -> None:
    crowd = Workers(PlanLimits(quota=100_000))
    admissions = [crowd.admit(worker) for worker in crowd.workers]
    flows = [Relayed(admission, crowd.clock).client for admission in admissions if isinstance(admission, Admission)]
    for flow in flows:
        flow.receive(messages(200))
    crowd.run(1)
    assert crowd.store.used([("application:a:api:s:messages:day", window_at(QuotaPeriod.DAY, EPOCH))])[0].lent > 100
    crowd.plan = PlanLimits(quota=420)
    for worker in crowd.workers:
        worker.lease_state.change("application:a:api:s", crowd.plan, crowd.clock.now)
    for _ in range(30):
        for flow in flows:
            if not flow.is_held and flow.is_open:
                flow.receive(messages(7))
        crowd.run(0.1)
    assert sum(admitted(flow.passed)[0] for flow in flows) == 420


def test_a_connection_without_limits_gets_them_while_it_is_open() -> None:
    world = OneWorker(UNLIMITED)
    flow = world.connect()
    flow.receive(messages(100))
    assert flow.passed == flow.sent
    world.worker.lease_state.change("application:a:api:s", PlanLimits(quota=10), world.clock.now)
    flow.receive(messages(20))
    world.run(1)
    assert admitted(flow.passed)[0] == 110


def test_a_connection_that_waits_goes_on_when_its_limits_are_lifted() -> None:
    world = OneWorker(PlanLimits(rate=1, burst=1))
    flow = world.connect()
    flow.receive(messages(100))
    assert flow.is_held
    world.worker.lease_state.change("application:a:api:s", UNLIMITED, world.clock.now)
    assert flow.passed == flow.sent


def test_a_changed_rate_applies_at_once() -> None:
    traffic = SaturatedRate(PlanLimits(rate=1_000), 2)
    traffic.run(1)
    for worker in traffic.workers:
        worker.lease_state.change("application:a:api:s", PlanLimits(rate=50), traffic.clock.now)
    assert 490 <= traffic.run(10) <= 520


def test_a_plan_that_begins_to_count_connections_counts_the_open_ones() -> None:
    world = Workers(UNLIMITED)
    inside = [world.admit(worker) for worker in world.workers for _ in range(3)]
    world.plan = PlanLimits(connections=7)
    for worker in world.workers:
        worker.lease_state.change("application:a:api:s", world.plan, world.clock.now)
    world.run(0.3)
    assert isinstance(world.admit(world.workers[0]), Admission)
    assert isinstance(world.admit(world.workers[1]), LimitExceeded)
    for admission in inside:
        assert isinstance(admission, Admission)
        admission.leave(world.clock.now)
    world.run(0.3)
    assert isinstance(world.admit(world.workers[1]), Admission)


def test_a_plan_may_stop_counting_connections() -> None:
    world = Workers(PlanLimits(connections=1))
    assert isinstance(world.admit(world.workers[0]), Admission)
    for worker in world.workers:
        worker.lease_state.change("application:a:api:s", UNLIMITED, world.clock.now)
    world.plan = UNLIMITED
    world.run(2)
    assert isinstance(world.admit(world.workers[0]), Admission)
    assert world.store.used([("application:a:api:s:connections", OPEN)])[0] == (0, 0)


def test_which_direction_counts_may_change() -> None:
    world = OneWorker(PlanLimits(quota=10, counted="client"))
    flow = world.connect()
    backend = flow.connection.backend
    backend.receive(messages(50, masked=False))
    world.worker.lease_state.change("application:a:api:s", PlanLimits(quota=10), world.clock.now)
    backend.receive(messages(50, masked=False))
    world.run(1)
    assert admitted(backend.passed)[0] == 60
