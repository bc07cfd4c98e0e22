"""What a client sends arrives at its backend and back, byte for byte, frame for frame."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from publisher.endpoint import EndpointOptions
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running
from tests.wire.peers import (
    close_frame,
    frame,
    raw_backend,
    raw_client,
    request,
    switch,
    websockets_backend,
)

pytestmark = pytest.mark.wire

SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20]


@asynccontextmanager
async def joined(gateway: Gateway, **options: object) -> AsyncIterator[ClientConnection]:
    """Carol's client, through the gateway."""
    given = {"compression": None, "max_size": None, "ssl": gateway.tls, **options}
    async with connect(gateway.url, additional_headers=gateway.headers, **given) as client:  # type: ignore[arg-type]
        yield client


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [str, bytes])
async def test_a_message_of_any_size_comes_back_as_it_was(size: int, kind: type) -> None:
    message = "é" * (size // 2) + "x" * (size % 2) if kind is str else os.urandom(size)
    async with websockets_backend() as url, running(url) as gateway, joined(gateway) as client:
        await client.send(message)
        assert await client.recv() == message


@pytest.mark.parametrize("size", SIZES)
async def test_over_tls_on_both_legs_too(size: int, certificate: Certificate) -> None:
    message = os.urandom(size)
    options = EndpointOptions(ca_certificate=certificate.pem)
    async with (
        websockets_backend(ssl=certificate.server_context()) as url,
        running(
            url, options=options, server_tls=certificate.server_context(), client_tls=certificate.client_context()
        ) as gateway,
        joined(gateway) as client,
    ):
        await client.send(message)
        assert await client.recv() == message


async def test_a_thousand_messages_come_back_in_order() -> None:
    async with websockets_backend() as url, running(url) as gateway, joined(gateway) as client:
        for number in range(1000):
            await client.send(str(number))
        assert [await client.recv() for _ in range(1000)] == [str(number) for number in range(1000)]
        await client.close()
        await gateway.until_quiet()
    relay = gateway.ended[0]
    assert relay.client.scanner.messages == relay.backend.scanner.messages == 1000
    assert relay.client.scanner.octets == relay.backend.scanner.octets == 2890


async def test_fragments_arrive_as_they_were_cut_with_control_frames_where_they_were() -> None:
    sent = (
        frame(1, b"one", masked=True, final=False)
        + frame(9, b"ping", masked=True)
        + frame(0, b"", masked=True, final=False)
        + frame(10, b"unasked", masked=True)
        + frame(0, b"two" * 50000, masked=True)
        + frame(2, b"\x00" * 200, masked=True)
    )
    async with raw_backend() as backend, running(backend.url) as gateway, raw_client(gateway.port) as client:
        await client.read_head()
        upstream = await backend.accepted()
        for start in range(0, len(sent), 1021):
            await client.send(sent[start : start + 1021])
        assert await upstream.read(len(sent)) == sent


async def test_bytes_that_trickle_in_one_by_one_pass() -> None:
    sent = frame(1, b"slowly", masked=False) + frame(9, b"?", masked=False) + frame(2, b"", masked=False)
    async with raw_backend() as backend, running(backend.url) as gateway, raw_client(gateway.port) as client:
        await client.read_head()
        upstream = await backend.accepted()
        for place in range(len(sent)):
            await upstream.send(sent[place : place + 1])
            await asyncio.sleep(0.001)
        assert await client.read(len(sent)) == sent


async def test_pings_and_pongs_are_the_peers_own_business() -> None:
    async with websockets_backend() as url, running(url) as gateway, joined(gateway) as client:
        pong = await client.ping(b"end to end")
        assert await asyncio.wait_for(pong, 5) >= 0


async def test_compression_is_negotiated_end_to_end_and_passes_compressed() -> None:
    seen: list[int] = []

    async def count(connection: ServerConnection) -> None:
        receive = connection.protocol.recv_frame

        def spy(received: Frame) -> None:
            seen.append(len(received.data))
            receive(received)

        connection.protocol.recv_frame = spy  # type: ignore[method-assign]
        async for message in connection:
            await connection.send(message)

    text = "the same again " * 10000
    async with (
        websockets_backend(count, compression="deflate") as url,
        running(url) as gateway,
        joined(gateway, compression="deflate") as client,
    ):
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        await client.send(text)
        assert await client.recv() == text
    await gateway.until_quiet()
    assert gateway.ended[0].client.scanner.octets < 2000


async def test_an_extension_that_the_backend_declines_is_not_answered() -> None:
    async with websockets_backend() as url, running(url) as gateway, joined(gateway, compression="deflate") as client:
        assert "Sec-WebSocket-Extensions" not in client.response.headers


async def test_the_backend_chooses_the_subprotocol() -> None:
    async with (
        websockets_backend(subprotocols=["v2.chat", "v1.chat"]) as url,
        running(url) as gateway,
        joined(gateway, subprotocols=["v1.chat", "v2.chat"]) as client,
    ):
        assert client.subprotocol == "v2.chat"


async def test_what_the_client_sends_right_behind_its_handshake_reaches_the_backend() -> None:
    early = frame(1, b"before I was let in", masked=True) * 1000
    first = request() + early
    async with raw_backend() as backend, running(backend.url) as gateway, raw_client(gateway.port, first) as client:
        upstream = await backend.accepted()
        assert await upstream.read(len(early)) == early
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")


async def test_what_the_backend_sends_right_behind_its_answer_reaches_the_client() -> None:
    early = frame(1, b"welcome", masked=False)
    async with (
        raw_backend(lambda head: switch(head) + early) as backend,
        running(backend.url) as gateway,
        raw_client(gateway.port) as client,
    ):
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
        assert await client.read(len(early)) == early


async def test_the_backend_is_asked_for_the_rest_of_the_path_and_the_query_without_the_credential() -> None:
    first = request("/echo/1.0/rooms/a%2Fb?x=1&access_token=carols-token&y=%20", token=None)
    async with raw_backend() as backend, running(backend.url) as gateway, raw_client(gateway.port, first):
        upstream = await backend.accepted()
    assert upstream.head.startswith(b"GET /app/rooms/a%2Fb?x=1&y=%20 HTTP/1.1\r\n")
    assert b"carols-token" not in upstream.head


async def test_the_backend_learns_who_calls_and_cannot_be_told_otherwise_by_the_client() -> None:
    first = request(
        headers=[
            ("Origin", "https://app.test"),
            ("X-Trace", "kept"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("X-APIM-Subscriber", "mallory"),
            ("Cookie", "a=1; __Host-apim-session=secret"),
        ]
    )
    async with raw_backend() as backend, running(backend.url) as gateway, raw_client(gateway.port, first):
        upstream = await backend.accepted()
    lines = upstream.head.decode().split("\r\n")
    for line in [
        "X-APIM-Subscriber: carol",
        "X-APIM-Application: Chat client",
        "X-APIM-Plan: Gold",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: gateway.test",
        "X-Forwarded-Proto: http",
        'Forwarded: for=127.0.0.1;host="gateway.test";proto=http',
        f"Host: 127.0.0.1:{backend.port}",
    ]:
        assert line in lines
    assert "origin: https://app.test" in lines
    assert "x-trace: kept" in lines
    assert "cookie: a=1" in lines
    assert not [line for line in lines if "mallory" in line or "6.6.6.6" in line or "authorization" in line.lower()]


async def test_headers_of_the_backends_answer_reach_the_client_except_hop_by_hop_ones() -> None:
    def answer(head: bytes) -> bytes:
        return switch(head, "Set-Cookie: sticky=7", "X-Node: 3", "Server: hidden", "Keep-Alive: 5")

    async with (
        raw_backend(answer) as backend,
        running(backend.url) as gateway,
        raw_client(gateway.port) as client,
    ):
        head = (await client.read_head()).lower()
    assert b"set-cookie: sticky=7\r\n" in head
    assert b"x-node: 3\r\n" in head
    assert b"hidden" not in head
    assert b"keep-alive" not in head


async def test_frames_of_other_connections_are_untouched_by_one_that_breaks_the_rules() -> None:
    async with websockets_backend() as url, running(url) as gateway, joined(gateway) as good:
        async with raw_client(gateway.port) as bad:
            await bad.read_head()
            await bad.send(b"\xff\xff\xff\xff")
            assert (await bad.close_received())[0] == 1002
        await good.send("still here")
        assert await good.recv() == "still here"


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
async def test_a_message_that_never_ends_is_passed_on_as_it_comes(opcode: Opcode) -> None:
    piece = frame(int(opcode), bytes(1000), masked=True, final=False)
    more = frame(0, bytes(1000), masked=True, final=False)
    async with raw_backend() as backend, running(backend.url) as gateway, raw_client(gateway.port) as client:
        await client.read_head()
        upstream = await backend.accepted()
        await client.send(piece + more * 100)
        assert await upstream.read(len(piece) + 100 * len(more)) == piece + more * 100
        await client.send(close_frame(1000, masked=True))
        assert await upstream.close_received() == (1000, "")
