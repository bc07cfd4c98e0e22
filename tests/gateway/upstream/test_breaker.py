"""A backend that fails is left alone for a while, then tried once."""

from __future__ import annotations

from gateway.upstream.breaker import CircuitBreaker
from publisher.endpoint import EndpointOptions

HERE, THERE = "ws://a.test", "ws://b.test"
OPTIONS = EndpointOptions(suspend_after=2, suspend_initial=30, suspend_factor=2, suspend_maximum=100)


def failed(suspensions: CircuitBreaker, *times: float, options: EndpointOptions = OPTIONS) -> None:
    for now in times:
        assert suspensions.begin(HERE, now) == 0
        suspensions.failed(HERE, options, now)


def test_one_failure_too_few_changes_nothing() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0)
    assert suspensions.begin(HERE, 1) == 0


def test_so_many_failures_in_a_row_suspend_that_address_and_no_other() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0, 1)
    assert suspensions.begin(HERE, 11) == 20
    assert suspensions.begin(THERE, 11) == 0


def test_a_success_between_them_starts_the_count_again() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0)
    suspensions.succeeded(HERE)
    failed(suspensions, 2)
    assert suspensions.begin(HERE, 3) == 0


def test_after_the_suspension_one_may_look_and_the_others_wait() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0, 1)
    assert suspensions.begin(HERE, 31) == 0
    assert suspensions.begin(HERE, 31) > 0


def test_the_next_suspensions_are_longer_up_to_the_longest() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0, 0)
    lengths = []
    now = 0.0
    for _ in range(4):
        wait = suspensions.begin(HERE, now)
        lengths.append(wait)
        now += wait
        failed(suspensions, now)
    assert lengths == [30, 60, 100, 100]


def test_one_success_forgets_everything() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0, 1, 31)
    assert suspensions.begin(HERE, 91) == 0
    suspensions.succeeded(HERE)
    failed(suspensions, 92)
    assert suspensions.begin(HERE, 93) == 0
    suspensions.failed(HERE, OPTIONS, 93)
    assert suspensions.begin(HERE, 93) == 30


def test_a_look_that_was_given_up_lets_another_look() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0, 1)
    assert suspensions.begin(HERE, 31) == 0
    suspensions.abandoned(HERE)
    assert suspensions.begin(HERE, 31) == 0


def test_failures_of_dials_that_began_before_the_suspension_do_not_lengthen_it() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, 0, 1)
    suspensions.failed(HERE, OPTIONS, 2)
    assert suspensions.begin(HERE, 2) == 29


def test_where_suspension_is_prevented_nothing_is_ever_suspended() -> None:
    suspensions = CircuitBreaker()
    failed(suspensions, *range(10), options=EndpointOptions(suspend_after=1, prevent_suspension=True))
    assert suspensions.begin(HERE, 10) == 0
