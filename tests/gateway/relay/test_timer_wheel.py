"""The one timer of a worker, turned by hand."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gateway.relay.timer_wheel import TimerWheel


@dataclass
class Timer:
    """One that can be cancelled."""

    clock: Clock
    entry: tuple[float, Callable[[], None]]

    def cancel(self) -> None:
        self.clock.timers.remove(self.entry)


@dataclass
class Clock:
    """Stands in for the loop: its time passes when told to."""

    now: float = 100.0
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        self.timers.append((when, call))
        return Timer(self, (when, call))

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((timer for timer in self.timers if timer[0] <= end), key=lambda timer: timer[0]):
            self.timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            due[0][1]()
        self.now = end


@dataclass
class Watched:
    """Remembers when it was looked at."""

    next_look: float | None = None
    due: int = 0
    looks: list[float] = field(default_factory=list)
    and_then: Callable[[], None] | None = None

    def look(self, now: float) -> float | None:
        self.looks.append(now)
        if self.and_then:
            self.and_then()
        return self.next_look


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wheel(clock: Clock) -> TimerWheel:
    return TimerWheel(cast(asyncio.AbstractEventLoop, cast(Any, clock)), tick=0.5)


def test_a_thing_is_looked_at_when_its_time_has_come_and_not_again(clock: Clock, wheel: TimerWheel) -> None:
    watched = Watched()
    wheel.watch(watched, 3)
    clock.pass_time(2.9)
    assert watched.looks == []
    clock.pass_time(10)
    assert watched.looks == [103.5]


def test_a_thing_that_asks_for_it_is_looked_at_again_and_again(clock: Clock, wheel: TimerWheel) -> None:
    watched = Watched(next_look=2)
    wheel.watch(watched, 2)
    clock.pass_time(10)
    assert len(watched.looks) == 4
    assert len(clock.timers) == 1


def test_an_earlier_look_stands_and_a_later_one_gives_way(clock: Clock, wheel: TimerWheel) -> None:
    watched = Watched()
    wheel.watch(watched, 5)
    wheel.watch(watched, 1)
    wheel.watch(watched, 9)
    clock.pass_time(20)
    assert watched.looks == [101.5]


def test_what_is_forgotten_is_not_looked_at(clock: Clock, wheel: TimerWheel) -> None:
    watched = Watched()
    wheel.watch(watched, 1)
    watched.due = 0
    clock.pass_time(5)
    assert watched.looks == []


def test_there_is_one_timer_and_none_when_nothing_is_watched(clock: Clock, wheel: TimerWheel) -> None:
    for delay in range(50):
        wheel.watch(Watched(), delay)
    assert len(clock.timers) == 1
    clock.pass_time(100)
    assert clock.timers == []
    wheel.watch(Watched(), 1)
    assert len(clock.timers) == 1


def test_something_watched_during_a_look_waits_its_turn(clock: Clock, wheel: TimerWheel) -> None:
    second = Watched()
    first = Watched(and_then=lambda: wheel.watch(second, 1))
    wheel.watch(first, 1)
    clock.pass_time(10)
    assert second.looks == [103.0]
    assert clock.timers == []


def test_a_clock_that_jumps_skips_nobody(clock: Clock, wheel: TimerWheel) -> None:
    early, late = Watched(), Watched()
    wheel.watch(early, 1)
    wheel.watch(late, 8)
    clock.now = 150.0
    clock.pass_time(0)
    assert early.looks == late.looks == [150.0]


def test_one_that_fails_does_not_keep_the_others_from_being_looked_at(
    clock: Clock, wheel: TimerWheel, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    second = Watched()
    wheel.watch(Watched(and_then=fail), 1)
    wheel.watch(second, 1)
    clock.pass_time(5)
    assert second.looks
    assert "could not be looked after" in caplog.text


def test_a_thing_that_is_forgotten_is_not_looked_at_and_not_kept(clock: Clock, wheel: TimerWheel) -> None:
    first, second = Watched(), Watched()
    first.and_then = lambda: wheel.forget(second)
    for each in (first, second):
        wheel.watch(each, 3)
    third = Watched()
    wheel.watch(third, 30)
    wheel.watch(third, 3)  # earlier: nothing of it is left where it was
    kept = weakref.ref(third)
    wheel.forget(third)
    wheel.forget(third)
    del third
    assert kept() is None
    clock.pass_time(60)
    assert (len(first.looks), second.looks) == (1, [])
