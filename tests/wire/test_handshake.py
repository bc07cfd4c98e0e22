"""What a client may say before it is let in, and what it gets when it may not: the right status, JSON, and a close."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.logging import formats, redaction
from gateway.server.config import ServerLimits
from gateway.upstream.dialer import BackendAddress, Dialer
from gateway.upstream.handshake import BackendConnection, UpgradeRequest
from publisher.endpoint import EndpointOptions
from tests.gateway import builders
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import TOKEN, Gateway, running
from tests.wire.peers import (
    KEY,
    RawBackend,
    close_frame,
    frame,
    raw_backend,
    raw_client,
    request,
    tcp_backend,
    until,
)

pytestmark = pytest.mark.wire

QUICK = ServerLimits(head_seconds=0.3, head_bytes=4096)


@pytest.fixture
async def backend() -> AsyncIterator[RawBackend]:
    """A backend that must not hear of anybody who was refused."""
    async with raw_backend() as made:
        yield made
        assert made.connections.empty()


@pytest.fixture
async def gateway(backend: RawBackend) -> AsyncIterator[Gateway]:
    """A gateway that waits for no one."""
    async with running(backend.url, limits=QUICK) as made:
        yield made


async def answer_to(gateway: Gateway, first: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of the whole answer, after which the connection must have ended."""
    async with raw_client(gateway.port, first) as client:
        return parsed(await client.rest())


