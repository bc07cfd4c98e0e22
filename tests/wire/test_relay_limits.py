"""A side that is slow, silent, idle or old: memory stays bounded, the other side is told, and in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.relay.splice import HIGH_WATER, Leg
from gateway.server.memory_guard import Memory, MemoryGuard
from publisher.endpoint import EndpointOptions
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running
from tests.wire.peers import Raw, close_frame, frame, raw_backend, raw_client, until

pytestmark = pytest.mark.wire

LARGEST_READ = 256 * 1024  # bytes that uvloop takes from a socket at once
QUIET = EndpointOptions(ping_interval=0)


@asynccontextmanager
async def raw_connection(
    options: EndpointOptions = QUIET, certificate: Certificate | None = None, **context: Any
) -> AsyncIterator[tuple[Gateway, Raw, Raw]]:
    """A gateway, a client of it and the backend's end of the same connection."""
    server_tls = certificate.server_context() if certificate else None
    client_tls = certificate.client_context() if certificate else None
    async with (
        raw_backend() as backend,
        running(backend.url, options=options, server_tls=server_tls, **context) as gateway,
        raw_client(gateway.port, tls=client_tls) as client,
    ):
        await client.read_head()
        yield gateway, client, await backend.accepted()


def relay_of(gateway: Gateway) -> Any:
    """The one relay there is."""
    return next(iter(gateway.worker.config.relays))


def stop_reading(raw: Raw) -> None:
    """Read nothing more, and leave the kernel little room to read on our behalf."""
    raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined]


async def push(raw: Raw, data: bytes, times: int) -> int:
    """Write until nothing more is taken for a while; how many bytes were."""
    taken = 0
    for _ in range(times):
        raw.writer.write(data)
        try:
            async with asyncio.timeout(0.5):
                await raw.writer.drain()
        except TimeoutError:
            break
        taken += len(data)
    return taken


@pytest.mark.parametrize("tls", [False, True])
async def test_a_client_that_does_not_read_holds_the_backend_back(tls: bool, certificate: Certificate) -> None:
    chunk = frame(2, bytes(60_000), masked=False)
    async with raw_connection(certificate=certificate if tls else None) as (gateway, client, upstream):
        stop_reading(client)
        assert await push(upstream, chunk, 1000) < 1000 * len(chunk)
        leg: Leg = relay_of(gateway).client
        assert leg.transport.get_write_buffer_size() <= HIGH_WATER + 2 * LARGEST_READ
        assert leg.other.paused_for


async def test_a_backend_that_does_not_read_holds_the_client_back() -> None:
    chunk = frame(2, bytes(60_000), masked=True)
    async with raw_connection() as (gateway, client, upstream):
        stop_reading(upstream)
        assert await push(client, chunk, 1000) < 1000 * len(chunk)
        assert relay_of(gateway).backend.transport.get_write_buffer_size() <= HIGH_WATER + 2 * LARGEST_READ


async def test_a_reader_that_goes_on_gets_every_byte() -> None:
    chunk, times = frame(2, bytes(60_000), masked=False), 300
    async with raw_connection() as (gateway, client, upstream):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        pushing = asyncio.create_task(push_all(upstream, chunk, times))
        await until(lambda: relay_of(gateway).client.activity.stalled_at)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(times):
            assert await client.read(len(chunk)) == chunk
        await pushing


async def push_all(raw: Raw, chunk: bytes, times: int) -> None:
    for _ in range(times):
        await raw.send(chunk)


async def test_a_flood_of_pings_to_one_who_does_not_read_stays_bounded() -> None:
    async with raw_connection() as (gateway, client, upstream):
        stop_reading(client)
        await push(upstream, frame(9, bytes(125), masked=False) * 1000, 400)
        assert relay_of(gateway).client.transport.get_write_buffer_size() <= HIGH_WATER + 2 * LARGEST_READ


@pytest.mark.parametrize("slow", ["client", "backend"])
async def test_a_side_that_stays_slow_is_told_so_and_the_other_that_it_is_gone(slow: str) -> None:
    async with raw_connection(stall=0.2) as (gateway, client, upstream):
        reader, writer = (client, upstream) if slow == "client" else (upstream, client)
        stop_reading(reader)
        await push(writer, frame(2, bytes(60_000), masked=writer is client), 400)
        code, _ = await writer.close_received()
        assert code == (1001 if slow == "client" else 1014)
        await gateway.until_quiet()
    assert gateway.ended[0].cause is not None
    assert gateway.ended[0].cause.code == 1013


async def test_a_slow_side_that_wakes_up_in_time_is_left_alone() -> None:
    async with raw_connection(stall=30.0) as (gateway, client, upstream):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await push(upstream, frame(2, bytes(60_000), masked=False), 400)
        assert relay_of(gateway).client.activity.stalled_at
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        while relay_of(gateway).client.activity.stalled_at:
            await client.reader.read(1 << 20)
        assert not relay_of(gateway).backend.paused_for


async def test_where_memory_runs_out_the_one_who_does_not_read_is_told_so_and_the_others_stay() -> None:
    async with raw_connection() as (gateway, client, upstream), raw_client(gateway.port) as other:
        await other.read_head()
        stop_reading(client)
        await push(upstream, frame(2, bytes(60_000), masked=False), 400)
        MemoryGuard(gateway.context.connections, lambda: Memory(930_000, 1_000_000)).look()
        assert (await upstream.close_received())[0] == 1001
        await until(lambda: len(gateway.connections) == 1)
        assert gateway.ended[0].cause is not None
        assert gateway.ended[0].cause.code == 1013
        assert relay_of(gateway).cause is None


