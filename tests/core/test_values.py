"""Values that a person sent: each is taken, or refused with a sentence of its own."""

from typing import Any

import pytest

from core.errors import Invalid
from core.values import BadValue, clean, invalid, refuse


def even(value: Any) -> int:
    if value % 2:
        raise BadValue("This is odd.", str(value + 1))
    return int(value)


def test_every_field_that_cannot_be_taken_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        clean({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": even, "b": even, "c": even})

    assert refusal.value.fields == {
        "a": "This is odd. Did you mean 2?",
        "c": "This is odd. Did you mean 4?",
        "d": "There is no such field. Leave it out.",
    }
    assert str(refusal.value) == " ".join(refusal.value.fields.values())


def test_what_is_taken_comes_back_clean() -> None:
    assert clean({"a": 2.0}, {"a": even}) == {"a": 2}


def test_fields_with_nothing_to_say_are_no_refusal() -> None:
    refuse({"name": None, "version": ""})

    with pytest.raises(Invalid, match=r"^It cannot be saved\. Too long\.$") as refusal:
        refuse({"name": "Too long.", "version": None}, "It cannot be saved.")
    assert refusal.value.fields == {"name": "Too long."}


def test_a_refusal_of_one_field_says_its_sentence() -> None:
    assert (str(invalid(name="Give it a name.")), invalid(name="x").fields) == ("Give it a name.", {"name": "x"})
