"""Dialling a backend: what is asked, what is accepted as an answer, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect

from gateway.upstream.breaker import CircuitBreaker
from gateway.upstream.dialer import Dialer
from publisher.endpoint import EndpointOptions
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running
from tests.wire.peers import frame, nobody, raw_backend, raw_client, request, switch, tcp_backend, websockets_backend

pytestmark = pytest.mark.wire


async def refusal(gateway: Gateway, first: bytes | None = None) -> tuple[int, dict[str, str], Any]:
    """What a client gets instead of a 101."""
    async with raw_client(gateway.port, first) as client:
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])}
    return int(head.split()[1]), headers, json.loads(body)


async def is_served(gateway: Gateway) -> bool:
    """Whether a client is let in and heard."""
    async with connect(gateway.url, additional_headers=gateway.headers) as client:
        await client.send("?")
        return await client.recv() == "?"


async def test_a_backend_that_does_not_listen_is_a_502() -> None:
    async with nobody() as gone, running(gone) as gateway:
        status, _, body = await refusal(gateway)
        assert (status, body["code"]) == (502, 101503)
        assert not gateway.connections


async def test_a_backend_without_a_name_is_a_502() -> None:
    async with running("ws://no-such-host.invalid") as gateway:
        status, _, body = await refusal(gateway)
    assert status == 502
    assert "resolved" in body["description"]


async def test_a_backend_that_says_nothing_is_a_504_after_the_connect_timeout() -> None:
    async with tcp_backend() as url, running(url, options=EndpointOptions(connect_timeout=0.2)) as gateway:
        status, _, body = await refusal(gateway)
        assert (status, body["code"]) == (504, 101504)
        assert "within 0.2 seconds" in body["description"]


def wrong_accept(head: bytes) -> bytes:
    return switch(head).replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda head: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", id="200"),
        pytest.param(lambda head: b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", id="401"),
        pytest.param(lambda head: b"HTTP/1.1 426 Upgrade Required\r\n\r\n", id="426"),
        pytest.param(lambda head: b"HTTP/1.1 500 Oops\r\n\r\n", id="500"),
        pytest.param(lambda head: b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", id="a redirect"),
        pytest.param(wrong_accept, id="a wrong accept"),
        pytest.param(lambda head: switch(head).replace(b"Sec-WebSocket-Accept", b"X-No"), id="no accept"),
        pytest.param(lambda head: switch(head).replace(b"Upgrade: websocket", b"X-No: 1"), id="no upgrade"),
        pytest.param(lambda head: switch(head).replace(b"Connection: Upgrade", b"X-No: 1"), id="no connection"),
        pytest.param(lambda head: switch(head, "Sec-WebSocket-Protocol: unasked"), id="a subprotocol not offered"),
        pytest.param(lambda head: switch(head, "Sec-WebSocket-Extensions: unasked"), id="an extension not offered"),
        pytest.param(lambda head: switch(head, "No colon"), id="no HTTP header"),
        pytest.param(lambda head: switch(head, "X-Odd: a\x0bb"), id="a control character"),
        pytest.param(lambda head: b"SSH-2.0-OpenSSH\r\n\r\n", id="no HTTP"),
        pytest.param(lambda head: b"HTTP/1.1 101 X\r\nX: " + b"x" * 40_000, id="too long"),
    ],
)
async def test_an_answer_that_is_no_101_is_a_502_and_nothing_is_tunnelled(answer: Callable[[bytes], bytes]) -> None:
    async with raw_backend(answer) as backend, running(backend.url) as gateway:
        status, _, body = await refusal(gateway, request() + b"GET /internal HTTP/1.1\r\n\r\n")
        assert (status, body["code"]) == (502, 101503)
        upstream = await backend.accepted()
        assert await upstream.rest() == b""


async def test_a_backend_that_hangs_up_before_it_answers_is_a_502() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with tcp_backend(hang_up) as url, running(url) as gateway:
        assert (await refusal(gateway))[0] == 502


async def test_an_answer_in_single_bytes_is_an_answer() -> None:
    async with (
        raw_backend(lambda head: b"") as backend,
        running(backend.url) as gateway,
        raw_client(gateway.port) as client,
    ):
        upstream = await backend.accepted()
        for octet in switch(upstream.head):
            await upstream.send(bytes([octet]))
            await asyncio.sleep(0)
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("in_one", [True, False])
async def test_interim_answers_are_passed_over(in_one: bool) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    greeting = frame(1, b"hello", masked=False)
    async with (
        raw_backend(lambda head: b"") as backend,
        running(backend.url) as gateway,
        raw_client(gateway.port) as client,
    ):
        upstream = await backend.accepted()
        whole = interim + switch(upstream.head, "X-A: b") + greeting
        for part in [whole] if in_one else [bytes([octet]) for octet in whole]:
            await upstream.send(part)
        answer = await client.read_head()
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"x-a: b\r\n" in answer.lower()
        assert b"link" not in answer.lower()
        assert await client.read(len(greeting)) == greeting


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503])
async def test_a_backends_refusal_passes_where_the_api_lets_it(status: int) -> None:
    said = f"HTTP/1.1 {status} No\r\nRetry-After: 17\r\nWWW-Authenticate: Basic\r\nX-Secret: 1\r\n\r\n".encode()
    async with raw_backend(lambda head: said) as backend:
        async with running(backend.url, options=EndpointOptions(pass_refusals=True)) as gateway:
            passed, headers, body = await refusal(gateway)
            assert (passed, body["code"], headers["retry-after"]) == (status, 101503, "17")
            assert headers["www-authenticate"] == "Basic"
            assert "x-secret" not in headers
            assert f"answered {status}" in body["description"]
        async with running(backend.url) as gateway:
            kept, headers, body = await refusal(gateway)
            assert (kept, "retry-after" in headers) == (502, False)
            assert f"answered {status}" in body["description"]


@pytest.mark.parametrize("status", [200, 302, 400, 407, 418, 500, 502])
async def test_no_other_status_of_a_backends_passes(status: int) -> None:
    said = f"HTTP/1.1 {status} No\r\nRetry-After: 17\r\n\r\n".encode()
    options = EndpointOptions(pass_refusals=True)
    async with raw_backend(lambda head: said) as backend, running(backend.url, options=options) as gateway:
        assert (await refusal(gateway))[0] == 502


async def test_a_backend_cannot_speak_for_the_gateways_host() -> None:
    own = [
        "Set-Cookie: __Host-apim-session=theirs; Path=/; Secure",
        "set-cookie: __host-APIM-session=theirs",
        "Set-Cookie: =__Host-apim-session=theirs",
        "Strict-Transport-Security: max-age=0",
        'Clear-Site-Data: "*"',
        'Alt-Svc: h3=":443"',
        "Public-Key-Pins: x",
        "NEL: {}",
        "Report-To: {}",
        "X-APIM-Connection: theirs",
    ]
    async with (
        raw_backend(lambda head: switch(head, *own, "Set-Cookie: theme=dark", "X-A: Åsa")) as backend,
        running(backend.url) as gateway,
        raw_client(gateway.port) as client,
    ):
        answer = (await client.read_head()).lower()
    assert [line for line in answer.split(b"\r\n") if line.startswith(b"set-cookie")] == [b"set-cookie: theme=dark"]
    assert "x-a: Åsa".encode() in answer
    for name in (b"strict-transport", b"clear-site", b"alt-svc", b"public-key", b"nel:", b"report-to", b"theirs"):
        assert name not in answer


async def test_a_clients_header_cannot_pass_for_one_of_the_endpoints_in_another_spelling() -> None:
    options = EndpointOptions(headers={"X-Backend-Key": "right"})
    first = request(headers=[("X_Backend_Key", "a"), ("x-backend_KEY", "b"), ("X-Backend-Key", "c"), ("X_Mine", "d")])
    async with (
        raw_backend() as backend,
        running(backend.url, options=options) as gateway,
        raw_client(gateway.port, first),
    ):
        head = (await backend.accepted()).head.lower().replace(b"_", b"-")
    assert head.count(b"x-backend-key") == 1
    assert b"x-backend-key: right\r\n" in head
    assert b"x-mine: d\r\n" in head


@pytest.mark.parametrize(
    ("address", "target", "host"),
    [
        ("/聊天?q=聊", "/%E8%81%8A%E5%A4%A9?q=%E8%81%8A", "127.0.0.1"),
        ("/a%20b/ü", "/a%20b/%C3%BC", "127.0.0.1"),
    ],
)
async def test_an_address_beyond_ascii_is_percent_encoded_on_the_wire(address: str, target: str, host: str) -> None:
    async with (
        raw_backend() as backend,
        running(f"ws://{host}:{backend.port}{address}") as gateway,
        raw_client(gateway.port) as client,
    ):
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
        line = (await backend.accepted()).head.split(b"\r\n")[0].decode("ascii")
    assert line.split()[1] == target


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "☃", "聊天.invalid", "b\u0000c"])
async def test_a_host_that_cannot_be_is_a_502(host: str) -> None:
    async with running(f"ws://{host}/app") as gateway:
        assert (await refusal(gateway))[0] == 502


async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    options = EndpointOptions(connect_timeout=0.2, retry_delay=0.01)
    async with (
        tcp_backend() as silent,
        websockets_backend() as good,
        nobody() as gone,
        running(silent, gone, good, options=options) as gateway,
    ):
        assert await is_served(gateway)


async def test_a_retry_finds_a_backend_that_came_back() -> None:
    answers = iter([b"HTTP/1.1 503 Starting\r\n\r\n", None])

    def answer(head: bytes) -> bytes:
        return next(answers) or switch(head)

    options = EndpointOptions(retries=1, retry_delay=0.01)
    async with (
        raw_backend(answer) as backend,
        running(backend.url, options=options) as gateway,
        raw_client(gateway.port) as client,
    ):
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")


async def test_an_answer_that_would_be_the_same_again_is_not_asked_for_again() -> None:
    options = EndpointOptions(retries=3, retry_delay=0.01)
    async with (
        raw_backend(lambda head: b"HTTP/1.1 404 No\r\n\r\n") as backend,
        running(backend.url, options=options) as gateway,
    ):
        assert (await refusal(gateway))[0] == 502
        assert backend.connections.qsize() == 1


async def test_a_backend_that_fails_again_and_again_is_suspended_and_the_client_told_for_how_long() -> None:
    options = EndpointOptions(suspend_after=2, suspend_initial=30)
    async with nobody() as gone, running(gone, options=options) as gateway:
        assert [(await refusal(gateway))[0] for _ in range(2)] == [502, 502]
        status, headers, body = await refusal(gateway)
        assert (status, body["code"]) == (503, 303001)
        assert 25 <= int(headers["retry-after"]) <= 30


async def test_after_its_rest_a_backend_that_answers_is_used_again() -> None:
    now = 0.0
    up = False

    def answer(head: bytes) -> bytes:
        return switch(head) if up else b"HTTP/1.1 500 Down\r\n\r\n"

    options = EndpointOptions(suspend_after=1, suspend_initial=30)
    async with (
        raw_backend(answer) as backend,
        running(backend.url, options=options, dialer=Dialer(breaker=CircuitBreaker(lambda: now))) as gateway,
    ):
        assert (await refusal(gateway))[0] == 502
        assert (await refusal(gateway))[0] == 503
        now, up = 31.0, True
        async with raw_client(gateway.port) as client:
            assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")


async def test_a_suspended_address_is_passed_over_for_the_next() -> None:
    options = EndpointOptions(suspend_after=1, suspend_initial=30, retry_delay=0.01)
    async with (
        raw_backend(lambda head: b"HTTP/1.1 500 Down\r\n\r\n") as bad,
        websockets_backend() as good,
        running(bad.url, good, options=options) as gateway,
    ):
        assert await is_served(gateway)
        assert await is_served(gateway)
        assert bad.connections.qsize() == 1


async def test_a_backends_certificate_must_be_trusted(certificate: Certificate) -> None:
    async with websockets_backend(ssl=certificate.server_context()) as url, running(url) as gateway:
        status, _, body = await refusal(gateway)
    assert status == 502
    assert "certificate" in body["description"]


async def test_an_authority_of_the_endpoints_own_is_trusted(certificate: Certificate) -> None:
    options = EndpointOptions(ca_certificate=certificate.pem)
    async with websockets_backend(ssl=certificate.server_context()) as url, running(url, options=options) as gateway:
        assert await is_served(gateway)


async def test_a_certificate_for_another_name_is_not_accepted(certificate: Certificate) -> None:
    options = EndpointOptions(ca_certificate=certificate.pem)
    async with (
        websockets_backend(ssl=certificate.server_context()) as url,
        running(url.replace("localhost", "127.0.0.2"), options=options) as gateway,
    ):
        assert (await refusal(gateway))[0] == 502


async def test_verification_can_be_switched_off(certificate: Certificate) -> None:
    options = EndpointOptions(verify_tls=False)
    async with websockets_backend(ssl=certificate.server_context()) as url, running(url, options=options) as gateway:
        assert await is_served(gateway)


async def test_a_plain_backend_at_a_wss_address_is_a_502() -> None:
    async with websockets_backend() as url, running(url.replace("ws:", "wss:")) as gateway:
        assert (await refusal(gateway))[0] == 502


async def test_the_endpoints_own_headers_win_over_the_clients() -> None:
    options = EndpointOptions(headers={"X-Key": "the publisher's", "Authorization": "Basic abc"})
    first = request(headers=[("X-Key", "the client's")])
    async with (
        raw_backend() as backend,
        running(backend.url, options=options) as gateway,
        raw_client(gateway.port, first),
    ):
        head = (await backend.accepted()).head.lower()
    assert head.count(b"x-key:") == 1
    assert b"x-key: the publisher's\r\n" in head
    assert b"authorization: basic abc\r\n" in head


async def test_an_address_that_policy_forbids_is_never_connected_to() -> None:
    async with raw_backend() as backend:
        async with running(
            backend.url, dialer=Dialer(refuse=lambda host, ip, port: "no" if ip == "127.0.0.1" else "")
        ) as gateway:
            status, _, body = await refusal(gateway)
        assert status == 502
        assert "policy" in body["description"]
        assert backend.connections.empty()


async def test_names_are_resolved_and_each_resolved_address_is_asked_about() -> None:
    asked: list[tuple[str, str, int]] = []

    def allow(host: str, ip: str, port: int) -> str:
        asked.append((host, ip, port))
        return ""

    async with websockets_backend() as url:
        named = url.replace("127.0.0.1", "localhost")
        async with running(named, dialer=Dialer(refuse=allow)) as gateway:
            assert await is_served(gateway)
    assert ("localhost", "127.0.0.1", int(url.rpartition(":")[2])) in asked
