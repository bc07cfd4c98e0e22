"""At which accounts a worker looks: where something happens at once, at the others in turn, and seldom when calm."""

from __future__ import annotations

import pytest

from gateway.quotas.admission import Account
from gateway.quotas.limits import UNLIMITED
from gateway.quotas.rate import RateReservation, RateTerms
from gateway.quotas.rounds import CALM_ACCOUNTS, MOST_LOOKS, PARTS, TICK_SECONDS, Rounds
from publisher.plan_terms import ExceededAction
from tests.gateway.metering_world import EPOCH


def account(number: int, *, burst: int = 0) -> Account:
    """One under which nothing happens; with a `burst` it has a rate that keeps an eighth of it ready."""
    made = Account(str(number), "subscription", UNLIMITED)
    if burst:
        terms = RateTerms("r", 1000, burst, ExceededAction.DELAY, "subscription")
        made.rate = RateReservation(terms, notify=lambda source: None)
    return made


def looks(rounds: Rounds, accounts: list[Account], *, moving: set[Account] = frozenset()) -> set[Account]:  # type: ignore[assignment]
    """One look at all that it asks for."""
    chosen = rounds.next(accounts)
    for each in chosen:
        rounds.done(each, is_moving=each in moving)
    rounds.settle(accounts, EPOCH)
    return chosen


def test_every_account_has_its_turn_within_so_many_looks_while_something_happens() -> None:
    rounds, accounts = Rounds(), [account(number) for number in range(5 * PARTS)]
    busy = accounts[0]
    rounds.stir([busy])
    seen = [looks(rounds, accounts, moving={busy}) for _ in range(PARTS)]
    assert not rounds.is_calm
    assert all(busy in chosen for chosen in seen)
    assert set().union(*seen) == set(accounts)
    assert max(map(len, seen)) < len(accounts) / 4
    assert rounds.look_at == pytest.approx(EPOCH + TICK_SECONDS, abs=TICK_SECONDS / 2)


@pytest.mark.parametrize(
    ("number", "ticks", "looked_at"),
    [(CALM_ACCOUNTS, PARTS, CALM_ACCOUNTS), (10 * CALM_ACCOUNTS, 2, 2 * CALM_ACCOUNTS)],
)
def test_when_calm_it_looks_as_often_at_each_but_in_fewer_looks(number: int, ticks: int, looked_at: int) -> None:
    rounds, accounts = Rounds(), [account(number) for number in range(number)]
    looks(rounds, accounts)
    assert rounds.is_calm
    assert rounds.look_at == pytest.approx(EPOCH + TICK_SECONDS * ticks, abs=TICK_SECONDS / 2)
    assert len(looks(rounds, accounts)) == looked_at


def test_what_stirs_has_it_look_at_once_and_makes_up_for_the_looks_that_were_left_out() -> None:
    rounds, accounts = Rounds(), [account(number) for number in range(CALM_ACCOUNTS)]
    looks(rounds, accounts)
    rounds.stir([accounts[3]])
    assert (rounds.is_calm, rounds.look_at) == (False, 0.0)
    assert looks(rounds, accounts) == set(accounts)


def test_of_very_many_accounts_where_something_happens_those_come_first_that_waited_longest() -> None:
    rounds, accounts = Rounds(), [account(number) for number in range(3 * MOST_LOOKS)]
    rounds.stir(accounts)
    first = looks(rounds, accounts, moving=set(accounts))
    assert set(accounts[:MOST_LOOKS]) <= first
    second = looks(rounds, accounts, moving=set(accounts))
    assert len(first & second) < MOST_LOOKS / 2


def test_an_account_whose_rate_is_drawn_from_is_looked_at_next_whoever_has_the_turn() -> None:
    rounds, accounts = Rounds(), [account(number) for number in range(5 * PARTS)]
    accounts[7] = thirsty = account(7, burst=800)
    assert all(thirsty in looks(rounds, accounts) for _ in range(PARTS))


def test_while_it_is_calm_a_rate_that_is_drawn_from_calls_for_a_look() -> None:
    rounds, accounts = Rounds(), [account(0, burst=800)]
    rate = accounts[0].rate
    assert rate is not None
    rate.top = rate.starter
    looks(rounds, accounts)
    assert rounds.is_calm
    assert not rounds.is_stirring()
    rate.cells[0] += 1
    assert rounds.is_stirring()
    assert not rounds.is_calm


def test_a_rate_of_which_little_is_kept_ready_is_never_calm() -> None:
    rounds = Rounds()
    looks(rounds, [account(0, burst=8)])
    assert not rounds.is_calm


def test_what_was_looked_at_is_told_once() -> None:
    rounds, accounts = Rounds(), [account(number) for number in range(PARTS)]
    chosen = looks(rounds, accounts) | looks(rounds, accounts)
    assert rounds.take() == chosen
    assert rounds.take() == set()
