"""What the head of a request must be before anything else looks at it, and how a refusal is written. Pure.

The HTTP parser has split the head; here is decided whether what it found can be taken in only one way. A request that
two programs could read differently is refused, not repaired (RFC 9112 §11.2).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus

from gateway import native, refusals
from gateway.refusals import Refusal

Headers = Sequence[tuple[bytes, bytes]]

REQUEST_ID = b"X-APIM-Request-Id"  # as backends and the log see it, too

ONCE = (b"host", b"origin", b"authorization", b"upgrade", b"sec-websocket-key", b"sec-websocket-version")
_FRAMING = frozenset((b"content-length", b"connection", b"transfer-encoding"))
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # what is over 0x7F is opaque (RFC 9110 §5.5)


def refuse_head(method: bytes, version: str, target: bytes, headers: Headers) -> Refusal | None:
    """Why this request cannot be taken, whether it is a handshake or plain HTTP; None when it can.

    Header names are in lower case. A handshake is what asks to be upgraded to `websocket`.
    """
    if version not in ("1.0", "1.1"):
        return refusals.malformed("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    names = [name for name, _ in headers]
    for name in ONCE:
        if names.count(name) > 1:
            return refusals.malformed(f"The header {name.decode()} was sent more than once.")
    for name, value in headers:
        if _CONTROL.search(value):
            return refusals.malformed(f"The header {name.decode('latin-1')} holds a control character.")
    if version == "1.1" and b"host" not in names:
        return refusals.malformed("The header host is missing.")
    if not target.startswith(b"/"):
        return refusals.malformed("The request's target must begin with a slash.")
    if not is_handshake(headers):
        return None
    fields = dict(headers)
    if method != b"GET" or version != "1.1":
        return refusals.malformed("A WebSocket handshake is a GET request of HTTP/1.1.")
    if fields.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in fields:
        return refusals.malformed("A WebSocket handshake has no body.")
    if fields.get(b"sec-websocket-version", b"").strip() != b"13":
        return refusals.BAD_VERSION
    with suppress(binascii.Error):
        if len(base64.b64decode(fields.get(b"sec-websocket-key", b"").strip(), validate=True)) == 16:
            return None
    return refusals.malformed("The header sec-websocket-key must be 16 random bytes in base64.")


def is_handshake(headers: Headers) -> bool:
    """Whether the request asks for a WebSocket."""
    fields = dict(headers)
    connection = b",".join(value for name, value in headers if name == b"connection")
    wants = {token.strip().lower() for token in connection.split(b",")}
    return b"upgrade" in wants and fields.get(b"upgrade", b"").strip().lower() == b"websocket"


def write_refusal(refusal: Refusal, request_id: str = "") -> bytes:
    """The whole response: a JSON body of WSO2's shape, and the connection ends with it."""
    headers = refusal_headers(refusal)
    if request_id:
        headers.append((REQUEST_ID, request_id.encode()))
    return write_response(refusal.status, headers, refusal_body(refusal))


def write_response(status: int, headers: Headers, body: bytes) -> bytes:
    """A whole response after which the connection ends."""
    lines = [
        b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode()),
        *(b"%b: %b" % (name, value) for name, value in headers if name.lower() not in _FRAMING),
        b"Content-Length: %d" % len(body),
        b"Connection: close",
    ]
    return b"\r\n".join((*lines, b"", b"")) + body


def refusal_headers(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """The headers of a refusal, except those that frame it."""
    own = [(name.encode(), value.encode("latin-1", "replace")) for name, value in refusal.headers]
    return [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"), *own]


def refusal_body(refusal: Refusal) -> bytes:
    """The JSON that every refusal carries."""
    return json.dumps({"code": refusal.code, "message": refusal.message, "description": refusal.description}).encode()


def write_switch(accept: str, headers: Headers) -> bytes:
    """A 101 with exactly these headers besides the ones that make it one."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: %b" % accept.encode(),
        *(b"%b: %b" % header for header in headers),
    ]
    return b"\r\n".join((*lines, b"", b""))


def accept_for(key: bytes) -> str:
    """The only right `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`."""
    return native.proof_of(key).decode()
