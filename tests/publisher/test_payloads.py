"""Schemas and examples of messages: which may stand in a design."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from core.values import BadValue
from publisher.payloads import DEPTH, DRAFT_7, SCHEMA_BYTES, clean_examples, clean_schema, misfits


def nested(depth: int) -> Any:
    schema: Any = {"type": "object"}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"text": {"$ref": "#/$defs/text"}}, "$defs": {"text": {"type": "string"}}},
        {"$schema": DRAFT_7, "items": [{"type": "string"}]},
        {"$schema": DRAFT_7.rstrip("#"), "definitions": {"a": {}}, "$ref": "#/definitions/a"},
        {"properties": {"$ref": {"type": "string"}}, "title": "Приветствие"},
    ],
)
def test_schemas_of_both_drafts_are_kept_as_they_are(schema: Any) -> None:
    assert clean_schema(schema) == schema


def test_true_and_false_are_written_as_the_objects_that_mean_the_same() -> None:
    assert (clean_schema(True), clean_schema(False)) == ({}, {"not": {}})
    assert (misfits({}, [1]), len(misfits({"not": {}}, [1]))) == ([], 1)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ([], "JSON object"),
        ({"type": "strin"}, "at /type"),
        ({"$ref": "#/$defs/nothing"}, "not in it|does not exist"),
        ({"$ref": "https://example.com/schema.json"}, "Bring it in under"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "Bring it in under"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "draft-07"),
        ({"pattern": "("}, "at /pattern"),
        ({"description": "x" * SCHEMA_BYTES}, "at most 64 KiB"),
        (nested(DEPTH), "levels"),
        ({"maximum": float("nan")}, "not JSON"),
        ({"title": "\ud800"}, "not JSON"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(schema: Any, said: str) -> None:
    with pytest.raises(BadValue, match=said):
        clean_schema(schema)


@pytest.mark.parametrize("key", ["$dynamicRef", "$recursiveRef"])
def test_no_schema_makes_the_server_ask_the_network(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        schemas = [{key: f"{address}/a"}, {"$id": f"{address}/b", "$ref": "#anchor"}, {"$schema": address}]
        for schema in schemas:
            try:
                misfits(clean_schema(schema), [1])
            except BadValue:
                continue
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_an_example_that_does_not_fit_is_named_with_its_place() -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    assert misfits(schema, [{"text": "hello"}]) == []
    assert misfits(schema, [{"text": "hello"}, {"text": 5}]) == [
        'Example 2 does not fit the schema: at /text, 5 is not of type "string".'
    ]


def test_examples_are_bounded() -> None:
    assert clean_examples(["hello", None, 5, {"a": [1]}]) == ["hello", None, 5, {"a": [1]}]
    for examples in ([1] * 11, ["x" * 20_000], "hello", [json.loads("[" * 50 + "]" * 50)]):
        with pytest.raises(BadValue):
            clean_examples(examples)
