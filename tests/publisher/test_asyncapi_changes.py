"""What other topics would change, and what of it breaks clients."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.asyncapi.changes import Change, breaking, changes
from tests.publisher.test_topics import PLAIN, ROOM, SAY


def topic(verb: str, schema: Any) -> list[dict[str, Any]]:
    return [{**PLAIN, "messages": {verb: [{"name": "say", "schema": schema}]}}]


def broken(verb: str, before: Any, after: Any) -> list[str]:
    return [each.removeprefix("say on /rooms: ") for each in breaking(topic(verb, before), topic(verb, after))]


def test_nothing_differs_from_itself() -> None:
    assert changes([PLAIN, ROOM], [PLAIN, ROOM]) == []
    assert breaking([PLAIN, ROOM], [PLAIN, ROOM]) == []


def test_changes_are_named_topic_by_topic() -> None:
    other = {**ROOM, "scopes": [], "messages": {"publish": [{**SAY, "summary": "New."}, {"name": "leave"}]}}
    new = {**PLAIN, "target": "/lobby"}
    assert changes([PLAIN, ROOM], [new, other]) == [
        Change("added", "/lobby"),
        Change("removed", "/rooms"),
        Change(
            "changed",
            "/rooms/{id}",
            "scopes, message said (subscribe) removed, message say (publish) changed and message leave (publish) added",
        ),
    ]
    assert changes([PLAIN, ROOM], [ROOM, PLAIN]) == [Change("changed", "The order of the topics")]


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        ([PLAIN, ROOM], [ROOM], ["The topic /rooms is removed."]),
        ([], [PLAIN], ["Every path was open; now only the declared topics are."]),
        ([PLAIN], [], []),
        ([PLAIN], [{**PLAIN, "verbs": ["publish"]}], ["/rooms no longer lets clients subscribe."]),
        ([PLAIN], [{**PLAIN, "scopes": ["a"]}], ["/rooms asks for a scope now: a."]),
        ([{**PLAIN, "scopes": ["a", "b"]}], [{**PLAIN, "scopes": ["b"]}], ["/rooms no longer opens to tokens with a."]),
        ([{**PLAIN, "scopes": ["a"]}], [{**PLAIN, "scopes": ["a", "b"]}], []),
        (
            [ROOM],
            [{**ROOM, "messages": {"publish": [SAY], "subscribe": [{"name": "other"}]}}],
            ["The message said on /rooms/{id} (subscribe) is removed."],
        ),
    ],
)
def test_what_is_gone_breaks_clients(before: Any, after: Any, sentences: list[str]) -> None:
    assert breaking(before, after) == sentences


TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (TEXT, {**TEXT, "required": ["text"]}, "/text is required now."),
        (TEXT, {"type": "object", "properties": {"text": {"type": "integer"}}}, "/text may no longer be string."),
        ({}, {"type": "object"}, "the payload must be object now."),
        ({"type": ["string", "null"]}, {"type": "string"}, "the payload may no longer be null."),
        ({"type": "number"}, {"type": "integer"}, "the payload may no longer be number."),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, 'the payload may no longer be "b".'),
        ({}, {"enum": ["a"]}, "the payload takes only certain values now."),
        ({"maxLength": 9}, {"maxLength": 5}, "maxLength of the payload is 5 now, it was 9."),
        (TEXT, {"type": "object", "additionalProperties": False}, "/text is no longer taken."),
        (
            {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": TEXT}},
            {"items": {"$ref": "#/$defs/b"}, "$defs": {"b": {**TEXT, "required": ["text"]}}},
            "/*/text is required now.",
        ),
    ],
)
def test_what_clients_send_breaks_when_less_of_it_is_taken(before: Any, after: Any, sentence: str) -> None:
    assert broken("publish", before, after) == [sentence]
    assert sentence not in broken("publish", after, before)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({**TEXT, "required": ["text"]}, TEXT, "/text may be missing now."),
        (TEXT, {"type": "object"}, "/text is gone."),
        ({"type": "string"}, {"type": ["string", "null"]}, "the payload may be null now."),
        ({"type": "string"}, {}, "the payload may be anything now."),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, 'the payload may be "b" now.'),
        ({"maximum": 5}, {"maximum": 9}, "maximum of the payload is 9 now, it was 5."),
    ],
)
def test_what_clients_receive_breaks_when_it_may_be_something_new(before: Any, after: Any, sentence: str) -> None:
    assert broken("subscribe", before, after) == [sentence]
    assert broken("subscribe", before, before) == []
    assert sentence not in broken("subscribe", after, before)


def test_a_schema_that_holds_itself_comes_to_an_end() -> None:
    tree: dict[str, Any] = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    assert breaking(topic("publish", tree), topic("publish", {**tree, "required": ["child"]}))


SCHEMA = st.recursive(
    st.sampled_from([{}, True, {"type": "string"}, {"type": ["null", 5]}, {"enum": 5}, {"$ref": "#/x"}, {"$ref": "#"}]),
    lambda inner: st.dictionaries(st.sampled_from(["properties", "items", "required", "type", "maximum", "a"]), inner),
    max_leaves=6,
)


@given(SCHEMA, SCHEMA)
def test_no_pair_of_schemas_breaks_the_comparison(before: Any, after: Any) -> None:
    for verb in ("publish", "subscribe"):
        breaking(topic(verb, before), topic(verb, after))
