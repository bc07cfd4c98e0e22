"""What the messages of one direction draw from."""

from __future__ import annotations

from array import array
from functools import partial
from itertools import pairwise

import pytest

from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Meter, Renew, Wait
from publisher.plan_terms import ExceededAction
from tests.gateway.metering_world import EPOCH


class Purse(LimitSource):
    """A source that holds so much and never gets more."""

    __slots__ = ()

    def __init__(self, top: int, *, octets: bool = False) -> None:
        super().__init__(array("Q", [0]), 0, lambda source: None, subject="subscription", octets=octets)
        self.top = top

    def blocked(self, need: int, now: float) -> Blocked | None:
        return None if need <= self.unspent else Renew(self)

    def refresh(self, now: float) -> None: ...

    def end(self) -> None: ...


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("scarce", [0, 1, 2, 3])
@pytest.mark.parametrize("octets", [False, True])
def test_a_take_is_all_or_nothing_from_every_source(count: int, scarce: int, octets: bool) -> None:
    if scarce >= count:
        return
    purses = [Purse(10 if place == scarce else 100, octets=octets) for place in range(count)]
    meter = Meter(purses)
    size = (0, 6) if octets else (6, 0)
    assert meter.take(*size)
    assert not meter.take(*size)
    assert [purse.cells[0] for purse in purses] == [6] * count
    assert meter.take(*((0, 4) if octets else (4, 0)))
    assert not meter.take(*((0, 1) if octets else (1, 0)))
    assert meter.take(*((99, 0) if octets else (0, 99))), "what is not counted is free"


def test_a_meter_without_sources_lets_everything_pass() -> None:
    assert Meter().take(1_000_000, 1 << 60)
    assert Meter().blocked(1, 1, EPOCH) is None


class Standing(Purse):
    """A source in whose way always the same thing stands."""

    __slots__ = ("what",)

    def __init__(self, kind: str) -> None:
        super().__init__(0)
        self.what: Blocked = {
            "wait": Wait(self, EPOCH),
            "renew": Renew(self),
            "drop": LimitExceeded(self, ExceededAction.DROP, 0.0, ""),
            "close": LimitExceeded(self, ExceededAction.CLOSE, 0.0, ""),
        }[kind]

    def blocked(self, need: int, now: float) -> Blocked | None:
        return self.what


@pytest.mark.parametrize(("milder", "worse"), list(pairwise(["wait", "renew", "drop", "close"])))
def test_of_several_that_stand_in_the_way_the_worst_is_named(milder: str, worse: str) -> None:
    mild, bad = Standing(milder), Standing(worse)
    assert Meter([mild, bad]).blocked(1, 1, EPOCH) is bad.what
    assert Meter([bad, mild]).blocked(1, 1, EPOCH) is bad.what


def test_those_who_wait_are_woken_in_turn_and_only_while_there_is_something() -> None:
    purse, woken = Purse(0), list[str]()

    def draw(name: str) -> None:
        woken.append(name)
        purse.cells[0] += 1

    resumes = {name: partial(draw, name) for name in "abcd"}
    for name in "abcd":
        purse.hold(resumes[name])
    del purse.waiting[resumes["b"]]
    purse.top = 2
    purse.wake()
    assert woken == ["a", "c"]
    purse.wake(everybody=True)
    assert woken == ["a", "c", "d"]
