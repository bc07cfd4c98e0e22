"""What a plan may say, and what is said when it may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.roles import Role
from core.errors import Invalid
from gateway.quotas.limits import LARGEST, PlanLimits
from publisher.models import Plan
from publisher.plan_validation import CHOICES, CLEANERS, DEFAULTS, LARGEST_QUOTA, NUMBERS, clean_plan

GOLD = {"name": "Gold", "quota": 50_000, "quota_period": "day", "rate": 100, "burst": 100, "connections": 100}


def refused(**fields: Any) -> dict[str, str]:
    """What is said about a plan of these fields, by field."""
    with pytest.raises(Invalid) as error:
        clean_plan({"name": "Gold", **fields})
    return error.value.fields


def test_a_plan_of_which_only_the_name_is_given_has_no_limits_but_of_applications() -> None:
    plan = clean_plan({"name": "Free"})

    assert (plan["display_name"], plan["billing"], plan["roles"]) == ("Free", "FREE", [])
    assert {limit: plan[limit] for limit in NUMBERS if plan[limit] is not None} == {"applications": 10}
    assert (plan["counted"], plan["over_rate"], plan["over_quota"]) == ("both", "delay", "close")
    assert {"quota_unit", "quota_period"} & plan.keys() == set()


def test_every_field_of_a_plan_is_checked_and_has_the_row_s_default() -> None:
    fields = {field.name: field for field in Plan._meta.concrete_fields if field.name not in ("id", "name_key")}

    assert CLEANERS.keys() == fields.keys()
    for name, value in DEFAULTS.items():
        assert value == (() if name == "roles" else fields[name].get_default()), name
    for name, choice in CHOICES.items():
        assert choice.words == tuple(word for word, _ in fields[name].choices), name


@pytest.mark.parametrize("name", ["Gold", "10PerMin", "a", "Async_Gold-2.0", "x" * 60])
def test_a_good_name_is_taken(name: str) -> None:
    assert clean_plan({"name": f" {name} "})["name"] == name


@pytest.mark.parametrize(
    "name", ["", " ", "Gold plan", "x" * 61, "Göld", "a/b", "..", "-a", "a\nb", "<b>", "a%2f", "a?b", "a#b"]
)
def test_a_bad_name_is_refused_with_what_a_good_one_looks_like(name: str) -> None:
    said = refused(name=name)

    assert set(said) == {"name"}
    assert "Gold, 10PerMin" in said["name"]


@pytest.mark.parametrize("name", [None, 7, ["Gold"]])
def test_a_name_is_text(name: Any) -> None:
    assert refused(name=name) == {"name": "Write this as text."}


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, 1.5, 10.0, "10", True, float("nan"), float("inf"), [], {}, 1 << 63])
def test_a_number_that_makes_no_sense_is_refused_with_what_would_do(field: str, value: Any) -> None:
    sentence = refused(**{field: value})[field]

    assert "a whole number from 1 to" in sentence
    assert "Leave it out" in sentence


@pytest.mark.parametrize("field", NUMBERS)
def test_the_smallest_and_the_largest_number_are_taken(field: str) -> None:
    others = {"quota_period": "day", "quota": 1, "rate": 1}
    for value in (1, NUMBERS[field].most):
        rest = {"burst": NUMBERS["burst"].most} if field == "rate" else {}
        assert clean_plan({"name": "Gold", **others, **rest, field: value})[field] == value


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"quota": 100}, "quota_period", "minute, hour, day or month"),
        ({"quota": 100, "quota_period": "week"}, "quota_period", "minute, hour, day or month"),
        ({"quota": 100, "quota_period": None}, "quota_period", "minute, hour, day or month"),
        ({"quota": 100, "quota_period": "day", "quota_unit": "words"}, "quota_unit", "messages or bytes"),
        ({"burst": 100}, "burst", "belongs to a rate"),
        ({"rate": 100, "burst": 99}, "burst", "100 messages or more"),
        ({"counted": "backend"}, "counted", "(client)"),
        ({"over_rate": "wait"}, "over_rate", "(delay)"),
        ({"over_quota": "delay"}, "over_quota", "cannot wait"),
        ({"over_quota": ["close"]}, "over_quota", "(close)"),
        ({"billing": "free"}, "billing", "FREE or COMMERCIAL"),
        ({"roles": ["king"]}, "roles", "no role called king. The roles are creator"),
        ({"roles": ["subscriber", {}]}, "roles", "no role called {}"),
        ({"roles": "king"}, "roles", "no role called king"),
        ({"roles": None}, "roles", "The roles are"),
        ({"requires_approval": "yes"}, "requires_approval", "true or false"),
        ({"display_name": "x" * 513}, "display_name", "at most 512"),
        ({"display_name": "a\x00b"}, "display_name", "one line"),
        ({"description": "x" * 1025}, "description", "at most 1024 characters; this one has 1025"),
        ({"description": 7}, "description", "as text"),
        ({"colour": "gold"}, "colour", "no such field"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_the_sentence_says_what_would_do(
    fields: dict[str, Any], field: str, words: str
) -> None:
    said = refused(**fields)

    assert set(said) == {field}
    assert words in said[field]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert set(refused(name="a b", quota=0, rate=-1, over_quota="delay")) == {"name", "quota", "rate", "over_quota"}


def test_what_is_not_given_stays_as_it_is() -> None:
    changed = clean_plan({"rate": 50, "burst": 60}, clean_plan(GOLD))

    assert changed == {**clean_plan(GOLD), "rate": 50, "burst": 60}


def test_a_plan_that_had_no_quota_needs_a_period_for_its_first() -> None:
    present = clean_plan({"name": "Free"})

    with pytest.raises(Invalid) as error:
        clean_plan({"quota": 10}, present)
    assert set(error.value.fields) == {"quota_period"}
    assert clean_plan({"quota": 10, "quota_period": "hour"}, present)["quota_unit"] == "messages"


def test_the_period_goes_with_the_quota() -> None:
    assert "quota_period" not in clean_plan({"quota": None}, clean_plan(GOLD))


def test_roles_stand_once_and_in_the_order_of_their_table() -> None:
    assert clean_plan({"name": "Gold", "roles": ["subscriber", "creator", "subscriber"]})["roles"] == [
        Role.CREATOR,
        Role.SUBSCRIBER,
    ]


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2)
)
plans = st.fixed_dictionaries({}, optional=dict.fromkeys(CLEANERS, values))
likely = st.fixed_dictionaries(
    {"name": st.just("Gold")},
    optional={
        **{field: st.integers(0, 200) for field in NUMBERS},
        **{field: st.sampled_from(choice.words) for field, choice in CHOICES.items()},
    },
)


@given(plans | likely)
def test_whatever_is_sent_is_refused_by_field_or_can_be_metered(fields: dict[str, Any]) -> None:
    plan, said = _tried(fields)

    assert bool(plan) != bool(said)
    assert said.keys() <= {*fields, "name", "quota_period"}
    if plan:
        words = {"unit": plan.pop("quota_unit", "messages"), "period": plan.pop("quota_period", "day")}
        limits = PlanLimits.from_document({**plan, **words})
        assert all(getattr(limits, limit) == plan[limit] for limit in NUMBERS if limit != "applications")


def _tried(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        return clean_plan(fields), {}
    except Invalid as error:
        return {}, error.fields


def test_the_largest_quota_is_what_the_gateway_counts_exactly() -> None:
    assert LARGEST_QUOTA == LARGEST
