"""How long something lasts, as people write it."""

from __future__ import annotations

import pytest
from django import forms
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from core.duration_field import Duration, DurationField


class Lease(forms.Form):
    """A form with a duration that must be given, and one that may be never."""

    life = DurationField(what="The lease", label="Life", least=1, most=30 * 86_400, whole=True, presets=(3_600, 86_400))
    rest = DurationField(what="The rest", least=0.1, most=86_400, may_be_off=True, required=False)


def sent(query: str) -> Lease:
    return Lease(QueryDict(query))


@pytest.mark.parametrize(("query", "seconds"), [
    ("life=90&life_unit=minute", 5400), ("life=1&life_unit=day", 86_400), ("life=1.5&life_unit=hour", 5400),
    ("life=1,5&life_unit=hour", 5400), ("life=+2+&life_unit=second", 2), ("life=3600", 3600),
])  # fmt: skip
def test_a_number_and_its_unit_are_seconds(query: str, seconds: int) -> None:
    form = sent(query)
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"life": seconds, "rest": None}


@pytest.mark.parametrize(("query", "sentence"), [
    ("", "The lease: enter a number and choose its unit, for example 1 hour."),
    ("life=&life_unit=hour", "The lease: enter a number and choose its unit, for example 1 hour."),
    ("life=soon&life_unit=hour", "The lease: enter a number and choose its unit, for example 1 hour."),
    ("life=nan&life_unit=hour", "The lease: enter a number and choose its unit, for example 1 hour."),
    ("life=inf&life_unit=hour", "The lease: enter a number and choose its unit, for example 1 hour."),
    ("life=1&life_unit=fortnight", "The lease: enter a number and choose its unit, for example 1 hour."),
    ("life=31&life_unit=day", "The lease must be between 1 second and 30 days."),
    ("life=-1&life_unit=day", "The lease must be between 1 second and 30 days."),
    ("life=1.5", "The lease is in whole seconds."),
])  # fmt: skip
def test_what_is_no_duration_is_refused_with_a_sentence_and_kept(query: str, sentence: str) -> None:
    form = sent(query)
    assert form.errors["life"] == [sentence]
    typed = QueryDict(query).get("life", "")
    assert f'value="{typed}"' in str(form["life"]) or not typed


def test_nothing_is_never_where_that_is_allowed() -> None:
    assert sent("life=1&rest=0&rest_unit=hour").is_valid()
    assert sent("life=1&rest=0.01").errors["rest"] == ["The rest must be between 0.1 seconds and 1 day, or 0."]


@pytest.mark.parametrize(("seconds", "words"), [
    (3600, "1 hour"), (5400, "90 minutes"), (86_400, "1 day"), (2_592_000, "30 days"), (45, "45 seconds"),
    (0.5, "0.5 seconds"), (0, "0 seconds"), (0.1, "0.1 seconds"),
])  # fmt: skip
def test_seconds_are_said_in_the_largest_whole_unit(seconds: float, words: str) -> None:
    assert str(Duration.of(seconds)) == words


@given(st.integers(0, 400 * 86_400))
def test_an_amount_is_worth_what_it_was_made_of(seconds: int) -> None:
    amount = Duration.of(seconds)
    assert float(amount.number) * Duration.units[amount.unit] == seconds


def test_the_number_belongs_to_the_label_and_the_unit_is_named() -> None:
    html = str(Lease(initial={"life": 5400})["life"])
    assert 'name="life" value="90"' in html
    assert 'id="id_life"' in html
    assert 'name="life_unit"' in html
    assert 'id="id_life_unit"' in html
    assert 'aria-label="Unit"' in html
    assert '<option value="minute" selected>' in html
    assert Lease()["life"].id_for_label == "id_life"
