"""Which payloads fit the messages of a topic, and what is said of those that do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.payloads.schemas import PayloadCheck, check_of, refers_to_itself

SAY: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}, "to": {"type": "array", "items": {"type": "integer"}}},
}
SHORT = {"properties": {"text": {"pattern": "^a"}}}
LEAVE = {"type": "object", "required": ["leave"], "properties": {"leave": {"const": True}}}
NODE = {"type": "object", "properties": {"x": {"$ref": "#/$defs/n"}}, "required": ["x"]}
TREE = {"$defs": {"n": {"anyOf": [NODE, {**NODE, "title": "again"}, {"const": "leaf"}]}}, "$ref": "#/$defs/n"}


def check(*schemas: Any) -> PayloadCheck:
    return PayloadCheck([{"name": f"m{number}", "schema": schema} for number, schema in enumerate(schemas, start=1)])


def said(payload: str | bytes, *schemas: Any) -> str:
    """What is wrong with a payload, or nothing."""
    misfit = check(*schemas).misfit(payload.encode() if isinstance(payload, str) else payload)
    return str(misfit.describe()) if misfit else ""


def test_a_payload_has_to_fit_one_of_the_messages() -> None:
    assert said('{"text": "Hello"}', SAY, LEAVE) == ""
    assert said('{"leave": true}', SAY, LEAVE) == ""
    assert said('{"shout": 1}', SAY, LEAVE).startswith("At the top: ")


@pytest.mark.parametrize(
    ("payload", "schema", "sentence"),
    [
        ('{"text": 5}', SAY, 'At /text: value is not of type "string" (m1).'),
        ('{"text": "", "to": [1, "x"]}', SAY, 'At /to/1: value is not of type "integer" (m1).'),
        ("{}", SAY, 'At the top: "text" is a required property (m1).'),
        ('{"a/b~c": 1}', {"properties": {"a/b~c": {"type": "null"}}}, 'At /a~1b~0c: value is not of type "null" (m1).'),
        ('{"größe": 1}', {"properties": {"größe": {"type": "null"}}}, 'At /größe: value is not of type "null" (m1).'),
        (b'{"text": "\xff"}', SAY, "At the top: it is not UTF-8 text."),
        ('{"text": ', SAY, "At the top: it is not JSON, Expecting value: line 1 column 10 (char 9)."),
        ("", SAY, "At the top: it is not JSON, Expecting value: line 1 column 1 (char 0)."),
        ('{"text": NaN}', SAY, "At the top: it is not JSON."),
        ("[" * 200_000, SAY, "At the top: it is nested too deeply."),
        ('{"text": "\\ud800"}', SHORT, "At the top: it holds numbers or characters that cannot be checked (m1)."),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(payload: str | bytes, schema: Any, sentence: str) -> None:
    assert said(payload, schema) == sentence


def test_no_value_of_a_payload_is_in_the_sentence() -> None:
    schema = {"properties": {"text": {"enum": ["yes"]}, "pin": {"maximum": 3, "type": "integer"}}}
    assert "hunter2" not in said('{"text": "hunter2"}', schema)
    assert "1234" not in said('{"pin": 1234}', schema)


def test_of_several_messages_the_one_is_named_that_the_payload_comes_closest_to() -> None:
    assert said('{"text": "Hello", "to": ["x"]}', LEAVE, SAY).startswith("At /to/0: ")


def test_text_without_quotation_marks_fits_only_a_message_of_text() -> None:
    words = {"type": "string", "maxLength": 5}
    assert said("Hello", words) == said('"Hi"', words) == said("42", words) == ""
    assert said("Hello!", words).startswith("At the top: value is longer than 5")
    assert said("Hello", {"required": ["text"]}).startswith("At the top: it is not JSON")  # which says nothing of texts
    assert said('{"text": ', SAY, words).startswith("At the top: ")


def test_draft_7_and_2020_12_are_each_read_as_themselves() -> None:
    pair = {"prefixItems": [{"type": "integer"}], "items": False}
    assert said('[1, "x"]', pair)
    assert not said('["x"]', {**pair, "items": True, "$schema": "http://json-schema.org/draft-07/schema#"})
    seventh = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}]}
    assert said('["x"]', seventh).startswith("At /0: ")


@pytest.mark.parametrize("pattern", [r"^(a|a)*\1$", r"^(a+)+$", r"^(?=(a+)+$)a"])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    assert said(json.dumps("a" * 5000 + "b"), {"type": "string", "pattern": pattern})


def test_where_an_error_cannot_be_found_in_good_time_only_that_there_is_one_is_said() -> None:
    payload: Any = "no leaf"
    for _ in range(40):
        payload = {"x": payload}
    assert refers_to_itself(TREE)
    assert said(json.dumps(payload), TREE) == "At the top: it does not fit, and is nested too deeply to say where (m1)."
    assert said('{"x": {"x": 1}}', TREE).endswith(" (m1).")


@pytest.mark.parametrize(
    ("schema", "does"),
    [
        (SAY, False),
        ({"$defs": {"a": SAY, "b": {"$ref": "#/$defs/a"}}, "items": {"$ref": "#/$defs/b"}}, False),
        ({"properties": {"next": {"$ref": "#"}}}, True),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"items": {"$ref": "#/$defs/a"}}}}, True),
        ({"items": {"$dynamicRef": "#node"}}, True),
        ({"$defs": {"a": {"$anchor": "here"}}, "items": {"$ref": "#here"}}, True),  # not followed, so thought the worst
    ],
)
def test_a_schema_that_leads_back_to_itself_is_known(schema: Any, does: bool) -> None:
    assert refers_to_itself(schema) is does


def test_a_direction_is_checked_only_where_each_of_its_messages_has_a_schema() -> None:
    topic = {"messages": {"publish": [{"name": "say", "schema": SAY}], "subscribe": [{"name": "a"}, {"name": "b"}]}}
    assert check_of(topic, "publish") is not None
    assert check_of(topic, "subscribe") is None
    mixed = {"messages": {"publish": [{"name": "say", "schema": SAY}, {"name": "free"}]}}
    assert check_of(mixed, "publish") is None
    assert check_of({}, "publish") is None
