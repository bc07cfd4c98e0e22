"""What the extension reads of a head is what the parser and its judges beside it read; all else it leaves to them."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway import native
from gateway.handshake.head import is_handshake, refuse_head
from gateway.native import pure
from gateway.upstream import handshake
from gateway.upstream.handshake import BackendError, HandshakeProtocol, HandshakeResponse

LIMIT = 4096
HAS_EXTENSION = native.RELAY == native.NATIVE
REQUEST = (
    b"GET /echo/1.0.0?room=5&x=%20 HTTP/1.1\r\nHost: gateway.test:8443\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n"
    b"Authorization: Bearer a.b.c\r\nSec-WebSocket-Protocol: chat, apim\r\nX-Odd:caf\xc3\xa9\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Backend: 7\r\n\r\n"
)
LINES = [
    *(
        b"Host: b",
        b"Upgrade: WebSocket",
        b"Connection: keep-alive, Upgrade",
        b"Connection: close",
        b"Content-Length: 0",
    ),
    *(b"Transfer-Encoding: chunked", b"Origin: https://a.test", b"Cookie: a=b", b"X-Tab: a\tb", b"X-End: a ", b"X:  b"),
    *(b" folded", b"No colon", b"Space : x", b"X_Y: 1", b"Sec-WebSocket-Version: 13", b"X-Nul: \x00", b"X-Empty:", b""),
    *(b"Sec-WebSocket-Extensions: permessage-deflate", b"Sec-WebSocket-Extensions: x", b"Expect: 100-continue"),
]


class Request:
    """What uvicorn's protocol hears of a request."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


def plainly(data: bytes) -> tuple[bytes, tuple[tuple[bytes, bytes], ...], int] | None:
    """A request as `GatewayHttp` reads it, if that lets it pass."""
    request = Request()
    parser = httptools.HttpRequestParser(request)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade as upgrade:
        version, method = parser.get_http_version(), parser.get_method()
        if refuse_head(method, version, request.url, request.headers) or not is_handshake(request.headers):
            return None
        return request.url, tuple(request.headers), upgrade.args[0]
    except httptools.HttpParserError:
        pass
    return None


class Answer:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.given: Any = None

    def done(self) -> bool:
        return self.given is not None

    def cancel(self) -> bool:
        return False

    def set_result(self, answer: HandshakeResponse) -> None:
        self.given = answer

    def set_exception(self, error: BackendError) -> None:
        self.given = error


class NoTransport:
    def get_protocol(self) -> None: ...


def answered(data: bytes) -> Any:
    """What a backend's first chunk comes to, without the extension: an answer and what is behind it, or neither."""
    answer = Answer()
    protocol = HandshakeProtocol(b"", answer)
    protocol.transport = NoTransport()  # type: ignore[assignment]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handshake.native, "read_switch", lambda data, limit: None)
        protocol.data_received(data)
    return (answer.given, protocol.early) if isinstance(answer.given, HandshakeResponse) else None


@st.composite
def heads(draw: st.DrawFn, begun: bytes) -> bytes:
    """A head as it should be with lines more, fewer or in another order, some bytes of it changed, and what follows."""
    first, *lines = begun[:-4].split(b"\r\n")
    lines += draw(st.lists(st.sampled_from(LINES), max_size=2))
    if draw(st.booleans()):
        lines = draw(st.permutations(lines))
    if draw(st.integers(0, 9)) == 0:
        del lines[draw(st.integers(0, len(lines) - 1))]
    made = bytearray(b"\r\n".join([first, *lines, b"", b""]))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(made) - 1))
        octet = draw(st.sampled_from(b"\x00\t\n\r :;,=#/?Aa1\x7f\x80\xff"))
        made[at : at + draw(st.integers(0, 1))] = bytes([octet])
    return bytes(made) + draw(st.sampled_from([b"", b"\x81\x80abcd", b"\r\n"]))


def without(head: bytes, part: bytes) -> list[bytes]:
    """What the head can be without this part of it."""
    places = [at for at in range(len(head)) if head.startswith(part, at)]
    return [head[:at] + head[at + len(part) :] for at in places]


@given(data=heads(REQUEST))
@example(data=REQUEST)
def test_a_request_that_is_read_quickly_is_read_alike_and_let_pass_by_those_who_read_any(data: bytes) -> None:
    quick, parts = native.read_request(data, LIMIT), native.part_request(data, LIMIT)
    assert (quick is None) == (parts is None)
    if quick and parts:
        assert quick == plainly(data)
        rest, key, end = parts
        assert end == quick[2]
        assert dict(quick[1])[b"sec-websocket-key"] == key
        assert rest in without(data[:end], key)


