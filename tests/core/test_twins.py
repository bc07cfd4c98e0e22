"""Names that have become one: who keeps theirs, and what the others are called."""

from dataclasses import dataclass

from core.twins import apart


@dataclass(frozen=True)
class Thing:
    """A row with a name, a place in which names are one's own, and a family that shares them."""

    name: str
    place: str = ""
    family: str = ""


def renamed(*things: Thing, longest: int = 60) -> dict[str, str]:
    rows = [(number, thing) for number, thing in enumerate(things)]
    found = apart(
        [thing for _, thing in rows],
        name="name",
        longest=longest,
        among=lambda thing: thing.place,
        family=lambda thing: thing.family or id(thing),
    )
    return {each.before: each.name for each in found}


def test_the_older_keeps_its_name_and_the_younger_gets_a_number() -> None:
    assert renamed(Thing("Ökostrom"), Thing("ökostrom"), Thing("ÖKOSTROM"), Thing("Chat")) == {
        "ökostrom": "ökostrom-2",
        "ÖKOSTROM": "ÖKOSTROM-3",
    }


def test_a_number_that_somebody_else_has_is_passed_over_also_one_that_comes_later() -> None:
    assert renamed(Thing("Ä"), Thing("ä"), Thing("Ä-2")) == {"ä": "ä-3"}


def test_a_long_name_loses_its_end_to_the_number() -> None:
    assert renamed(Thing("ÄÄÄÄÄ"), Thing("äääää"), longest=5) == {"äääää": "äää-2"}


def test_the_same_name_in_another_place_is_no_twin() -> None:
    assert renamed(Thing("Ä", place="carol"), Thing("ä", place="mallory")) == {}


def test_a_family_shares_its_name_and_keeps_sharing_the_new_one() -> None:
    versions = (Thing("ä", family="/b"), Thing("Ä", family="/a"), Thing("ä", family="/b"), Thing("Ä", family="/a"))
    assert renamed(*versions) == {"Ä": "Ä-2"}
