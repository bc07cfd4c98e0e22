"""What rows of the audit log mean to the gateway, and that none of them is missed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authorization.cache import Touched
from gateway.control.feed import GRACE_SECONDS, FeedCursor, FeedRow, touched_by


@pytest.mark.parametrize(
    ("verb", "detail", "expected"),
    [
        ("api.transitioned", {}, Touched(apis={"x"})),
        ("api.deployed", {"api_id": "x"}, Touched(apis={"x"})),
        ("api.deleted", {}, Touched(apis={"x"})),
        ("application.deleted", {}, Touched(applications={"x"})),
        ("subscription.blocked", {"application_id": "a", "api_id": "b"}, Touched(applications={"a"})),
        ("subscription.deleted", {"application_id": "a"}, Touched(applications={"a"})),
        ("keys.secret_regenerated", {"application_id": "a"}, Touched(applications={"a"})),
        ("keys.generated", {"application_id": None}, Touched()),
        ("token.revoked", {"token_id": 7, "application_id": "a"}, Touched(tokens={"7"})),
        ("token.issued", {"token_id": 7, "application_id": "a"}, Touched()),
        ("user.disabled", {}, Touched(users={"x"})),
        ("user.roles_changed", {}, Touched(users={"x"})),
        ("user.enabled", {}, Touched(users={"x"})),
        ("user.password_changed", {}, Touched()),
        ("plan.updated", {}, Touched()),
        ("deny_policy.created", {}, Touched(deny_policies=True)),
        ("deny_policy.deleted", {}, Touched(deny_policies=True)),
        ("connection.renewal_asked", {"token_id": "7"}, Touched(reauthentications={"x": {"token_id": "7"}})),
    ],
)
def test_a_row_touches_only_what_it_names(verb: str, detail: dict[str, Any], expected: Touched) -> None:
    assert touched_by([FeedRow(1, verb, verb.split(".")[0], "x", detail)]) == expected


def test_rows_add_up() -> None:
    rows = [FeedRow(1, "api.deployed", "api", "x", {}), FeedRow(2, "api.deleted", "api", "y", {})]
    assert touched_by(rows) == Touched(apis={"x", "y"})


def test_a_row_that_commits_late_with_a_lower_id_is_read() -> None:
    seen = FeedCursor(0, {}, now=0)
    seen.mark({1: "a", 3: "c"}, now=0)
    assert seen.unread({1: "a", 2: "b", 3: "c"}) == {2: "b"}
    seen.mark({2: "b"}, now=GRACE_SECONDS)
    assert seen.floor == 0
    assert seen.unread({1: "a", 2: "b", 3: "c"}) == {}


def test_what_has_stood_for_a_while_is_not_read_again() -> None:
    seen = FeedCursor(0, {1: "a", 2: "b"}, now=0)
    seen.mark({3: "c"}, now=GRACE_SECONDS + 1)
    assert seen.floor == 2
    assert seen.unread({2: "b", 3: "c", 4: "d"}) == {4: "d"}


def test_the_start_takes_what_is_there_as_read() -> None:
    seen = FeedCursor(40, {41: "a", 43: "c"}, now=0)
    unread = seen.unread({41: "a", 42: "b", 43: "c", 44: "d"})
    assert (seen.floor, unread) == (40, {42: "b", 44: "d"})


@pytest.mark.parametrize("rows", [{}, {7: "a"}, {7: "a", 8: "anew"}, {7: "a", 9: "c"}, {7: "a", 8: "anew", 9: "c"}])
@pytest.mark.parametrize("seconds", [0.0, GRACE_SECONDS + 1], ids=["at once", "long after"])
def test_a_log_that_lost_or_rewrote_what_was_read_is_another(rows: dict[int, str], seconds: float) -> None:
    seen = FeedCursor(7, {7: "a", 8: "b"}, now=0)
    seen.mark({}, now=seconds)
    assert seen.unread({each: written_at for each, written_at in rows.items() if each >= seen.floor}) is None


@pytest.mark.parametrize("seconds", [0.0, GRACE_SECONDS + 1], ids=["at once", "long after"])
def test_a_log_that_went_on_is_the_same_also_when_its_beginning_was_archived(seconds: float) -> None:
    seen = FeedCursor(5, {7: "a", 8: "b"}, now=0)
    seen.mark({}, now=seconds)
    assert seen.unread({7: "a", 8: "b"}) is not None
    assert seen.unread({7: "a", 8: "b", 9: "c"}) is not None


@given(
    st.lists(st.tuples(st.floats(0, 0.99 * GRACE_SECONDS), st.floats(0, 3)), min_size=1, max_size=30),
    st.floats(0.1, 2),
)
def test_every_row_is_read_exactly_once_however_late_it_commits(
    transactions: list[tuple[float, float]], step: float
) -> None:
    """Transactions take ids in order, one every so often, and commit up to the grace time later."""
    committed_at, started = {}, 0.0
    for number, (lasts, gap) in enumerate(transactions, start=1):
        started += gap
        committed_at[number] = started + lasts
    read, now = list[int](), 0.0
    seen = FeedCursor(0, {}, now)
    while now <= started + GRACE_SECONDS + step:
        visible = {each: at for each, at in committed_at.items() if at <= now and each >= seen.floor}
        unread = seen.unread(visible)
        assert unread is not None
        read += unread
        seen.mark(unread, now)
        now += step
    assert sorted(read) == list(committed_at)
