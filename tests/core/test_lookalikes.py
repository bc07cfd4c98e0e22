"""Names that people take for each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lookalikes import LONGEST, looks, possible_looks


@pytest.mark.parametrize(("one", "other"), [
    ("alice", "alıce"),
    ("admin", "аdmin"),
    ("admin", "ａｄｍｉｎ"),
    ("ALICE", "аlісе"),
    ("paul", "pau1"),
    ("bob", "b0b"),
    ("modern", "modem"),
    ("straße", "STRASSE"),
])  # fmt: skip
def test_names_that_look_alike_have_the_same_look(one: str, other: str) -> None:
    assert looks(one) == looks(other)


@pytest.mark.parametrize(("one", "other"), [
    ("karl", "kari"),
    ("anna", "hanna"),
    ("иван", "ivan"),
    ("ärlig", "arlig"),
    ("dave2", "dave3"),
])  # fmt: skip
def test_names_that_people_tell_apart_do_not(one: str, other: str) -> None:
    assert looks(one) != looks(other)


def test_capitals_of_another_script_count_as_they_are_seen() -> None:
    assert looks("hans") in possible_looks("НANS")


@given(st.text(max_size=300))
def test_any_text_has_a_look_that_fits_its_column_and_is_one_of_its_possible_ones(text: str) -> None:
    assert len(looks(text)) <= LONGEST
    assert looks(text) in possible_looks(text)
