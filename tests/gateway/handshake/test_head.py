"""What a request's head must be, and how refusals are written."""

from __future__ import annotations

import json

import pytest

from gateway import refusals
from gateway.handshake import head

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = [
    (b"host", b"gateway.test"),
    (b"upgrade", b"websocket"),
    (b"connection", b"keep-alive, Upgrade"),
    (b"sec-websocket-key", KEY),
    (b"sec-websocket-version", b"13"),
]


def changed(**fields: bytes | None) -> list[tuple[bytes, bytes]]:
    names = {name.replace("_", "-").encode(): value for name, value in fields.items()}
    kept = [(name, names.pop(name, value)) for name, value in HANDSHAKE]
    return [(name, value) for name, value in [*kept, *names.items()] if value is not None]


def status_of(headers: list[tuple[bytes, bytes]], method: bytes = b"GET", version: str = "1.1") -> int | None:
    refusal = head.refuse_head(method, version, b"/echo", headers)
    return refusal.status if refusal else None


def test_a_good_handshake_is_taken() -> None:
    assert status_of(HANDSHAKE) is None


@pytest.mark.parametrize("name", [b"host", b"origin", b"authorization", b"upgrade", b"sec-websocket-key"])
def test_what_may_stand_once_may_not_stand_twice(name: bytes) -> None:
    assert status_of([*HANDSHAKE, (name, b"a"), (name, b"b")]) == 400


def test_other_headers_may_stand_twice() -> None:
    assert status_of([*HANDSHAKE, (b"cookie", b"a=1"), (b"cookie", b"b=2")]) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (changed(sec_websocket_version=b"8"), 426),
        (changed(sec_websocket_version=None), 426),
        (changed(sec_websocket_key=None), 400),
        (changed(sec_websocket_key=b"c2hvcnQ="), 400),
        (changed(sec_websocket_key=b"not base64 at all!!!!!!!"), 400),
        (changed(host=None), 400),
        (changed(content_length=b"1"), 400),
        (changed(content_length=b"0"), None),
        (changed(transfer_encoding=b"chunked"), 400),
        (changed(x_text="Grüße".encode()), None),
        (changed(x_text=b"a\x00b"), 400),
        (changed(x_text="Åsa".encode()), None),
        (changed(x_text=b"a\tb"), None),
    ],
)
def test_a_handshake_that_could_be_taken_in_two_ways_is_refused(
    headers: list[tuple[bytes, bytes]], status: int | None
) -> None:
    assert status_of(headers) == status


def test_plain_http_needs_nothing_of_a_handshake() -> None:
    assert status_of([(b"host", b"a")], method=b"POST") is None


@pytest.mark.parametrize(
    ("headers", "asks"),
    [
        (HANDSHAKE, True),
        (changed(upgrade=b"WebSocket"), True),
        (changed(upgrade=b"h2c"), False),
        (changed(connection=b"keep-alive"), False),
        ([(b"connection", b"keep-alive"), (b"connection", b"upgrade"), (b"upgrade", b"websocket")], True),
        ([], False),
    ],
)
def test_a_handshake_is_what_asks_to_be_upgraded(headers: list[tuple[bytes, bytes]], asks: bool) -> None:
    assert head.is_handshake(headers) is asks


def test_a_refusal_is_json_and_the_last_thing_said() -> None:
    written = head.write_refusal(refusals.backend_suspended(9))
    first, _, rest = written.partition(b"\r\n")
    fields, _, body = rest.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 503 Service Unavailable"
    assert b"Retry-After: 9" in fields
    assert b"Connection: close" in fields
    assert b"Content-Length: %d" % len(body) in fields
    assert json.loads(body)["code"] == 303001


def test_a_response_is_framed_by_us_alone() -> None:
    written = head.write_response(
        200, [(b"Content-Length", b"99"), (b"Connection", b"keep-alive"), (b"X", b"1")], b"ok"
    )
    assert written.lower().count(b"content-length") == 1
    assert b"keep-alive" not in written
    assert written.endswith(b"\r\n\r\nok")


def test_a_101_holds_exactly_what_the_backend_chose() -> None:
    written = head.write_switch("abc=", [(b"Sec-WebSocket-Protocol", b"chat")])
    assert written == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: abc=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
    )
