"""Handshakes that two programs could read differently: refused, the connection ended, and the backend hears nothing."""

from __future__ import annotations

import json
import re
import string
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.server.config import ServerLimits
from tests.wire.gateway_under_test import TOKEN, Gateway, running
from tests.wire.peers import KEY, RawBackend, frame, raw_backend, raw_client, request, switch

pytestmark = pytest.mark.wire

SMUGGLED = b"GET /internal HTTP/1.1\r\nHost: backend\r\n\r\n" + frame(1, b"smuggled", masked=True)

START, HOST = "GET /echo/1.0.0 HTTP/1.1", "Host: gateway.test"
UPGRADE, CONNECTION = "Upgrade: websocket", "Connection: Upgrade"
KEY_LINE, VERSION = f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13"
TOKEN_LINE = f"Authorization: Bearer {TOKEN}"
GOOD = (START, HOST, UPGRADE, CONNECTION, KEY_LINE, VERSION, TOKEN_LINE)


def head(*lines: str, end: str = "\r\n") -> bytes:
    """A request's head of these lines."""
    return end.join([*lines, "", ""]).encode("latin-1")


def plus(*lines: str) -> bytes:
    """A good handshake with more lines."""
    return head(*GOOD, *lines)


def instead(old: str, *new: str) -> bytes:
    """A good handshake with one line replaced, or left out."""
    return head(*(each for line in GOOD for each in (new if line == old else (line,))))


