"""A backend that fails is left alone for a while, then tried once."""

from __future__ import annotations

from gateway.upstream.breaker import CircuitBreaker
from publisher.endpoint import EndpointOptions

HERE, THERE = "ws://a.test", "ws://b.test"
OPTIONS = EndpointOptions(suspend_after=2, suspend_initial=30, suspend_factor=2, suspend_maximum=100)


class Breaker(CircuitBreaker):
    """One that is told the time."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(lambda: self.now)

    async def asked(self, now: float, address: str = HERE) -> float:
        """What is said to one who would dial then."""
        self.now = now
        return await self.begin(address, OPTIONS)


async def failed(breaker: Breaker, *times: float, options: EndpointOptions = OPTIONS) -> None:
    for now in times:
        assert await breaker.asked(now) == 0
        breaker.failed(HERE, options)


async def test_one_failure_too_few_changes_nothing() -> None:
    breaker = Breaker()
    await failed(breaker, 0)
    assert await breaker.asked(1) == 0


async def test_so_many_failures_in_a_row_suspend_that_address_and_no_other() -> None:
    breaker = Breaker()
    await failed(breaker, 0, 1)
    assert await breaker.asked(11) == 20
    assert await breaker.asked(11, THERE) == 0


async def test_a_success_between_them_starts_the_count_again() -> None:
    breaker = Breaker()
    await failed(breaker, 0)
    breaker.succeeded(HERE)
    await failed(breaker, 2)
    assert await breaker.asked(3) == 0


async def test_after_the_suspension_one_may_look_and_the_others_wait() -> None:
    breaker = Breaker()
    await failed(breaker, 0, 1)
    assert await breaker.asked(31) == 0
    assert await breaker.asked(31) > 0


async def test_the_next_suspensions_are_longer_up_to_the_longest() -> None:
    breaker = Breaker()
    await failed(breaker, 0, 0)
    lengths = []
    now = 0.0
    for _ in range(4):
        wait = await breaker.asked(now)
        lengths.append(wait)
        now += wait
        await failed(breaker, now)
    assert lengths == [30, 60, 100, 100]


async def test_unless_told_otherwise_a_short_restart_is_a_short_rest_and_a_long_one_a_longer() -> None:
    breaker, usual = Breaker(), EndpointOptions()
    await failed(breaker, *[0.0] * usual.suspend_after, options=usual)
    looks, now = [], 0.0
    for _ in range(10):
        now += await breaker.asked(now)
        looks.append(now)
        await failed(breaker, now, options=usual)
    assert looks[:4] == [1, 3, 7, 15]
    assert looks[-1] - looks[-2] == usual.suspend_maximum == 300


async def test_one_success_forgets_everything() -> None:
    breaker = Breaker()
    await failed(breaker, 0, 1, 31)
    assert await breaker.asked(91) == 0
    breaker.succeeded(HERE)
    await failed(breaker, 92)
    assert await breaker.asked(93) == 0
    breaker.failed(HERE, OPTIONS)
    assert await breaker.asked(93) == 30


async def test_a_look_that_was_given_up_lets_another_look() -> None:
    breaker = Breaker()
    await failed(breaker, 0, 1)
    assert await breaker.asked(31) == 0
    breaker.abandoned(HERE)
    assert await breaker.asked(31) == 0


async def test_failures_of_dials_that_began_before_the_suspension_do_not_lengthen_it() -> None:
    breaker = Breaker()
    await failed(breaker, 0, 1)
    breaker.now = 2
    breaker.failed(HERE, OPTIONS)
    assert await breaker.asked(2) == 29


async def test_where_suspension_is_prevented_nothing_is_ever_suspended() -> None:
    breaker = Breaker()
    await failed(breaker, *range(10), options=EndpointOptions(suspend_after=1, prevent_suspension=True))
    assert await breaker.asked(10) == 0
