"""One time for all machines: the store's, whatever their own clocks show."""

from __future__ import annotations

import logging

import pytest

from core.clock import SharedClock


class World:
    """A store and a machine whose clock is `ahead` of it; an answer takes `delay` each way."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.now, self.ahead, self.delay = 1000.0, ahead, 0.0
        self.clock = SharedClock("store", own=lambda: self.now + self.ahead, steady=lambda: self.now - 700)

    def ask(self) -> float:
        self.now += self.delay
        said = self.now
        self.now += self.delay
        return said

    def measure(self) -> None:
        self.clock.measure(self.ask)


def test_it_shows_the_stores_time_whatever_this_machines_clock_is_set_to() -> None:
    world = World(ahead=8.0)
    assert world.clock() == 1008.0
    world.measure()
    assert world.clock() == 1000.0
    world.now, world.ahead = 1003.0, -3600.0
    assert world.clock() == 1003.0
    assert world.clock.skew() == -3600.0


def test_slow_answers_move_it_no_further_than_they_prove() -> None:
    world = World()
    world.measure()
    world.delay = 2.0
    world.measure()
    assert world.clock() == world.now
    other = World(ahead=-60.0)
    other.delay = 0.2
    other.measure()
    assert abs(other.clock() - other.now) <= other.delay


def test_it_follows_a_store_whose_clock_was_set() -> None:
    world = World()
    world.measure()
    world.clock.measure(lambda: world.now + 30)
    assert world.clock() == world.now + 30


def test_a_store_without_a_clock_of_its_own_leaves_it_to_the_machine() -> None:
    world = World(ahead=8.0)
    world.clock.measure(lambda: None)
    assert world.clock() == 1008.0
    assert world.clock.skew() == 0.0


def test_the_log_hears_once_of_a_machine_that_is_off_and_once_that_it_is_not(caplog: pytest.LogCaptureFixture) -> None:
    world = World(ahead=8.0)
    with caplog.at_level(logging.WARNING):
        world.measure()
        world.measure()
        world.ahead = 0.8
        world.measure()
        world.ahead = 0.1
        world.measure()
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("This machine's clock is 8.0 s ahead of that of the store.")
    assert second == "This machine's clock agrees with that of the store again."
