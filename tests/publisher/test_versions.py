"""The order of versions."""

from hypothesis import example, given
from hypothesis import strategies as st

from publisher.versions import sort_key


def test_versions_stand_in_the_order_in_which_people_count() -> None:
    mixed = ["2.0", "10", "1.10", "v1", "1.0.0", "2.0-beta", "1.2", "1.0"]
    assert sorted(mixed, key=sort_key) == ["v1", "1.0", "1.0.0", "1.2", "1.10", "2.0-beta", "2.0", "10"]


@given(st.text(), st.text())
@example("²", "2")  # a digit, and no number to Python
def test_any_two_versions_can_be_compared(one: str, other: str) -> None:
    assert (sort_key(one) < sort_key(other)) or (sort_key(one) >= sort_key(other))
