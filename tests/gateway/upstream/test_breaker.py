"""A backend that fails is left alone for a while, then tried once."""

from __future__ import annotations

from gateway.upstream.breaker import CircuitBreaker
from publisher.endpoint import EndpointOptions

HERE, THERE = "ws://a.test", "ws://b.test"
OPTIONS = EndpointOptions(suspend_after=2, suspend_initial=30, suspend_factor=2, suspend_maximum=100)


def failed(breaker: CircuitBreaker, *times: float, options: EndpointOptions = OPTIONS) -> None:
    for now in times:
        assert breaker.begin(HERE, now) == 0
        breaker.failed(HERE, options, now)


def test_one_failure_too_few_changes_nothing() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0)
    assert breaker.begin(HERE, 1) == 0


def test_so_many_failures_in_a_row_suspend_that_address_and_no_other() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0, 1)
    assert breaker.begin(HERE, 11) == 20
    assert breaker.begin(THERE, 11) == 0


def test_a_success_between_them_starts_the_count_again() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0)
    breaker.succeeded(HERE)
    failed(breaker, 2)
    assert breaker.begin(HERE, 3) == 0


def test_after_the_suspension_one_may_look_and_the_others_wait() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0, 1)
    assert breaker.begin(HERE, 31) == 0
    assert breaker.begin(HERE, 31) > 0


def test_the_next_suspensions_are_longer_up_to_the_longest() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0, 0)
    lengths = []
    now = 0.0
    for _ in range(4):
        wait = breaker.begin(HERE, now)
        lengths.append(wait)
        now += wait
        failed(breaker, now)
    assert lengths == [30, 60, 100, 100]


def test_unless_told_otherwise_a_short_restart_is_a_short_rest_and_a_long_one_a_longer() -> None:
    breaker, usual = CircuitBreaker(), EndpointOptions()
    failed(breaker, *[0.0] * usual.suspend_after, options=usual)
    looks, now = [], 0.0
    for _ in range(10):
        now += breaker.begin(HERE, now)
        looks.append(now)
        failed(breaker, now, options=usual)
    assert looks[:4] == [1, 3, 7, 15]
    assert looks[-1] - looks[-2] == usual.suspend_maximum == 300


def test_one_success_forgets_everything() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0, 1, 31)
    assert breaker.begin(HERE, 91) == 0
    breaker.succeeded(HERE)
    failed(breaker, 92)
    assert breaker.begin(HERE, 93) == 0
    breaker.failed(HERE, OPTIONS, 93)
    assert breaker.begin(HERE, 93) == 30


def test_a_look_that_was_given_up_lets_another_look() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0, 1)
    assert breaker.begin(HERE, 31) == 0
    breaker.abandoned(HERE)
    assert breaker.begin(HERE, 31) == 0


def test_failures_of_dials_that_began_before_the_suspension_do_not_lengthen_it() -> None:
    breaker = CircuitBreaker()
    failed(breaker, 0, 1)
    breaker.failed(HERE, OPTIONS, 2)
    assert breaker.begin(HERE, 2) == 29


def test_where_suspension_is_prevented_nothing_is_ever_suspended() -> None:
    breaker = CircuitBreaker()
    failed(breaker, *range(10), options=EndpointOptions(suspend_after=1, prevent_suspension=True))
    assert breaker.begin(HERE, 10) == 0