REFUSED: dict[str, tuple[int, bytes]] = {
    # what is asked for
    "version 12": (426, instead(VERSION, "Sec-WebSocket-Version: 12")),
    "version 1337": (426, instead(VERSION, "Sec-WebSocket-Version: 1337")),
    "version 013": (426, instead(VERSION, "Sec-WebSocket-Version: 013")),
    "version +13": (426, instead(VERSION, "Sec-WebSocket-Version: +13")),
    "version list": (426, instead(VERSION, "Sec-WebSocket-Version: 13, 12")),
    "version empty": (426, instead(VERSION, "Sec-WebSocket-Version:")),
    "version missing": (426, instead(VERSION)),
    "version twice": (400, plus(VERSION)),
    "version twice, different": (400, plus("Sec-WebSocket-Version: 8")),
    "key missing": (400, instead(KEY_LINE)),
    "key empty": (400, instead(KEY_LINE, "Sec-WebSocket-Key:")),
    "key short": (400, instead(KEY_LINE, "Sec-WebSocket-Key: c2hvcnQ=")),
    "key long": (400, instead(KEY_LINE, "Sec-WebSocket-Key: " + "A" * 44)),
    "key no base64": (400, instead(KEY_LINE, "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==")),
    "key twice": (400, plus(KEY_LINE)),
    "key list": (400, instead(KEY_LINE, f"Sec-WebSocket-Key: {KEY}, {KEY}")),
    "no upgrade": (426, instead(UPGRADE)),
    "no connection": (426, instead(CONNECTION)),
    "connection close": (426, instead(CONNECTION, "Connection: close")),
    "upgrade h2c": (426, instead(UPGRADE, "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")),
    "upgrade twice": (400, plus("Upgrade: h2c")),
    "upgrade list": (426, instead(UPGRADE, "Upgrade: h2c, websocket")),
    "upgrade glued": (400, instead(UPGRADE, "Upgrade: websocket\x1f")),
    "upgrade with a version": (426, instead(UPGRADE, "Upgrade: websocket/13")),
    # how it is framed
    "method POST": (400, instead(START, "POST /echo/1.0.0 HTTP/1.1")),
    "method PUT": (400, instead(START, "PUT /echo/1.0.0 HTTP/1.1")),
    "method CONNECT": (400, instead(START, "CONNECT backend:80 HTTP/1.1")),
    "method unknown": (400, instead(START, "FROB /echo/1.0.0 HTTP/1.1")),
    "method in lower case": (400, instead(START, "get /echo/1.0.0 HTTP/1.1")),
    "HTTP/1.0": (400, instead(START, "GET /echo/1.0.0 HTTP/1.0")),
    "HTTP/0.9": (400, b"GET /echo/1.0.0\r\n\r\n"),
    "HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/1.2": (400, instead(START, "GET /echo/1.0.0 HTTP/1.2")),
    "two spaces": (400, instead(START, "GET /echo/1.0.0 x HTTP/1.1")),
    "absolute target": (400, instead(START, "GET http://backend/echo/1.0.0 HTTP/1.1")),
    "asterisk": (400, instead(START, "OPTIONS * HTTP/1.1")),
    "target without a slash": (400, instead(START, "GET echo/1.0.0 HTTP/1.1")),
    "a length": (400, plus("Content-Length: 5") + b"hello"),
    "two lengths": (400, plus("Content-Length: 0", "Content-Length: 5") + b"hello"),
    "a length of lists": (400, plus("Content-Length: 0, 5") + b"hello"),
    "a negative length": (400, plus("Content-Length: -1")),
    "a length with a plus": (400, plus("Content-Length: +5") + b"hello"),
    "chunked": (400, plus("Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    "length and chunked": (400, plus("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    "chunked, disguised": (400, plus("Transfer-Encoding: xchunked") + b"0\r\n\r\n"),
    "chunked, with a tab": (400, plus("Transfer-Encoding:\tchunked") + b"0\r\n\r\n"),
    "chunked and identity": (400, plus("Transfer-Encoding: chunked, identity") + b"0\r\n\r\n"),
    # how its lines are written
    "bare line feeds": (400, head(*GOOD, end="\n")),
    "bare carriage returns": (400, head(*GOOD, end="\r")),
    "one bare line feed": (400, head(*GOOD, "X-A: b\nX-Smuggled: c")),
    "one bare carriage return": (400, head(*GOOD, "X-A: b\rX-Smuggled: c")),
    "a folded line": (400, head(*GOOD, "X-A: b", " folded")),
    "a folded first line": (400, head(START, " folded", *GOOD[1:])),
    "a space before the colon": (400, plus("X-A : b")),
    "a tab before the colon": (400, plus("X-A\t: b")),
    "a space before the name": (400, head(START, " X-A: b", *GOOD[1:])),
    "no colon": (400, plus("X-A")),
    "no name": (400, plus(": b")),
    "a null": (400, plus("X-A: b\0c")),
    "a null in a name": (400, plus("X-\0A: b")),
    "a vertical tab": (400, plus("X-A: b\x0bOrigin: https://evil.test")),
    "a file separator": (400, plus("X-A: b\x1cOrigin: https://evil.test")),
    "two hosts": (400, plus("Host: other.test")),
    "no host": (400, instead(HOST)),
    "two origins": (400, plus("Origin: https://a.test", "Origin: https://b.test")),
    "two credentials": (400, plus(TOKEN_LINE)),
    "two kinds of credential": (400, instead(START, "GET /echo/1.0.0?access_token=x HTTP/1.1")),
    # who may not come in
    "no credential": (401, instead(TOKEN_LINE)),
    "a wrong token": (401, instead(TOKEN_LINE, "Authorization: Bearer nobodys")),
    "Basic": (401, instead(TOKEN_LINE, "Authorization: Basic YTpi")),
    "another API": (404, instead(START, "GET /other/1.0.0 HTTP/1.1")),
    "up and over": (400, instead(START, "GET /echo/1.0.0/../../internal HTTP/1.1")),
    "up and over, encoded": (400, instead(START, "GET /other/%2e%2e/echo/1.0.0 HTTP/1.1")),
    "too much": (431, plus("X-A: " + "b" * 10_000)),
    "too many": (431, plus(*(f"X-{number}: b" for number in range(1000)))),
}


@pytest.fixture
async def backend() -> AsyncIterator[RawBackend]:
    """A backend that knows how many called it."""
    async with raw_backend() as made:
        yield made


@pytest.fixture
async def gateway(backend: RawBackend) -> AsyncIterator[Gateway]:
    """A gateway that waits for no one."""
    async with running(backend.url, limits=ServerLimits(head_seconds=0.5, head_bytes=8192)) as made:
        yield made


@pytest.mark.parametrize("name", list(REFUSED))
async def test_a_doubtful_handshake_is_refused_and_nothing_behind_it_is_read(
    name: str, gateway: Gateway, backend: RawBackend, caplog: pytest.LogCaptureFixture
) -> None:
    status, first = REFUSED[name]
    for sent in (first + SMUGGLED, first):
        async with raw_client(gateway.port, sent) as client:
            answer = await client.rest()
        assert len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)) == 1, "what was smuggled was answered too"
        top, _, body = answer.partition(b"\r\n\r\n")
        assert int(top.split()[1]) == status, answer
        assert b"connection: close" in top.lower().split(b"\r\n")
        assert set(json.loads(body)) == {"code", "message", "description"}
    assert backend.connections.empty()
    assert gateway.connections == []
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda head: b"HTTP/1.1 426 No\r\nSec-WebSocket-Version: 13\r\n\r\n", id="426"),
        pytest.param(lambda head: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", id="200"),
        pytest.param(lambda head: b"HTTP/1.1 101 Fake\r\n\r\n", id="a 101 without proof"),
        pytest.param(lambda head: switch(head).replace(b"Accept: ", b"Accept: x"), id="a 101 with a wrong proof"),
        pytest.param(lambda head: b"HTTP/1.1 100 Go on\r\n\r\n" * 9 + switch(head), id="100 without end"),
        pytest.param(lambda head: b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", id="100 and then 200"),
        pytest.param(lambda head: b"HTTP/1.1 101 Fake\r\n\r\n" + switch(head), id="101 twice"),
        pytest.param(lambda head: switch(head, "Content-Length: 5"), id="a 101 with a body"),
        pytest.param(lambda head: switch(head, "Transfer-Encoding: chunked"), id="a 101 in chunks"),
        pytest.param(lambda head: switch(head).replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(lambda head: switch(head).replace(b"\r\nUpgrade", b"\nUpgrade"), id="one bare line feed"),
        pytest.param(lambda head: switch(head, "X-A: b", " folded"), id="a folded line"),
        pytest.param(lambda head: switch(head, "X-A : b"), id="a space before the colon"),
        pytest.param(lambda head: switch(head, ": b"), id="no name"),
        pytest.param(lambda head: switch(head).replace(b"HTTP/1.1", b"HTTP/2.0"), id="HTTP/2"),
        pytest.param(lambda head: switch(head).replace(b"HTTP/1.1", b"RTSP/1.0"), id="another protocol"),
        pytest.param(lambda head: b"\r\n" + switch(head), id="an empty line first"),
        pytest.param(lambda head: switch(head, "Sec-WebSocket-Accept: twice"), id="a 101 with two proofs"),
    ],
)
async def test_behind_a_backends_refusal_nothing_of_the_clients_reaches_it(answer: Callable[[bytes], bytes]) -> None:
    async with raw_backend(answer) as backend, running(backend.url) as gateway:
        async with raw_client(gateway.port, request() + SMUGGLED) as client:
            said = await client.rest()
        assert said.startswith(b"HTTP/1.1 502 ")
        upstream = await backend.accepted()
        assert await upstream.rest() == b""


async def test_a_header_with_any_byte_is_refused_or_arrives_as_it_was_sent(
    gateway: Gateway, backend: RawBackend
) -> None:
    refused = []
    for octet in range(256):
        line = b"X-Odd: a" + bytes([octet]) + b"b"
        async with raw_client(gateway.port, plus("X-Odd: here").replace(b"X-Odd: here", line)) as client:
            if (await client.read_head()).startswith(b"HTTP/1.1 101 "):
                assert line.lower() in (await backend.accepted()).head.lower().split(b"\r\n")
            else:
                refused.append(octet)
    assert refused == [*range(9), *range(10, 32), 0x7F]
    assert backend.connections.empty()


async def test_a_name_with_any_byte_that_no_token_has_is_refused(gateway: Gateway, backend: RawBackend) -> None:
    taken = ""
    for octet in range(256):
        line = b"X-" + bytes([octet]) + b"a: b"
        async with raw_client(gateway.port, plus("X-Odd: here").replace(b"X-Odd: here", line)) as client:
            if (await client.read_head()).startswith(b"HTTP/1.1 101 "):
                taken += chr(octet)
                await backend.accepted()
    assert set(taken) == set("!#$%&'*+-.^_`|~:" + string.ascii_letters + string.digits)


@pytest.mark.parametrize(
    "behind", [head(*GOOD), head(START), b"\x16\x03\x01", SMUGGLED], ids=["handshake", "400", "TLS", "GET"]
)
async def test_behind_plain_http_nothing_is_read_and_only_that_is_answered(
    behind: bytes, gateway: Gateway, backend: RawBackend, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw_client(gateway.port, head("GET /health HTTP/1.1", HOST) + behind) as client:
        answer = await client.rest()
    assert re.findall(rb"HTTP/1\.1 (\d{3}) ", answer) == [b"200"]
    assert answer.endswith(b'{"status": "ok"}')
    assert backend.connections.empty()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_good_handshake_in_the_same_words_is_let_in(gateway: Gateway, backend: RawBackend) -> None:
    async with raw_client(gateway.port, plus("X-A: b")) as client:
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
        await backend.accepted()
