"""What is remembered of tokens: for how long, how much of it, and what makes it forgotten."""

from __future__ import annotations

import pickle

import pytest

from gateway.authorization.cache import ERROR_SECONDS, GrantCache, Touched
from gateway.authorization.grants import Grant, TokenError
from tests.gateway.builders import NOW, grant


def cache_of(*grants: Grant, **limits: int) -> GrantCache:
    """A cache in which each grant stands under `d` and its token's id."""
    cache = GrantCache(**limits)
    for each in grants:
        cache.keep((f"d{each.token_id}", ()), each, NOW)
    return cache


def test_a_grant_is_kept_and_an_unknown_token_has_to_be_asked_for() -> None:
    cache = cache_of(grant())
    assert cache.get(("d1", ()), NOW) == grant()
    assert cache.get(("d2", ()), NOW) is None


def test_a_token_error_is_kept_for_a_short_while() -> None:
    cache = GrantCache()
    cache.keep(("d", ()), TokenError.UNKNOWN, NOW)
    assert cache.get(("d", ()), NOW + ERROR_SECONDS - 0.1) is TokenError.UNKNOWN
    assert cache.get(("d", ()), NOW + ERROR_SECONDS) is None


@pytest.mark.parametrize(
    "touched",
    [
        Touched(tokens={"1"}),
        Touched(applications={"app"}),
        Touched(users={"7"}),
        Touched(users={"8"}),
        Touched(users={"9"}),
        Touched(tokens={"9"}, applications={"app", "other"}),
    ],
)
def test_a_grant_is_forgotten_when_something_that_it_rests_on_changes(touched: Touched) -> None:
    mine = grant(user_id="8", maker_id="9")
    others = grant(token_id="2", application_id="another", owner_id="70", user_id="")
    cache = cache_of(mine, others)
    cache.drop(touched)
    assert cache.get(("d1", ()), NOW) is None
    assert cache.last_known(("d1", ())) is None
    assert cache.get(("d2", ()), NOW) == others
    assert touched.covers(mine)
    assert not touched.covers(others)


def test_a_token_is_known_for_each_api_that_it_was_shown_to_and_forgotten_for_all_of_them() -> None:
    cache = GrantCache()
    here, there = grant(subscribed=("here",)), grant(subscribed=())
    cache.keep(("d", ("here",)), here, NOW)
    cache.keep(("d", ("there",)), there, NOW)
    assert cache.get(("d", ("here",)), NOW) == here
    assert cache.get(("d", ("elsewhere",)), NOW) is None
    assert cache.of_token("1", ("there",)) == there
    assert cache.any_known("d") in (here, there)
    cache.drop(Touched(plans={"Gold"}))
    assert cache.get(("d", ("here",)), NOW) is None
    assert cache.get(("d", ("there",)), NOW) == there
    cache.keep(("d", ("elsewhere",)), TokenError.UNKNOWN, NOW)
    assert cache.any_known("d") is None


def test_changes_of_apis_leave_grants_alone() -> None:
    cache = cache_of(grant())
    cache.drop(Touched(apis={"/echo@1.0.0", "app", "1", "7"}))
    assert cache.get(("d1", ()), NOW) == grant()


def test_who_was_refused_is_asked_about_again_when_people_change() -> None:
    cache = GrantCache()
    cache.keep(("d", ()), TokenError.DISABLED, NOW)
    cache.drop(Touched(applications={"app"}))
    assert cache.get(("d", ()), NOW) is TokenError.DISABLED
    cache.drop(Touched(users={"7"}))
    assert cache.get(("d", ()), NOW) is None


def test_renewing_has_every_grant_asked_for_again_without_forgetting_it() -> None:
    cache = cache_of(grant())
    cache.revalidate()
    assert cache.get(("d1", ()), NOW) is None
    assert cache.last_known(("d1", ())) == grant()
    cache.keep(("d1", ()), grant(), NOW)
    assert cache.get(("d1", ()), NOW) == grant()


def test_the_least_used_grant_makes_room() -> None:
    cache = cache_of(*(grant(token_id=str(number)) for number in range(3)), most_grants=3)
    cache.get(("d0", ()), NOW)
    cache.keep(("d9", ()), grant(token_id="9"), NOW)
    assert [cache.get((f"d{number}", ()), NOW) is not None for number in (0, 1, 2, 9)] == [True, False, True, True]
    assert len(cache.held) == 3


def test_the_oldest_token_error_makes_room() -> None:
    cache = GrantCache(most_errors=2)
    for digest in ("a", "b", "c"):
        cache.keep((digest, ()), TokenError.UNKNOWN, NOW)
    assert [cache.get((digest, ()), NOW) for digest in ("a", "b", "c")] == [
        None,
        TokenError.UNKNOWN,
        TokenError.UNKNOWN,
    ]


def test_a_grant_that_is_found_to_be_gone_is_gone() -> None:
    cache = cache_of(grant())
    cache.keep(("d1", ()), TokenError.UNKNOWN, NOW)
    assert cache.get(("d1", ()), NOW) is TokenError.UNKNOWN
    assert cache.last_known(("d1", ())) is None


def test_nothing_is_left_behind_when_all_is_forgotten() -> None:
    cache = cache_of(*(grant(token_id=str(number), user_id=str(number)) for number in range(5)))
    cache.drop(Touched(applications={"app"}))
    assert pickle.dumps(cache) == pickle.dumps(GrantCache())
