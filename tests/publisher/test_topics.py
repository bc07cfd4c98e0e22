"""Topics of a design: what may be said of them, and how one is saved, moved and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from core.errors import Invalid, NotAllowed
from core.values import BadValue
from publisher import merging, operations
from publisher.models import Api
from publisher.topics import clean_topics, message_fields, topic_fields
from tests.publisher.builders import LATER, make_api, verbs

PLAIN = {"target": "/rooms", "verbs": ["subscribe", "publish"], "mapping": "", "scopes": []}
SAY = {
    "name": "say",
    "summary": "Says something in a room.",
    "schema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "examples": [{"text": "hello"}],
}
ROOM: dict[str, Any] = {
    "target": "/rooms/{id}",
    "verbs": ["subscribe", "publish"],
    "mapping": "",
    "scopes": ["rooms"],
    "description": "One room. Комната.",
    "parameters": {"id": "Which room."},
    "messages": {"publish": [SAY], "subscribe": [{"name": "said"}]},
}


def base_of(fields: dict[str, Any]) -> dict[str, str]:
    return {name: merging.digest(value) for name, value in fields.items()}


@pytest.fixture
def api(alice: User) -> Api:
    return make_api(alice, topics=[PLAIN, ROOM])


# --- the document --------------------------------------------------------------------------------------------


def test_a_topic_of_before_is_stored_as_it_was() -> None:
    assert clean_topics([PLAIN]) == [PLAIN]


def test_what_is_said_of_a_topic_is_kept_whole() -> None:
    assert clean_topics([ROOM]) == [ROOM]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parameters": {"room": "Which."}}, "variables"),
        ({"messages": {"send": []}}, "subscribe and publish"),
        ({"messages": {"publish": [SAY, SAY]}}, "stands there twice"),
        ({"messages": {"publish": [{"name": "two words"}]}}, "without a space"),
        ({"messages": {"publish": [{"name": "say", "schema": {"type": 1}}]}}, "say of /rooms"),
        ({"messages": {"publish": [{"name": f"m{n}"} for n in range(21)]}}, "at most 20"),
        ({"description": "x" * 4001}, "at most 4000"),
        ({"description": 5}, "is a text"),
    ],
)
def test_what_cannot_be_said_of_a_topic_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadValue, match=said):
        clean_topics([{**ROOM, **change}])


def test_all_topics_together_are_bounded() -> None:
    large = {"name": "m", "schema": {"description": "x" * 60_000}}
    topics = [{"target": f"/t{n}", "messages": {"publish": [large]}} for n in range(20)]
    with pytest.raises(BadValue, match="at most 1 MiB"):
        clean_topics(topics)


# --- one topic, one message ----------------------------------------------------------------------------------


def test_a_topic_is_added_at_the_end_and_changed_in_its_place(api: Api, alice: User) -> None:
    new = {"target": "/lobby", "verbs": ["subscribe"], "mapping": "", "scopes": [], "description": "All."}
    api = operations.save_topic(api=api, original="", topic=new, base=None, actor=alice, now=LATER)
    assert [each["target"] for each in api.topics] == ["/rooms", "/rooms/{id}", "/lobby"]
    fields = topic_fields(ROOM)
    renamed = {**fields, "target": "/rooms/{room}", "variable:room": "Which.", "verbs": ["publish"]}
    api = operations.save_topic(
        api=api, original="/rooms/{id}", topic=renamed, base=base_of(fields), actor=alice, now=LATER
    )
    assert api.topics[1]["target"] == "/rooms/{room}"
    assert api.topics[1]["parameters"] == {"room": "Which."}
    assert api.topics[1]["messages"] == ROOM["messages"]
    assert verbs(api) == ["api.created", "api.updated", "api.updated"]


def test_two_people_who_change_different_fields_of_a_topic_both_win(api: Api, alice: User) -> None:
    fields = topic_fields(ROOM)
    for change in ({"description": "Hers."}, {"scopes": ["his"]}):
        sent = {**fields, **change}
        api = operations.save_topic(
            api=api, original="/rooms/{id}", topic=sent, base=base_of(fields), actor=alice, now=LATER
        )
    assert (api.topics[1]["description"], api.topics[1]["scopes"]) == ("Hers.", ["his"])


def test_two_people_who_change_the_same_field_are_told_which(api: Api, alice: User) -> None:
    fields = topic_fields(ROOM)
    save = {"api": api, "original": "/rooms/{id}", "base": base_of(fields), "actor": alice, "now": LATER}
    operations.save_topic(topic={**fields, "description": "Hers."}, **save)
    with pytest.raises(operations.ChangedMeanwhile) as refusal:
        operations.save_topic(topic={**fields, "description": "His."}, **save)
    assert refusal.value.clashing == ("description",)
    assert Api.objects.get().topics[1]["description"] == "Hers."


def test_who_edits_what_is_gone_is_told_so(api: Api, alice: User) -> None:
    fields = topic_fields(ROOM)
    operations.delete_topic(api=api, target="/rooms/{id}", actor=alice, now=LATER)
    with pytest.raises(operations.GoneMeanwhile, match=r"changed the topics, and the topic /rooms/.id. is gone"):
        operations.save_topic(
            api=api, original="/rooms/{id}", topic=fields, base=base_of(fields), actor=alice, now=LATER
        )
    with pytest.raises(operations.GoneMeanwhile):
        operations.delete_topic(api=api, target="/rooms/{id}", actor=alice, now=LATER)


def test_a_topic_that_is_there_already_is_refused_at_its_field(api: Api, alice: User) -> None:
    with pytest.raises(Invalid) as refusal:
        operations.save_topic(api=api, original="", topic={**topic_fields(PLAIN)}, base=None, actor=alice, now=LATER)
    assert refusal.value.fields.keys() == {"target"}


def test_messages_are_added_changed_and_deleted(api: Api, alice: User) -> None:
    where = {"api": api, "target": "/rooms", "verb": "publish", "actor": alice, "now": LATER}
    api = operations.save_message(**where, original="", message=SAY, base=None)
    assert api.topics[0]["messages"] == {"publish": [SAY]}
    fields = message_fields(SAY)
    changed = {**fields, "name": "shout", "examples": []}
    api = operations.save_message(**where, original="say", message=changed, base=base_of(fields))
    assert [each["name"] for each in api.topics[0]["messages"]["publish"]] == ["shout"]
    assert "examples" not in api.topics[0]["messages"]["publish"][0]
    api = operations.delete_message(**where, name="shout")
    assert api.topics[0] == PLAIN


def test_a_message_clashes_field_by_field_too(api: Api, alice: User) -> None:
    fields = message_fields(SAY)
    save = {
        **{"api": api, "target": "/rooms/{id}", "verb": "publish", "original": "say"},
        **{"base": base_of(fields), "actor": alice, "now": LATER},
    }
    operations.save_message(message={**fields, "summary": "Hers."}, **save)
    operations.save_message(message={**fields, "examples": []}, **save)
    with pytest.raises(operations.ChangedMeanwhile) as refusal:
        operations.save_message(message={**fields, "summary": "His."}, **save)
    assert refusal.value.clashing == ("summary",)
    assert Api.objects.get().topics[1]["messages"]["publish"] == [
        {"name": "say", "summary": "Hers.", "schema": SAY["schema"]}
    ]


def test_a_topic_moves_by_one_and_never_past_an_end(api: Api, alice: User) -> None:
    def order(target: str, by: int) -> list[str]:
        moved = operations.move_topic(api=api, target=target, by=by, actor=alice, now=LATER)
        return [each["target"] for each in moved.topics]

    assert order("/rooms/{id}", -1) == ["/rooms/{id}", "/rooms"]
    assert order("/rooms/{id}", -1) == ["/rooms/{id}", "/rooms"]
    assert order("/rooms/{id}", 1) == ["/rooms", "/rooms/{id}"]


def test_nobody_without_the_right_changes_a_topic(api: Api, bob: User) -> None:
    for attempt in (
        lambda: operations.save_topic(api=api, original="", topic=topic_fields(PLAIN), base=None, actor=bob, now=LATER),
        lambda: operations.delete_topic(api=api, target="/rooms", actor=bob, now=LATER),
        lambda: operations.move_topic(api=api, target="/rooms", by=1, actor=bob, now=LATER),
    ):
        with pytest.raises(NotAllowed):
            attempt()
