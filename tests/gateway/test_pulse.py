"""When a worker does what it does again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import uvloop

from gateway.pulse import SHARPNESS, next_beat, rest, wake_at

STEP = 0.02


@pytest.mark.parametrize("seconds", [0.1, 0.2, 1.0, 2.0])
def test_a_beat_comes_after_so_many_seconds_at_most_and_every_longer_one_falls_on_a_shorter_one(seconds: float) -> None:
    now, longest = 1000.03, 2.0
    first = next_beat(now, seconds)
    assert now < first <= now + seconds + SHARPNESS
    assert next_beat(first, seconds) == pytest.approx(first + seconds)
    assert next_beat(first + 0.001, seconds) == pytest.approx(first + seconds)  # what was done took its time
    assert next_beat(first - 1e-5, seconds) == pytest.approx(first + seconds)  # a timer may be early
    shared = next_beat(now, longest)
    before = next_beat(shared - seconds / 2, seconds)
    assert before == pytest.approx(shared)


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_comes_while_somebody_is_due_at_once_is_looked_after_too(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def come(late: float) -> list[str]:
        loop, seen = asyncio.get_running_loop(), list[str]()
        wake_at(loop.time() - late, lambda _: seen.append("first"))
        wake_at(loop.time(), lambda _: seen.append("second"))
        async with asyncio.timeout(10):
            while len(seen) < 2:
                await asyncio.sleep(0)
        return seen

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(come(0)) == runner.run(come(1)) == ["first", "second"]


async def beats(number: int) -> None:
    for _ in range(number):
        await rest(STEP)


async def test_who_has_nothing_to_do_rests_on_and_is_woken_at_the_beat_at_which_he_has() -> None:
    looks, is_due = 0, False

    def look() -> bool:
        nonlocal looks
        looks += 1
        return is_due

    resting = asyncio.create_task(rest(STEP, look))
    await beats(3)
    assert not resting.done()
    assert looks >= 2
    is_due = True
    async with asyncio.timeout(10):
        await resting
    seen = looks
    await beats(3)
    assert looks == seen  # nobody rests any more


async def test_all_who_rest_are_served_by_one_timer_in_the_order_in_which_they_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, timers, order = asyncio.get_running_loop(), 0, list[int]()
    call_at = loop.call_at

    def counting(*parts: Any, **options: Any) -> asyncio.TimerHandle:
        nonlocal timers
        timers += 1
        return call_at(*parts, **options)

    monkeypatch.setattr(loop, "call_at", counting)
    resting = [asyncio.create_task(rest(STEP, partial(order.append, number))) for number in range(20)]  # type: ignore[arg-type]
    await beats(2)
    monkeypatch.undo()
    assert timers <= 4
    assert order[:40] == [*range(20)] * (len(order[:40]) // 20)
    for each in resting:
        each.cancel()
    await asyncio.gather(*resting, return_exceptions=True)
    order.clear()
    await beats(2)
    assert not order


async def test_a_look_that_fails_is_told_to_him_who_rests_and_the_others_are_looked_after() -> None:
    def fail() -> bool:
        raise LookupError("gone")

    async with asyncio.timeout(10):
        failed, other = await asyncio.gather(rest(STEP, fail), rest(STEP, lambda: True), return_exceptions=True)
    assert isinstance(failed, LookupError)
    assert other is None


async def test_what_is_called_at_a_time_and_fails_leaves_the_others_alone() -> None:
    loop, told = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda loop, context: told.append(context))

    def fail(now: float) -> None:
        raise LookupError("gone")

    wake_at(loop.time(), fail)
    async with asyncio.timeout(10):
        await rest(STEP)
    assert isinstance(told[0]["exception"], LookupError)


async def test_who_comes_for_an_earlier_time_does_not_wait_for_the_others() -> None:
    long = asyncio.create_task(rest(3600.0))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await rest(STEP)
    long.cancel()


async def test_who_is_woken_early_does_not_wait_for_the_beat() -> None:
    early = asyncio.get_running_loop().create_future()
    resting = asyncio.create_task(rest(3600.0, early=early))
    await asyncio.sleep(0)
    early.set_result(None)
    async with asyncio.timeout(10):
        await resting
