"""What differs between two states of an API, in words."""

from __future__ import annotations

from typing import Any

import pytest

from publisher.comparison import Difference, compare
from publisher.endpoint import EndpointOptions

ROOM = {"target": "/rooms/{id}", "verbs": ["subscribe"], "mapping": "", "scopes": []}
NEWS = {"target": "/news", "verbs": ["subscribe"], "mapping": "", "scopes": []}
SCHEMA = {"type": "object", "a": 1, "b": 2}
SAY = {"name": "say", "schema": SCHEMA, "examples": [{"a": 1}]}
SEALED = "gAAAAABnotreadable"


def options(**changed: Any) -> dict[str, Any]:
    return {"endpoint_options": {**EndpointOptions().to_document(), **changed}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"name": "A"}, {"name": "A"}, []),
        (
            {"is_default_version": False},
            {"is_default_version": True},
            [Difference("API", "Default version", "no", "yes")],
        ),
        (
            {"production": {"url": "ws://a", "failover": []}},
            {"production": {"url": "ws://b", "failover": ["ws://c", "ws://d"]}},
            [
                Difference("Production endpoint", "Address", "ws://a", "ws://b"),
                Difference("Production endpoint", "Fails over to", "none", "ws://c, ws://d"),
            ],
        ),
        (
            {"origins": []},
            {"origins": ["https://a.test"]},
            [Difference("API", "Allowed origins", "none", "https://a.test")],
        ),
        (
            options(),
            options(idle_timeout=90.0, retries=2),
            [
                Difference("Endpoint configuration", "Idle timeout", "off", "1 minute 30 seconds"),
                Difference("Endpoint configuration", "Retries", "0", "2"),
            ],
        ),
        (
            {"topics": [ROOM, NEWS]},
            {"topics": [{**ROOM, "scopes": ["chat"], "description": "Räume"}]},
            [
                Difference("Topics", "/rooms/{id}: scopes", "none", "chat"),
                Difference("Topics", "/rooms/{id}: description", "none", "Räume"),
                Difference("Topics", "/news", "directions subscribe", "removed"),
            ],
        ),
        (
            {"topics": [ROOM, NEWS]},
            {"topics": [NEWS, ROOM]},
            [Difference("Topics", "Order", "/rooms/{id}, /news", "/news, /rooms/{id}")],
        ),
        ({}, {"something_new": {"a": 1}}, [Difference("API", "Something new: a", "none", "1")]),
        (
            {"topics": [{**ROOM, "messages": {"publish": [SAY], "subscribe": [SAY]}}]},
            {"topics": [{**ROOM, "messages": {"publish": [{**SAY, "schema": {**SCHEMA, "required": ["text"]}}]}}]},
            [
                Difference(
                    "Topics",
                    "/rooms/{id}: publish say, schema",
                    '  "a": 1,\n  "b": 2\n}',
                    '  "a": 1,\n  "b": 2,\n  "required": [\n    "text"\n  ]\n}',
                ),
                Difference("Topics", "/rooms/{id}: subscribe say", "there", "removed"),
            ],
        ),
        (
            {"topics": []},
            {"topics": [{**ROOM, "messages": {"publish": [SAY]}}]},
            [Difference("Topics", "/rooms/{id}", "not there", "directions subscribe; messages say")],
        ),
    ],
)
def test_each_field_is_said_before_and_after(before: Any, after: Any, said: list[Difference]) -> None:
    assert compare(before, after) == said


def test_an_option_that_one_side_does_not_know_has_its_default() -> None:
    assert compare({"endpoint_options": {}}, options()) == []


def test_of_a_secret_only_the_name_is_said() -> None:
    before = options(secret_headers={"X-Key": SEALED, "X-Old": SEALED})
    after = options(secret_headers={"X-Key": f"{SEALED}2", "X-New": SEALED})
    assert [(each.field, each.before, each.after) for each in compare(before, after)] == [
        ("Secret header X-Key", "kept secret", "another value"),
        ("Secret header X-Old", "kept secret", "none"),
        ("Secret header X-New", "none", "kept secret"),
    ]


@pytest.mark.parametrize(
    "sealed", [SEALED, {"token": SEALED}, {"deep": [{"er": SEALED}]}, [SEALED], [{"a": SEALED}]], ids=str
)
def test_nothing_sealed_is_ever_shown_wherever_it_stands(sealed: Any) -> None:
    found = [
        *compare({}, {"new_part": sealed}),
        *compare(options(), options(credentials=sealed, client_password="open", secret_word="open")),
        *compare({"topics": [ROOM]}, {"topics": [{**ROOM, "key": sealed}]}),
        *compare({"production": {"url": "a"}}, {"production": {"url": "a", "key": sealed}}),
    ]
    assert found
    assert "gAAAAA" not in str(found)
    assert "open" not in [each.after for each in found]
