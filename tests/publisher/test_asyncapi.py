"""AsyncAPI documents: valid by the official schemas, read as they were written, nothing of a stranger's lost."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.asyncapi import source
from publisher.asyncapi.definition import VERSIONS, Design
from publisher.asyncapi.reading import read
from publisher.asyncapi.writing import write
from publisher.payloads import DRAFT_7
from publisher.topics import clean_topics
from tests.environment import ROOT

TEXT = {"type": "string", "minLength": 1}
SAY = {
    "name": "say",
    "summary": "Says something. Говорит.",
    "schema": {"type": "object", "properties": {"text": {"$ref": "#/$defs/text"}}, "$defs": {"text": TEXT}},
    "examples": [{"text": "hello"}],
}
TOPICS = [
    {
        "target": "/rooms/{id}",
        "verbs": ["subscribe", "publish"],
        "mapping": "/v2/rooms/{id}",
        "scopes": ["rooms"],
        "description": "One room.",
        "parameters": {"id": "Which room."},
        "messages": {"publish": [SAY, {"name": "leave"}], "subscribe": [SAY, {"name": "leave", "summary": "Left."}]},
    },
    {"target": "/lobby", "verbs": ["subscribe"], "mapping": "", "scopes": []},
    {"target": "/files/*", "verbs": ["publish"], "mapping": "", "scopes": ["files", "rooms"]},
]


def design(**given: Any) -> Design:
    values: dict[str, Any] = {
        **{"title": "Chat", "version": "1.0.0", "description": "Rooms.", "tags": ["chat"], "topics": TOPICS},
        "servers": {"ws": "ws://localhost:9099/chat/1.0.0", "wss": "wss://localhost:8099/chat/1.0.0"},
        "token_url": "https://localhost:9443/oauth2/token",
        "authorization_url": "https://localhost:9443/oauth2/authorize",
        **{"query_token": True, "rest": {}, "with_mappings": True},
    }
    return Design(**{**values, **given})


@cache
def official(version: str) -> jsonschema_rs.Validator:
    """The schema that the AsyncAPI initiative publishes."""
    path = ROOT / "node_modules" / "@asyncapi" / "specs" / "schemas" / f"{VERSIONS[version]}.json"
    return jsonschema_rs.Draft7Validator(json.loads(path.read_text()))


def complaints(document: Any, version: str) -> list[str]:
    return [f"{error.instance_path}: {error.message[:300]}" for error in official(version).iter_errors(document)]


FOREIGN_3: dict[str, Any] = {
    "asyncapi": "3.0.0",
    "id": "urn:example:chat",
    "info": {
        "title": "Foreign chat",
        "version": "7",
        "license": {"name": "Apache-2.0"},
        "contact": {"email": "chat@example.com"},
        "tags": [{"name": "chat", "description": "About chat."}, {"name": "not, a tag"}],
        "externalDocs": {"url": "https://example.com/docs"},
        "x-team": "rooms",
    },
    "servers": {
        "live": {
            "host": "{region}.example.com:8443",
            "pathname": "/v1",
            "protocol": "wss",
            "variables": {"region": {"default": "eu"}},
        }
    },
    "channels": {
        "room": {
            "address": "rooms/{id}",
            "title": "A room",
            "description": "One room.",
            "parameters": {"id": {"description": "Which.", "examples": ["lobby"]}},
            "bindings": {"ws": {"method": "GET"}},
            "messages": {
                "say": {"$ref": "#/components/messages/Say"},
                "blob": {
                    "payload": {
                        "schemaFormat": "application/vnd.apache.avro;version=1.9.0",
                        "schema": {"type": "bytes"},
                    }
                },
            },
            "x-room": {"a": 1},
        }
    },
    "operations": {
        "sayIt": {
            "action": "receive",
            "channel": {"$ref": "#/channels/room"},
            "title": "Say it",
            "messages": [{"$ref": "#/channels/room/messages/say"}],
            "tags": [{"name": "talk"}],
            "x-slow": True,
        },
        "hear": {"action": "send", "channel": {"$ref": "#/channels/room"}},
    },
    "components": {
        "messages": {
            "Say": {
                "name": "SayMessage",
                "title": "Say",
                "contentType": "application/json",
                "headers": {"type": "object", "properties": {"trace": {"$ref": "#/components/schemas/Trace"}}},
                "payload": {"$ref": "#/components/schemas/Say"},
                "examples": [
                    {"name": "short", "summary": "A short one.", "payload": {"text": "hi"}},
                    {"headers": {"trace": "abc"}},
                ],
                "correlationId": {"location": "$message.header#/trace"},
            }
        },
        "schemas": {
            "Say": {
                "type": "object",
                "required": ["text"],
                "properties": {
                    "text": {"$ref": "#/components/schemas/Text"},
                    "answers": {"type": "array", "items": {"$ref": "#/components/schemas/Say"}},
                },
            },
            "Text": TEXT,
            "Trace": {"type": "string"},
            "Unused": {"type": "boolean"},
        },
    },
}
FOREIGN_2: dict[str, Any] = {
    "asyncapi": "2.6.0",
    "info": {"title": "Foreign chat", "version": "7", "termsOfService": "https://example.com/terms", "x-team": "rooms"},
    "tags": [{"name": "chat", "description": "About chat."}],
    "externalDocs": {"url": "https://example.com/docs"},
    "defaultContentType": "application/json",
    "servers": {"live": {"url": "wss://example.com/v1", "protocol": "wss"}},
    "channels": {
        "rooms/{id}": {
            "description": "One room.",
            "parameters": {"id": {"description": "Which.", "schema": {"type": "string", "maxLength": 9}}},
            "bindings": {"ws": {"method": "GET"}},
            "publish": {
                "operationId": "sayIt",
                "summary": "Say it.",
                "security": [{"oauth": ["rooms"]}],
                "message": {
                    "oneOf": [
                        {"$ref": "#/components/messages/Say"},
                        {"messageId": "leave", "payload": {"items": [{"type": "string"}]}},
                    ]
                },
            },
            "subscribe": {"message": {"$ref": "#/components/messages/Say"}, "x-slow": True},
        }
    },
    "components": {
        "messages": {
            "Say": {
                "title": "Say",
                "headers": {"type": "object", "properties": {"trace": {"type": "string"}}},
                "payload": {"$ref": "#/components/schemas/Say"},
                "examples": [{"name": "short", "payload": {"text": "hi"}}],
            }
        },
        "schemas": {
            "Say": {"type": "object", "properties": {"text": {"$ref": "#/components/schemas/Text"}}},
            "Text": TEXT,
        },
    },
}
FOREIGN = {"3.0": FOREIGN_3, "2.6": FOREIGN_2}


# --- writing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("given", [{}, {"topics": []}, {"description": "", "tags": [], "query_token": False}])
def test_what_is_written_is_valid_by_the_official_schema(version: str, given: dict[str, Any]) -> None:
    assert complaints(write(design(**given), version), version) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_official_schema_refuses_what_is_wrong(version: str) -> None:
    document = write(design(), version)
    del document["info"]["title"]
    assert complaints(document, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_written_reads_as_the_same_topics(version: str) -> None:
    found = read(source.as_yaml(write(design(), version)))
    assert found.problems == []
    assert found.topics == clean_topics(TOPICS)
    assert found.rest == {}
    assert (found.title, found.api_version, found.description, found.tags) == ("Chat", "1.0.0", "Rooms.", ["chat"])


@pytest.mark.parametrize("version", VERSIONS)
def test_an_api_that_declares_no_topic_stays_one(version: str) -> None:
    assert read(source.as_json(write(design(topics=[]), version))).topics == []


def test_paths_on_the_backend_are_for_those_who_make_the_design() -> None:
    for version in VERSIONS:
        assert "v2/rooms" in source.as_json(write(design(), version))
        assert "v2/rooms" not in source.as_json(write(design(with_mappings=False), version))


SERVERS = {
    "3.0": {
        "live": {
            "host": "{region}.example.com:8443",
            "pathname": "/v1",
            "protocol": "wss",
            "description": "For everybody.",
            "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}},
            "tags": [{"name": "env:live"}],
            "x-rack": 7,
        },
        "ws": {"host": "example.com", "protocol": "ws"},
    },
    "2.6": {
        "live": {"url": "wss://example.com:8443/v1", "protocol": "wss", "description": "For all.", "x-rack": 7},
        "ws": {"url": "ws://example.com", "protocol": "ws", "bindings": {"ws": {}}},
    },
}


@pytest.mark.parametrize("version", VERSIONS)
def test_foreign_servers_come_out_again_beside_the_gateway(version: str) -> None:
    document = {**FOREIGN[version], "servers": SERVERS[version]}
    found = read(source.as_yaml(document))
    assert found.problems == []
    mine = design(rest=found.rest, topics=found.topics)
    written = write(mine, version)
    assert {key: each for key, each in written["servers"].items() if key in SERVERS[version]} == SERVERS[version]
    assert [*written["servers"]] == ["live", "ws", "ws_2", "wss"]
    assert complaints(written, version) == []
    assert read(source.as_yaml(written)).rest["servers"] == SERVERS[version]  # the gateway is none of them
    public = write(design(rest=found.rest, topics=found.topics, with_mappings=False), version)
    assert [*public["servers"]] == ["ws", "wss"]


@pytest.mark.parametrize("version", VERSIONS)
def test_foreign_servers_are_said_in_the_other_version_too(version: str) -> None:
    found = read(source.as_yaml({**FOREIGN[version], "servers": SERVERS[version]}))
    (other,) = VERSIONS.keys() - {version}
    written = write(design(rest=found.rest, topics=found.topics), other)
    assert complaints(written, other) == []
    live = written["servers"]["live"]
    if other == "3.0":
        assert (live["host"], live["pathname"]) == ("example.com:8443", "/v1")
    else:
        assert live["url"] == "wss://{region}.example.com:8443/v1"
    assert live["x-rack"] == 7


@pytest.mark.parametrize("version", VERSIONS)
def test_what_names_a_server_names_nothing_where_servers_are_not_said(version: str) -> None:
    document = deepcopy({**FOREIGN[version], "servers": SERVERS[version]})
    channel = next(iter(document["channels"].values()))
    channel["servers"] = [{"$ref": "#/servers/live"}] if version == "3.0" else ["live"]
    found = read(source.as_yaml(document))
    for for_makers in (True, False):
        written = write(design(rest=found.rest, topics=found.topics, with_mappings=for_makers), version)
        assert ("servers" in next(iter(written["channels"].values()))) is for_makers


NAMES = st.text(st.sampled_from("abcя-._9"), min_size=1, max_size=6)
SCHEMAS = st.sampled_from(
    [
        True,
        {"type": "string"},
        {"$schema": DRAFT_7, "items": [{"type": "string"}]},
        {"$ref": "#/$defs/a~b", "$defs": {"a~b": {"properties": {"x/y": {"$ref": "#/$defs/a~0b"}}}}},
        {"properties": {"self": {"$ref": "#"}}},
    ]
).filter(lambda schema: not (isinstance(schema, dict) and schema.get("$ref") == "#/$defs/a~b"))
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "summary": st.text("ab ñ", min_size=1).map(str.strip),
            "schema": SCHEMAS,
            "examples": st.just([1, "a"]),
        },
    ),
    max_size=3,
    unique_by=lambda message: message["name"],
)
TOPIC = st.fixed_dictionaries(
    {
        "target": st.lists(st.sampled_from(["a", "b", "{x}", "ключ", "c.d"]), min_size=1, max_size=3, unique=True).map(
            lambda parts: "/" + "/".join(parts)
        ),
        "verbs": st.sampled_from([["publish"], ["subscribe"], ["subscribe", "publish"]]),
        "scopes": st.lists(st.sampled_from(["r", "w"]), unique=True),
    },
    optional={"description": st.text("xy ", max_size=5), "mapping": st.just("/b")},
)


@given(st.lists(TOPIC, max_size=3, unique_by=lambda topic: topic["target"].replace("{x}", "")), st.data())
def test_any_design_is_written_valid_and_read_as_it_was(topics: list[dict[str, Any]], data: st.DataObject) -> None:
    for topic in topics:
        topic["messages"] = {verb: data.draw(MESSAGES) for verb in topic["verbs"]}
    cleaned = clean_topics(topics)
    for version in VERSIONS:
        document = write(design(topics=cleaned), version)
        assert complaints(document, version) == []
        found = read(source.as_yaml(document))
        assert found.problems == []
        assert found.topics == cleaned


# --- what is foreign ---------------------------------------------------------------------------------------------


def taken_over(document: dict[str, Any], version: str = "") -> tuple[Design, dict[str, Any]]:
    found = read(source.as_yaml(document))
    assert found.problems == []
    made = design(
        title=found.title,
        version=found.api_version,
        description=found.description,
        tags=found.tags,
        topics=found.topics,
        rest=found.rest,
    )
    return made, write(made, version or found.version)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_foreign_documents_of_this_file_are_valid(version: str) -> None:
    assert complaints(FOREIGN[version], version) == []


@pytest.mark.parametrize("into", VERSIONS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_foreign_document_comes_out_valid_in_both_versions(version: str, into: str) -> None:
    _, document = taken_over(FOREIGN[version], into)
    assert complaints(document, into) == []
    assert read(source.as_yaml(document)).topics == read(source.as_yaml(FOREIGN[version])).topics


def test_what_the_design_has_no_place_for_survives_in_version_3() -> None:
    made, document = taken_over(FOREIGN_3)
    assert document["id"] == "urn:example:chat"
    assert document["info"] == {**FOREIGN_3["info"], "title": "Foreign chat", "version": "7"}
    room = document["channels"]["room"]
    for key in ("address", "title", "description", "bindings", "parameters", "x-room"):
        assert room[key] == FOREIGN_3["channels"]["room"][key]
    assert room["messages"]["blob"] == FOREIGN_3["channels"]["room"]["messages"]["blob"]
    said = FOREIGN_3["components"]["messages"]["Say"]
    for key in ("name", "title", "contentType", "headers", "correlationId", "examples"):
        assert room["messages"]["say"][key] == said[key]
    operation = document["operations"]["sayIt"]
    assert operation == FOREIGN_3["operations"]["sayIt"]
    assert document["components"]["schemas"].keys() == {"Trace", "Unused"}  # the others stand in the payload now
    again, second = taken_over(document)
    assert (again.topics, again.rest, second) == (made.topics, made.rest, document)


def test_what_the_design_has_no_place_for_survives_in_version_2() -> None:
    made, document = taken_over(FOREIGN_2)
    assert document["info"] == FOREIGN_2["info"]
    assert document["tags"] == FOREIGN_2["tags"]
    assert document["externalDocs"] == FOREIGN_2["externalDocs"]
    room, was = document["channels"]["rooms/{id}"], FOREIGN_2["channels"]["rooms/{id}"]
    for key in ("description", "parameters", "bindings"):
        assert room[key] == was[key]
    assert (room["publish"]["operationId"], room["publish"]["summary"]) == ("sayIt", "Say it.")
    assert room["subscribe"]["x-slow"] is True
    assert room["subscribe"]["message"]["headers"] == FOREIGN_2["components"]["messages"]["Say"]["headers"]
    again, second = taken_over(document)
    assert (again.topics, again.rest, second) == (made.topics, made.rest, document)


def test_a_payload_takes_along_what_it_refers_to() -> None:
    topic = taken_over(FOREIGN_3)[0].topics[0]
    say = topic["messages"]["publish"][0]
    assert say["name"] == "say"
    assert say["schema"]["properties"]["answers"]["items"] == {"$ref": "#"}
    assert say["schema"]["$defs"] == {"Text": TEXT}
    assert [each["name"] for each in topic["messages"]["subscribe"]] == ["say", "blob"]
    assert topic["messages"]["subscribe"][1] == {"name": "blob"}


def test_a_schema_that_only_draft_7_can_read_is_marked_as_one() -> None:
    leave = taken_over(FOREIGN_2)[0].topics[0]["messages"]["publish"][1]
    assert leave["schema"] == {"$schema": DRAFT_7, "items": [{"type": "string"}]}


def test_what_the_design_says_now_stands_over_what_was_taken_over() -> None:
    made, _ = taken_over(FOREIGN_3)
    topics = deepcopy(list(made.topics))
    topics[0]["description"] = "Changed."
    del topics[0]["messages"]["subscribe"]
    topics[0]["verbs"] = ["publish"]
    document = write(design(topics=topics, rest=made.rest), "3.0")
    assert document["channels"]["room"]["description"] == "Changed."
    assert document["operations"].keys() == {"sayIt"}
    assert document["channels"]["room"]["messages"].keys() == {"say"}
    assert write(design(topics=[], rest=made.rest), "3.0")["channels"].keys() == {"all"}


# --- problems ------------------------------------------------------------------------------------------------


HEAD = "asyncapi: 3.0.0\ninfo: {title: A, version: '1'}\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 0, "nothing in it yet"),
        ("asyncapi: [", 1, "cannot be read"),
        ("[]", 1, "begins with asyncapi"),
        ("openapi: 3.0.0", 1, "OpenAPI"),
        ("asyncapi: 1.2.0", 1, "1.2.0 is not among"),
        ("asyncapi: 3.0.0\ninfo:\n  title: A", 2, "needs a version"),
        ("asyncapi: 2.6.0\ninfo: {title: A, version: 1}", 1, "channels is missing"),
        (HEAD + "channels:\n  a: 5", 4, "channel a is an object"),
        (HEAD + "channels:\n  a:\n    address: /a/*/b", 5, "whole last segment"),
        (HEAD + "channels:\n  a: {}\n  b:\n    address: a", 5, "twice"),
        (HEAD + "channels:\n  a:\n    $ref: other.yaml", 4, "another document"),
        (HEAD + "operations:\n  a:\n    action: shout", 5, "send or receive"),
        (HEAD + "operations:\n  a:\n    action: send\n    channel: {$ref: '#/channels/b'}", 6, "names nothing"),
        (HEAD + "servers:\n  a: {host: h, protocol: kafka}", 3, "ws or wss"),
        (
            HEAD + "channels:\n  a:\n    messages:\n      m:\n        payload:\n          type: strin",
            7,
            "no JSON Schema",
        ),
        (HEAD + "channels:\n  a:\n    messages:\n      m:\n        payload: {$ref: '#/x'}", 7, "names nothing"),
        (HEAD + "channels:\n  a: {$ref: '#/channels/b'}\n  b: {$ref: '#/channels/a'}", 4, "circle"),
    ],
)
def test_a_problem_is_named_at_its_line(text: str, line: int, said: str) -> None:
    problems = read(text).problems
    assert said in str(problems[0])
    assert problems[0].line == line


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(list(VERSIONS)), JSON, st.data())
def test_no_document_whatever_breaks_the_reader(version: str, value: Any, data: st.DataObject) -> None:
    document = deepcopy(FOREIGN[version])
    at: Any = document
    for _ in range(data.draw(st.integers(0, 6))):
        inner = [key for key, each in at.items() if isinstance(each, dict) and each]
        if not inner:
            break
        at = at[data.draw(st.sampled_from(inner))]
    at[data.draw(st.sampled_from(list(at)))] = value
    found = read(source.as_json(document))
    if not found.problems:
        write(design(topics=found.topics, rest=found.rest), version)


def test_lists_that_are_none_are_told_or_left_alone() -> None:
    for version in VERSIONS:
        document = deepcopy(FOREIGN[version])
        (document["info"] if version == "3.0" else document)["tags"] = True
        assert "tags is a list." in str(read(source.as_json(document)).problems[0])
    document = deepcopy(FOREIGN["3.0"])
    document["components"]["messages"]["Say"]["examples"] = None
    found = read(source.as_json(document))
    assert write(design(topics=found.topics, rest=found.rest), "3.0")


# --- text ----------------------------------------------------------------------------------------------------

LONG = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(LONG)
def test_both_texts_say_what_was_written(value: Any) -> None:
    document = {"a": value}
    assert source.read(source.as_json(document)).value == document
    assert source.read(source.as_yaml(document)).value == document


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "a stands here twice"),
        ("a: !!python/object/apply:os.system ['x']", 1, "Leave it out"),
        ("a: *b", 1, "stands for nothing"),
        ("[" * 1000, 1, "deep"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("x" * 600_000, 0, "512 KiB"),
    ],
)
def test_text_that_cannot_be_taken_is_refused_at_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(source.BadSource, match=said) as refusal:
        source.read(text)
    assert refusal.value.problem.line == line


def test_references_that_multiply_are_counted_before_they_are_built() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
    )
    with pytest.raises(source.BadSource, match="at most 50000 values"):
        source.read(bomb)