async def test_a_silent_side_is_pinged_and_its_answer_stays_here() -> None:
    async with raw_connection(EndpointOptions(ping_interval=0.2)) as (gateway, client, upstream):
        for raw, masked in ((client, True), (upstream, False)):
            head = await raw.read(2)
            assert head[0] == 0x89
            body = await raw.read((4 if head[1] & 0x80 else 0) + (head[1] & 0x7F))
            payload = bytes(b ^ body[i % 4] for i, b in enumerate(body[4:])) if head[1] & 0x80 else body
            await raw.send(frame(10, payload, masked=masked))
        await client.send(frame(1, b"after the pong", masked=True))
        got = await upstream.read(2)
        while got[0] != 0x81:
            assert got[0] == 0x89
            await upstream.read(4 + (got[1] & 0x7F))
            got = await upstream.read(2)
        assert relay_of(gateway).cause is None


async def test_a_pong_of_ours_between_two_messages_in_one_chunk_is_cut_out() -> None:
    async with raw_connection(EndpointOptions(ping_interval=1)) as (_, client, upstream):
        head = await client.read(2)
        payload = await client.read(head[1])
        before, after = frame(1, b"before", masked=True), frame(1, b"after", masked=True)
        await client.send(before + frame(10, payload, masked=True) + after)
        got = b""
        while len(got) < len(before + after):
            head = await upstream.read(2)
            body = await upstream.read(4 + (head[1] & 0x7F))
            got += head + body if head[0] == 0x81 else b""
        assert got == before + after


async def test_a_client_that_answers_no_ping_is_given_up_and_the_backend_told() -> None:
    async with raw_connection(EndpointOptions(ping_interval=0.2)) as (gateway, client, upstream):
        answering = asyncio.create_task(answer_pings(upstream))
        assert (await answering)[0] == 1001
        assert (await client.rest())[:1] == b"\x89"
        await gateway.until_quiet()


async def test_a_backend_that_answers_no_ping_is_a_1014() -> None:
    async with raw_connection(EndpointOptions(ping_interval=0.2)) as (gateway, client, upstream):
        code, reason = await answer_pings(client)
        assert code == 1014
        assert "stopped answering" in reason
        assert upstream.is_server
        await gateway.until_quiet()


async def answer_pings(raw: Raw, heard: list[bytes] | None = None) -> tuple[int, str]:
    """Answer as a good peer does until a Close comes; what it said. `heard` collects the pings."""
    while True:
        head = await raw.read(2)
        body = await raw.read((4 if head[1] & 0x80 else 0) + (head[1] & 0x7F))
        payload = bytes(b ^ body[i % 4] for i, b in enumerate(body[4:])) if head[1] & 0x80 else body
        if head[0] == 0x88:
            return int.from_bytes(payload[:2], "big"), payload[2:].decode()
        if heard is not None:
            heard.append(payload)
        await raw.send(frame(10, payload, masked=not raw.is_server))


async def test_a_connection_on_which_nothing_is_said_is_closed_after_the_idle_timeout() -> None:
    async with raw_connection(EndpointOptions(ping_interval=0, idle_timeout=0.3)) as (gateway, client, upstream):
        for _ in range(4):
            await client.send(frame(1, b"still here", masked=True))
            await asyncio.sleep(0.1)
        assert relay_of(gateway).cause is None
        code, reason = await client.close_received()
        assert code == 1001
        assert "idle" in reason
        assert await upstream.read(1)


async def test_answers_to_pings_keep_an_idle_connection_open() -> None:
    options = EndpointOptions(ping_interval=0.1, idle_timeout=0.5)
    async with raw_connection(options) as (gateway, client, upstream):
        pings: tuple[list[bytes], list[bytes]] = ([], [])
        answering = [asyncio.create_task(answer_pings(*each)) for each in zip((client, upstream), pings, strict=True)]
        await until(lambda: all(len(heard) > 6 for heard in pings))  # in more than the idle timeout
        assert relay_of(gateway).cause is None
        for task in answering:
            task.cancel()


async def test_a_connection_is_closed_when_it_has_lasted_as_long_as_it_may() -> None:
    options = EndpointOptions(ping_interval=0, maximum_duration=0.3)
    async with raw_connection(options) as (gateway, client, upstream):
        code, reason = await client.close_received()
        assert (code, reason) == (1001, "The connection reached its maximum duration. Connect again.")
        assert (await upstream.close_received())[0] == 1001
        assert gateway.connections


async def test_no_ping_of_ours_goes_into_the_middle_of_a_frame() -> None:
    message = frame(2, bytes(1000), masked=False)
    async with raw_connection(EndpointOptions(ping_interval=0.4)) as (_, client, upstream):
        for sent in range(0, 960, 40):  # the backend is alive all the while, the client silent for two intervals
            await upstream.send(message[sent : sent + 40])
            await asyncio.sleep(0.05)
        await upstream.send(message[960:] + close_frame(1000, masked=False))
        assert await client.read(len(message)) == message