def parsed(answer: bytes) -> tuple[int, dict[str, str], Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert int(headers["content-length"]) == len(body)
    assert headers["connection"] == "close"
    return int(first.split()[1]), headers, json.loads(body)


def lines(*given: str) -> bytes:
    return "\r\n".join([*given, "", ""]).encode("latin-1")


HOST = "Host: gateway.test"
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
WEBSOCKET = (*UPGRADE, f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13")
AUTHORIZATION = f"Authorization: Bearer {TOKEN}"
GOOD = ("GET /echo/1.0.0 HTTP/1.1", HOST, *WEBSOCKET, AUTHORIZATION)


@pytest.mark.parametrize(
    ("first", "status"),
    [
        pytest.param(lines(*GOOD, "Host: other.test"), 400, id="two hosts"),
        pytest.param(lines(*GOOD, "Origin: https://a.test", "Origin: https://b.test"), 400, id="two origins"),
        pytest.param(lines(*GOOD, AUTHORIZATION), 400, id="two authorizations"),
        pytest.param(lines(*GOOD, "Upgrade: websocket"), 400, id="two upgrades"),
        pytest.param(lines(*GOOD, f"Sec-WebSocket-Key: {KEY}"), 400, id="two keys"),
        pytest.param(lines(*GOOD, "Sec-WebSocket-Version: 13"), 400, id="two versions"),
        pytest.param(lines("GET /echo/1.0.0 HTTP/1.1", *WEBSOCKET, AUTHORIZATION), 400, id="no host"),
        pytest.param(lines("POST /echo/1.0.0 HTTP/1.1", *GOOD[1:]), 400, id="post"),
        pytest.param(lines("GET /echo/1.0.0 HTTP/1.0", *GOOD[1:]), 400, id="http/1.0"),
        pytest.param(lines("GET http://x/echo/1.0.0 HTTP/1.1", *GOOD[1:]), 400, id="absolute target"),
        pytest.param(lines(*GOOD, "Content-Length: 5") + b"hello", 400, id="a body"),
        pytest.param(lines(*GOOD, "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, id="a chunked body"),
        pytest.param(
            lines(*GOOD, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, id="two lengths"
        ),
        pytest.param(
            lines("GET /echo/1.0.0 HTTP/1.1", HOST, *UPGRADE, "Sec-WebSocket-Version: 13", AUTHORIZATION),
            400,
            id="no key",
        ),
        pytest.param(
            lines("GET /echo/1.0.0 HTTP/1.1", HOST, *UPGRADE, "Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"),
            400,
            id="a bad key",
        ),
        pytest.param(request(version="12"), 426, id="version 12"),
        pytest.param(request(version="13, 8"), 426, id="two versions in one"),
        pytest.param(lines("GET /echo/1.0.0 HTTP/1.1", HOST, "Upgrade: h2c", "Connection: Upgrade"), 426, id="h2c"),
        pytest.param(lines("GET /echo/1.0.0 HTTP/1.1", HOST), 426, id="plain HTTP to a route"),
        pytest.param(lines("GET /nothing HTTP/1.1", HOST), 404, id="plain HTTP to nothing"),
        pytest.param(lines("GET /echo/1.0.0 HTTP/1.1", HOST, " folded"), 400, id="a folded line"),
        pytest.param(lines("GET /echo/1.0.0 HTTP/1.1", HOST, "No colon"), 400, id="no colon"),
        pytest.param(lines("GET /echo/1.0.0 HTTP/1.1", HOST, "Space : x"), 400, id="a space before the colon"),
        pytest.param(b"GET /echo/1.0.0 HTTP/1.1\nHost: a\n\n", 400, id="bare line feeds"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS to the plain port"),
        pytest.param(request(token=None), 401, id="no credential"),
        pytest.param(request(token="other"), 401, id="unknown token"),
        pytest.param(request("/echo/1.0.0?access_token=x"), 400, id="two credentials"),
        pytest.param(request("/other/1.0.0"), 404, id="no such API"),
        pytest.param(request("/echo/9"), 404, id="no such version"),
        pytest.param(request("/echo/1.0.0", [("Sec-WebSocket-Extensions", "x" * 5000)]), 431, id="too much"),
    ],
)
async def test_what_cannot_be_taken_in_one_way_only_is_refused(gateway: Gateway, first: bytes, status: int) -> None:
    got, headers, body = await answer_to(gateway, first)
    assert got == status
    assert headers["content-type"] == "application/json"
    assert set(body) == {"code", "message", "description"}
    assert body["description"].endswith(".")


@pytest.mark.parametrize("octet", [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
async def test_a_control_character_in_a_header_is_refused(gateway: Gateway, octet: int) -> None:
    first = request(headers=[("X-Odd", f"a{chr(octet)}b")])
    assert (await answer_to(gateway, first))[0] == 400


@pytest.mark.parametrize(
    "connection",
    [
        ("Connection: Upgrade", "Connection: keep-alive"),
        ("Connection: keep-alive", "Connection: Upgrade"),
        ("Connection: keep-alive", "Connection: x, upgrade", "Connection: y"),
    ],
)
async def test_connection_may_stand_on_several_lines_in_any_order(
    gateway: Gateway, backend: RawBackend, connection: tuple[str, ...]
) -> None:
    first = lines(*(line for line in GOOD if not line.startswith("Connection")), *connection)
    async with raw_client(gateway.port, first) as client:
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
        await backend.accepted()


async def test_a_wrong_version_is_told_the_right_one(gateway: Gateway) -> None:
    _, headers, _ = await answer_to(gateway, request(version="8"))
    assert headers["sec-websocket-version"] == "13"


async def test_no_credential_is_a_challenge(gateway: Gateway) -> None:
    _, headers, body = await answer_to(gateway, request(token=None))
    assert headers["www-authenticate"].startswith("Bearer")
    assert body["code"] == 900902


async def test_health_is_answered_without_a_credential(gateway: Gateway) -> None:
    status, _, body = await answer_to(gateway, lines("GET /health HTTP/1.1", HOST))
    assert (status, body) == (200, {"status": "ok"})


async def test_bytes_behind_a_refused_handshake_reach_nobody_and_do_not_spoil_the_answer(gateway: Gateway) -> None:
    behind = frame(1, bytes(1000), masked=True) * 200 + lines("GET /health HTTP/1.1", HOST)
    async with raw_client(gateway.port, b"") as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(request(token="wrong") + behind)
        await until(lambda: gateway.worker.config.lingering)
        await client.send(behind)
        await until(lambda: not client.writer.transport.get_write_buffer_size())
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        status, _, body = parsed(await client.rest())
    assert (status, body["code"]) == (401, 900901)


async def test_a_second_request_behind_plain_http_is_not_answered(gateway: Gateway) -> None:
    breaker = lines("GET /health HTTP/1.1", HOST)
    async with raw_client(gateway.port, breaker + breaker) as client:
        assert (await client.rest()).count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "part",
    [b"", b"GET /echo", lines(*GOOD)[:-2], lines(*GOOD, "X-Slow: yes")[:-4]],
    ids=["nothing", "a line", "headers", "more headers"],
)
async def test_a_handshake_that_never_ends_is_given_up(gateway: Gateway, part: bytes) -> None:
    status, _, body = await answer_to(gateway, part)
    assert status == 408
    assert f"within {QUICK.head_seconds:g} seconds" in body["description"]


async def test_a_trickle_of_header_bytes_does_not_buy_time(gateway: Gateway) -> None:
    async with raw_client(gateway.port, b"GET /echo/1.0.0 HTTP/1.1\r\n") as client:
        answering = asyncio.create_task(client.rest())
        while not answering.done():
            client.writer.write(b"X-Drip: x\r\n")
            await asyncio.sleep(0.05)
        assert (await answering).startswith(b"HTTP/1.1 408 ")


async def test_headers_without_end_are_cut_off(gateway: Gateway) -> None:
    async with raw_client(gateway.port, b"GET /echo/1.0.0 HTTP/1.1\r\nX-Long: ") as client:
        for _ in range(5):
            client.writer.write(b"x" * 1000)
            await asyncio.sleep(0)
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_a_handshake_in_single_bytes_is_a_handshake(backend: RawBackend, gateway: Gateway) -> None:
    async with raw_client(gateway.port, b"") as client:
        for octet in request():
            client.writer.write(bytes([octet]))
            await asyncio.sleep(0)
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
    await backend.accepted()


async def test_a_tls_handshake_that_never_ends_is_given_up(backend: RawBackend, certificate: Certificate) -> None:
    async with running(backend.url, limits=QUICK, server_tls=certificate.server_context()) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        async with asyncio.timeout(2):
            assert await reader.read() == b""
        writer.close()


async def test_a_handshake_that_never_ends_is_given_up_over_tls_too(
    backend: RawBackend, certificate: Certificate
) -> None:
    server, client_tls = certificate.server_context(), certificate.client_context()
    async with (
        running(backend.url, limits=QUICK, server_tls=server) as gateway,
        raw_client(gateway.port, b"GET /", client_tls) as client,
    ):
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")


async def test_a_full_gateway_refuses_newcomers_and_still_says_how_it_is(backend: RawBackend) -> None:
    async with (
        running(backend.url, limits=ServerLimits(connections=1)) as gateway,
        raw_client(gateway.port) as client,
    ):
        await client.read_head()
        await backend.accepted()
        status, headers, body = await answer_to(gateway, request())
        assert (status, body["message"]) == (503, "Server full")
        assert int(headers["retry-after"]) > 0
        assert (await answer_to(gateway, lines("GET /health HTTP/1.1", HOST)))[0] == 200
    await gateway.until_quiet()


async def test_clients_who_say_nothing_take_no_place_from_those_who_do(backend: RawBackend) -> None:
    async with (
        running(backend.url, limits=ServerLimits(connections=1)) as gateway,
        raw_client(gateway.port, b""),
        raw_client(gateway.port, b"GET /"),
        raw_client(gateway.port) as client,
    ):
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
        await backend.accepted()


async def test_while_too_many_are_being_greeted_the_next_ones_wait(backend: RawBackend) -> None:
    async with (
        running(backend.url, limits=ServerLimits(greeted=2)) as gateway,
        raw_client(gateway.port, b"GET /") as first,
        raw_client(gateway.port, b"GET /"),
        raw_client(gateway.port) as waiting,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await waiting.reader.readexactly(1)
        first.reset()
        assert (await waiting.read_head()).startswith(b"HTTP/1.1 101 ")
        await backend.accepted()


@pytest.mark.parametrize("first", [request(token="wrong"), lines("GET / HTTP/9.9", HOST)], ids=["decided", "malformed"])
async def test_a_refusal_says_under_which_id_it_stands_in_the_log(
    gateway: Gateway, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.access")
    caplog.handler.setFormatter(formats.Json())
    gateway.context.write_access = True
    _, headers, _ = await answer_to(gateway, first)
    (line,) = [json.loads(line) for line in caplog.text.splitlines() if "gateway.access" in line]
    assert headers["x-apim-request-id"] == line["request_id"] != ""


async def test_a_gateway_that_stops_turns_newcomers_away(backend: RawBackend) -> None:
    async with running(backend.url) as gateway, raw_client(gateway.port, request()[:-2]) as client:
        await until(lambda: gateway.worker.config.heads)
        gateway.context.is_stopping = True
        await client.send(b"\r\n")
        status, headers, _ = parsed(await client.rest())
        assert status == 503
        assert headers["retry-after"] == "1"


async def test_a_right_that_ends_while_the_backend_is_dialled_is_a_refusal() -> None:
    async with tcp_backend() as url, running(url) as gateway, raw_client(gateway.port) as client:
        while not gateway.connections:
            await asyncio.sleep(0.01)
        gateway.routing.grants.clear()
        gateway.connections[0].close(4001, "Revoked.")
        status, _, body = parsed(await client.rest())
        assert (status, body["code"]) == (401, 900901)
        assert not gateway.connections


async def test_a_right_that_ends_at_the_moment_the_backend_accepts_is_a_refusal_too() -> None:
    class Racing(Dialer):
        def begin_quickly(self, *_: object) -> None:
            """There the backend's answer and the client's are one moment."""

        async def dial(
            self,
            addresses: Sequence[BackendAddress],
            upgrade: UpgradeRequest,
            options: EndpointOptions,
            failure: Exception | None = None,
        ) -> BackendConnection:
            dialled = await super().dial(addresses, upgrade, options, failure)
            gateway.routing.grants.clear()
            asyncio.get_running_loop().call_soon(gateway.connections[0].close, 4001, "Revoked.")
            return dialled

    async with raw_backend() as backend, running(backend.url, dialer=Racing()) as gateway:
        assert (await answer_to(gateway, request()))[0] == 401
        assert await (await backend.accepted()).rest() == b""
        assert not gateway.connections


async def test_a_client_that_leaves_while_the_backend_is_dialled_leaves_nothing_behind(backend: RawBackend) -> None:
    async with running(backend.url) as gateway:
        async with raw_client(gateway.port) as client:
            client.reset()
        upstream = await backend.accepted()
        assert (await upstream.rest())[:1] in (b"", b"\x88")
        upstream.hang_up()
        await gateway.until_quiet()


async def test_a_fault_of_the_gateways_own_is_a_500_without_its_insides(
    backend: RawBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(backend.url) as gateway:

        def fail(handshake: object) -> None:
            raise RuntimeError("inside")

        for way in ("decide", "decide_now", "stands"):
            monkeypatch.setattr(gateway.routing, way, fail)
        status, _, body = await answer_to(gateway, request())
    assert status == 500
    assert "inside" not in json.dumps(body)


async def test_refusals_and_ends_are_written_to_the_access_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.access")
    async with raw_backend() as backend, running(backend.url, write_access=True) as gateway:
        await answer_to(gateway, request("/echo/1.0.0/a?secret=1", token="wrong"))
        async with raw_client(gateway.port) as client:
            await client.read_head()
            upstream = await backend.accepted()
            await client.send(frame(1, b"hello", masked=True) + close_frame(4000, masked=True))
            await upstream.close_received()
            await upstream.send(close_frame(4000, masked=False))
            upstream.hang_up()
            await gateway.until_quiet()
    refused, ended = [record.getMessage() for record in caplog.records if record.name == "gateway.access"]
    assert refused == "127.0.0.1 GET /echo/1.0.0/a 401 900901 Invalid credentials"
    assert "/echo/1.0.0 application app" in ended
    assert ended.endswith("in 1 messages 5 bytes, out 0 messages 0 bytes, client closed 4000")


async def test_no_credential_is_ever_logged(
    backend: RawBackend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "eyJcanary.canary-secret.canary"
    redaction.install()
    for name in redaction.LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    async with running(backend.url, write_access=True) as gateway:
        good = replace(builders.grant(), expires_at=4e9)
        for token in (canary, "other"):
            await answer_to(gateway, request(token=token))
            await answer_to(gateway, request(f"/echo/1.0.0?access_token={canary}", token=None))
            await answer_to(gateway, request(f"/echo/1.0.0?access_token={canary}&x=\x7f", token=None))
            await answer_to(gateway, request(f"/echo/1.0.0?access_token={canary}", token=canary))
            await answer_to(gateway, request(headers=[("Sec-WebSocket-Protocol", f"bearer.{canary}")], token=None))
        gateway.routing.grants[canary] = good
        for first in (request(token=canary), request(f"/echo/1.0.0?access_token={canary}", token=None)):
            async with raw_client(gateway.port, first) as client:
                await client.read_head()
                upstream = await backend.accepted()
                assert b"canary" not in upstream.head

        def fail(handshake: object) -> None:
            raise RuntimeError(f"Authorization: Bearer {canary} access_token={canary}")

        for way in ("decide", "decide_now", "stands"):
            monkeypatch.setattr(gateway.routing, way, fail)
        await answer_to(gateway, request(token=canary))
        await gateway.until_quiet()
    assert caplog.records
    written = [record.getMessage() + str(record.exc_text or "") for record in caplog.records]
    assert not [line for line in written if "canary" in line]
