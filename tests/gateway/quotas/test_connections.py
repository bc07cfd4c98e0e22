"""How many connections a plan lets in."""

from __future__ import annotations

from gateway.quotas.admission import Admission
from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import LimitExceeded
from tests.gateway.metering_world import EPOCH
from tests.gateway.quotas.worlds import Workers


def test_no_more_connections_than_the_plan_allows_on_any_workers() -> None:
    world = Workers(PlanLimits(connections=5), 3)
    answers = [world.admit(world.workers[number % 3]) for number in range(9)]
    assert sum(isinstance(answer, Admission) for answer in answers) == 5
    refused = answers[-1]
    assert isinstance(refused, LimitExceeded)
    assert refused.sentence == "The subscription's 5 connections are all in use. Close one, then try again."


def test_a_place_that_is_left_on_one_worker_is_free_on_another() -> None:
    world = Workers(PlanLimits(connections=4))
    inside = [world.admit(world.workers[0]) for _ in range(4)]
    assert isinstance(world.admit(world.workers[1]), LimitExceeded)
    for admission in inside:
        assert isinstance(admission, Admission)
        admission.leave(world.clock.now)
    world.run(0.15)
    assert all(isinstance(world.admit(world.workers[1]), Admission) for _ in range(4))
    assert isinstance(world.admit(world.workers[1]), LimitExceeded)


def test_the_connections_of_a_killed_worker_are_free_again() -> None:
    world = Workers(PlanLimits(connections=4))
    assert all(isinstance(world.admit(world.workers[0]), Admission) for _ in range(4))
    world.workers.pop(0).bury()
    assert all(isinstance(world.admit(world.workers[0]), Admission) for _ in range(4))


def test_new_connections_a_minute_are_counted_even_when_they_close() -> None:
    world = Workers(PlanLimits(connects=3))
    for number in range(3):
        admission = world.admit(world.workers[number % 2])
        assert isinstance(admission, Admission)
        admission.leave(world.clock.now)
    refused = world.admit(world.workers[0])
    assert isinstance(refused, LimitExceeded)
    assert refused.resets_at == EPOCH + 60
    assert refused.sentence.startswith("The subscription's 3 new connections a minute are used up.")
    world.clock.now = EPOCH + 60
    assert isinstance(world.admit(world.workers[1]), Admission)


def test_whoever_is_refused_uses_up_nothing() -> None:
    world = Workers(PlanLimits(connections=1, connects=2))
    first = world.admit(world.workers[0])
    assert isinstance(first, Admission)
    for _ in range(5):
        assert isinstance(world.admit(world.workers[0]), LimitExceeded)
    first.leave(world.clock.now)
    world.run(1)
    assert isinstance(world.admit(world.workers[0]), Admission)