@given(data=heads(SWITCH))
@example(data=SWITCH)
def test_an_answer_that_is_read_quickly_is_read_alike_by_those_who_read_any(data: bytes) -> None:
    quick, parts = native.read_switch(data, LIMIT), native.part_switch(data, LIMIT)
    assert (quick is None) == (parts is None)
    if quick and parts:
        assert (HandshakeResponse(101, quick[0]), data[quick[1] :]) == answered(data)
        rest, proof, end = parts
        assert dict(quick[0])[b"sec-websocket-accept"] == proof
        assert rest in without(data[:end], proof)


@given(key=st.binary(max_size=200))
@example(key=b"dGhlIHNhbXBsZSBub25jZQ==")
def test_the_proof_of_a_key_is_the_same_whoever_makes_it(key: bytes) -> None:
    assert native.proof_of(key) == pure.proof_of(key)
    assert pure.proof_of(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 §1.3


def test_a_head_is_read_once_it_is_whole_and_no_byte_before() -> None:
    for read, whole in ((native.read_request, REQUEST), (native.read_switch, SWITCH)):
        assert not any(read(whole[:size], LIMIT) for size in range(len(whole)))
        assert bool(read(whole, LIMIT)) is HAS_EXTENSION
        assert read(whole, LIMIT) == read(whole + b"frames", LIMIT)
        assert read(whole, len(whole) - 1) is None


def test_what_most_clients_and_backends_send_is_read_quickly() -> None:
    browser = REQUEST.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade") + b"\x81\x80abcd"
    assert bool(native.read_request(browser, LIMIT)) is HAS_EXTENSION
    dated = SWITCH.replace(
        b"X-Backend: 7", b"date: Fri, 27 Nov 2026 12:00:00 GMT\r\nServer: Python/3.11 websockets/15.0"
    )
    assert bool(native.read_switch(dated, LIMIT)) is HAS_EXTENSION


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        (b"GET ", b"PUT "),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"room=5", b"room=5#here"),
        (b"Host: gateway.test:8443\r\n", b""),
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Connection: Upgrade", b"Connection: close"),
        (b"Version: 13", b"Version: 12"),
        (b"Y2RlZg==", b"Y2RlZgA="),
        (b"Y2RlZg==", b"Y2RlZg=A"),
        (b"Y2RlZg==", b"Y2Rl-g=="),
        (b"Y2RlZg==", b"Y2RlZ==="),
        (b"Y2RlZg==", b"Y2RlZmc="),
        (b"X-Odd:", b"X Odd:"),
        (b"X-Odd:", b"X-Odd"),
        (b"X-Odd:", b"X-Odd:  "),
        (b"X-Odd:", b" X-Odd:"),
        (b"caf\xc3\xa9", b"a\tb"),
        (b"caf\xc3\xa9", b"a\x00b"),
        (b"caf\xc3\xa9", b"a "),
        (b"caf\xc3\xa9\r\n", b"a\n"),
        *(
            (b"X-Odd:", line + b"\r\nX-Odd:")
            for line in (
                *(b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Host: b", b"Upgrade: websocket"),
                *(b"Connection: Upgrade", b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", b"Sec-WebSocket-Version: 13"),
                *(b"Authorization: Bearer d", b"Sec-WebSocket-Protocol: chat"),
                *(
                    b"Origin: http://a\r\nOrigin: http://b",
                    b"Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b",
                ),
            )
        ),
    ],
)
def test_a_request_that_is_for_others_to_judge_is_not_read_quickly(given: bytes, instead: bytes) -> None:
    assert REQUEST.count(given) == 1
    assert native.read_request(REQUEST.replace(given, instead), LIMIT) is None


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        (b"101 ", b"200 "),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Switching", b"Swit\x00ching"),
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Connection: Upgrade", b"Connection: close"),
        (b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", b""),
        (b"X-Backend:", b"Content-Length: 0\r\nX-Backend:"),
        (b"X-Backend:", b"Transfer-Encoding: chunked\r\nX-Backend:"),
        (b"X-Backend:", b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Backend:"),
        (b"X-Backend:", b"Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\nX-Backend:"),
    ],
)
def test_an_answer_that_is_for_others_to_judge_is_not_read_quickly(given: bytes, instead: bytes) -> None:
    assert SWITCH.count(given) == 1
    assert native.read_switch(SWITCH.replace(given, instead), LIMIT) is None
