"""No field that an API names is left in what is kept of a payload."""

from __future__ import annotations

import json

import pytest

from gateway.payloads.redaction import NOT_JSON, REDACTED, keep

SECRET = "4111-1111"
POINTERS = ("/card/number", "/items/*/pin", "/rows/1", "/a~1b/c~0d", "/*/deep")


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        ({"card": {"number": SECRET, "name": "Carol"}}, 1),
        ({"items": [{"pin": SECRET}, {"pin": SECRET, "x": 1}, 5]}, 2),
        ({"rows": ["first", {"any": SECRET}, "third"]}, 1),
        ({"a/b": {"c~d": [SECRET]}}, 1),
        ({"x": {"deep": SECRET}, "y": {"deep": {"deeper": SECRET}}}, 2),
        ({"card": json.dumps({"number": SECRET})}, 1),  # JSON in a text
    ],
)
def test_a_named_field_goes_and_the_rest_stays(payload: object, fields: int) -> None:
    kept = keep(json.dumps(payload).encode(), POINTERS)
    assert kept.payload is not None
    assert (kept.fields, SECRET in kept.payload.decode(), REDACTED in kept.payload.decode()) == (fields, False, True)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"card": {"number": "4111-1111"},',
        b'\xef\xbb\xbf{"card": {"number": "4111-1111"}}',
        b'\xff{"card"',
        b"[" * 100_000,
        b'42["card", {"number": "4111-1111"}]',
        json.dumps({"card": {"number": SECRET}}).encode("utf-16"),
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_is_not_kept_where_fields_are_named_and_is_kept_where_none_are(payload: bytes) -> None:
    assert keep(payload, POINTERS) == (None, 0, NOT_JSON)
    assert keep(payload, ()) == (payload, 0, "")
    assert keep(payload, None).payload is None


def test_a_name_that_comes_twice_hides_nothing() -> None:
    kept = keep(b'{"card": {"number": "4111-1111"}, "card": 5}', POINTERS)
    assert kept.payload == b'{"card": 5}'
    named_by_escape = keep(b'{"c\\u0061rd": {"n\\u0075mber": "4111-1111"}}', POINTERS)
    assert SECRET.encode() not in (named_by_escape.payload or SECRET.encode())


def test_what_holds_no_named_field_is_kept_as_it_was_sent() -> None:
    for payload in (b'{ "text" : 1.50 }', b"5", b"", '{"größe": "\\ud800"}'.encode()):
        assert keep(payload, POINTERS) == (payload, 0, "")
    half = keep(b'{"card": {"number": 1}, "x": "\\ud800"}', POINTERS)
    assert json.loads(half.payload or b"") == {"card": {"number": REDACTED}, "x": "\ud800"}
