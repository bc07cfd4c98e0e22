"""Sides that do not read, and floods of what is small: memory stays within a bound, and the slow are sent away."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import pytest
from websockets.asyncio.client import connect

from gateway.relay.frames import PING, PONG, FrameScanner, decode_close
from tests.attack.target import Target, target
from tests.conformance import echo
from tests.conformance.length import IS_LONG, times
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import TOKEN
from tests.wire.peers import Raw, frame, raw_backend, raw_client, websockets_backend

pytestmark = [pytest.mark.wire, pytest.mark.xdist_group("attack")]

MIB = 1 << 20
SLOW = times(20, 100)  # clients at once
PUSHED = 64 * MIB  # bytes meant for each, far more than the kernel holds
TRIES = 3
QUARANTINE = (
    256 * MIB if "libasan" in os.environ.get("LD_PRELOAD", "") else 0
)  # where its default has what is freed lie
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Pair(NamedTuple):
    """A connection's two ends."""

    client: Raw
    backend: Raw


@asynccontextmanager
async def pairs(count: int, **given: float) -> AsyncIterator[tuple[Target, list[Pair]]]:
    """A gateway in a process of its own and this many connections through it, with ends that hold little."""
    async with raw_backend() as backend, target(backend.url, **given) as gateway, AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            client = await stack.enter_async_context(raw_client(gateway.port))
            await client.read_head()
            made.append(Pair(client, await backend.accepted()))
        yield gateway, made


def stop_reading(raw: Raw) -> None:
    """Read nothing more, and leave the kernel little room to read on our behalf."""
    raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined]


async def push(raw: Raw, data: bytes, size: int) -> int:
    """Write `data` again and again until `size` bytes have gone, or nothing more is taken; how many went."""
    sent = 0
    while sent < size:
        raw.writer.write(data)
        if not await gone(raw):
            break
        sent += len(data)
    return sent


async def gone(raw: Raw) -> bool:
    """Whether all that was written has gone, however slowly; False once nothing of it goes any more."""
    left, before = raw.writer.transport.get_write_buffer_size(), None
    while left != before:
        try:
            async with asyncio.timeout(0.5):
                await raw.writer.drain()
        except TimeoutError:
            left, before = raw.writer.transport.get_write_buffer_size(), left
        except ConnectionError:
            break
        else:
            return True
    return False


async def least(cost: Callable[[], Awaitable[float]], bound: float) -> float:
    """The smallest of some costs (bytes), each measured in a process of its own, up to the first within the bound.

    An allocator takes memory by the grain, and more of it where a heap happens to be full: by an interpreter, a library
    or a run, that makes some hundred KiB. What is held on to for lack of a bound is held in every run.
    """
    costs = [await cost()]
    while costs[-1] > bound and len(costs) < TRIES:
        costs.append(await cost())
    print(f"{', '.join(f'{each / 1024:.0f}' for each in costs)} KiB where {bound / 1024:.0f} are allowed")  # noqa: T201
    return min(costs)


@pytest.mark.parametrize("slow", ["client", "backend"])
async def test_sides_that_do_not_read_cost_at_most_a_mebibyte_each(slow: str) -> None:
    async def cost() -> float:
        async with pairs(SLOW, stall=60.0) as (gateway, opened):
            before = await gateway.report()
            ends = [(pair.client, pair.backend) if slow == "client" else (pair.backend, pair.client) for pair in opened]
            for reader, _ in ends:
                stop_reading(reader)
            chunk = frame(2, bytes(60_000), masked=slow == "backend")
            sent = await asyncio.gather(*(push(writer, chunk, PUSHED) for _, writer in ends))
            report = await gateway.report()
        assert max(sent) < PUSHED
        assert (report.relays, report.faults) == (SLOW, [])
        return (report.peak - before.memory) / SLOW

    assert await least(cost, MIB) <= MIB


@pytest.mark.parametrize("size", [1000, 60_000])
async def test_a_client_that_reads_too_slowly_is_told_1013_behind_whole_frames(size: int) -> None:
    async with pairs(1, stall=0.5, handshake=3.0) as (gateway, [(client, upstream)]):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await push(upstream, frame(2, bytes(size), masked=False) * (MIB // size), PUSHED)
        assert (await upstream.close_received())[0] == 1001
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        data, scanner = await client.rest(), FrameScanner(masked=False)
        assert scanner.feed(data) == len(data)
        assert [decode_close(control.payload)[0] for control in scanner.controls] == [1013]
        upstream.hang_up()
        assert (await gateway.quiet()).faults == []


async def test_a_neighbour_of_slow_clients_is_served_as_ever() -> None:
    async with pairs(SLOW, stall=60.0) as (_, connections):
        for client, _ in connections[1:]:
            stop_reading(client)
        chunk = frame(2, bytes(60_000), masked=False)
        await asyncio.gather(*(push(upstream, chunk, PUSHED) for _, upstream in connections[1:]))
        client, upstream = connections[0]
        for number in range(100):
            said = frame(1, str(number).encode(), masked=True)
            await client.send(said)
            assert await upstream.read(len(said)) == said


@pytest.mark.parametrize(("opcode", "size"), [(PING, 125), (PONG, 0)])
async def test_a_flood_of_pings_whose_answers_are_not_read_costs_at_most_a_mebibyte(opcode: int, size: int) -> None:
    async def cost() -> float:
        async with echo.server(compresses=False) as url, target(url) as gateway, raw_client(gateway.port) as client:
            await client.read_head()
            warm = frame(2, bytes(MIB), masked=True)  # the loop's own buffers are not the flood's
            await client.send(warm)
            await client.read(len(warm) - 4)
            for _ in range(10):
                await client.send(frame(opcode, bytes(size), masked=True) * 1000)
                await client.read(1000 * (size + 2) if opcode == PING else 0)
            before = await gateway.report()
            stop_reading(client)
            await push(client, frame(opcode, bytes(size), masked=True) * 50_000, 200_000 * (size + 6))
            report = await gateway.report()
        assert report.faults == []
        return report.peak - before.memory

    assert await least(cost, MIB) <= MIB


@pytest.mark.parametrize(("sender", "reads"), [("client", True), ("backend", False)])
async def test_200_000_fragments_of_one_byte_cost_at_most_twice_what_is_on_the_wire(sender: str, reads: bool) -> None:
    masked = sender == "client"
    sent = fragments(200_000, masked=masked)

    async def cost() -> float:
        async with pairs(1) as (gateway, [(client, upstream)]):
            writer, reader = (client, upstream) if masked else (upstream, client)
            warm = fragments(10_000, masked=masked) + frame(0, b"x", masked=masked)
            await writer.send(warm)
            assert await reader.read(len(warm)) == warm
            before = await gateway.report()
            if not reads:
                stop_reading(reader)
            pushing = asyncio.create_task(push(writer, sent, 1))
            if reads:
                assert await reader.read(len(sent)) == sent
            await pushing
            report = await gateway.report()
        assert report.faults == []
        return report.peak - before.memory

    assert await least(cost, 2 * len(sent)) <= 2 * len(sent)


def fragments(count: int, *, masked: bool) -> bytes:
    """A message without an end, in this many fragments of one byte."""
    first, other = (frame(opcode, b"x", masked=masked, final=False) for opcode in (2, 0))
    return first + other * (count - 1)


@pytest.mark.parametrize("masked", [True, False], ids=["from the client", "from the backend"])
async def test_a_frame_that_announces_more_than_there_is_memory_allocates_none(masked: bool) -> None:
    async def cost() -> float:
        async with pairs(1) as (gateway, [(client, upstream)]):
            writer, reader = (client, upstream) if masked else (upstream, client)
            warm = frame(2, bytes(100_000), masked=masked)
            await writer.send(warm)
            assert await reader.read(len(warm)) == warm
            before = await gateway.report()
            head = bytes([0x82, 0xFF if masked else 0x7F]) + (1 << 62).to_bytes(8, "big") + (b"mask" if masked else b"")
            await writer.send(head + bytes(100_000))
            assert await reader.read(len(head) + 100_000) == head + bytes(100_000)
            report = await gateway.report()
        assert report.faults == []
        return report.peak - before.memory

    assert await least(cost, MIB) <= MIB


@pytest.mark.parametrize("is_secure", [False, True] if IS_LONG else [False])
async def test_connections_that_come_say_something_and_go_leave_nothing_behind(
    is_secure: bool, certificate: Certificate
) -> None:
    cycles, warming = times(400, 20_000 if is_secure else 100_000), 1600  # the last buffers come after a thousand
    tls = certificate.client_context() if is_secure else None
    pair = {"certificate": str(certificate.certificate), "key": str(certificate.key)} if is_secure else {}
    async with websockets_backend() as url, target(url, **pair) as gateway:
        await cycle(gateway, warming, tls)
        before = await gateway.quiet()
        await cycle(gateway, cycles, tls)
        after = await gateway.quiet()
        await asyncio.sleep(0.3)  # in which nothing happens: only time shows a loop that spins by itself
        later = await gateway.report()
    assert later.turns - after.turns < 100  # nothing that is left behind has the loop spin
    print(f"{(after.memory - before.memory) / cycles:.1f} bytes more a cycle over {cycles}")  # noqa: T201
    assert (after.tasks, after.descriptors) == (before.tasks, before.descriptors)
    assert after.memory - before.memory <= max(MIB, 50 * cycles) + QUARANTINE
    assert after.faults == []


async def cycle(gateway: Target, count: int, tls: ssl.SSLContext | None) -> None:
    """Connect, send and go, in as many ways as there are, in turn."""
    for begin in range(0, count, 8):
        await asyncio.gather(*(one_cycle(gateway, number, tls) for number in range(begin, begin + 8)))


async def one_cycle(gateway: Target, number: int, tls: ssl.SSLContext | None) -> None:
    """Politely, with a FIN, with a reset, half-way through a handshake, with half of the connection, with garbage for
    frames, without reading what comes back, and with garbage for a handshake."""
    way, port = number % 8, gateway.wss_port if tls else gateway.port
    if way == 0:
        url = f"wss://localhost:{port}/echo/1.0.0" if tls else gateway.url
        async with connect(url, additional_headers=HEADERS, compression=None, ssl=tls) as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"
        return
    first = {3: b"GET /echo/1.0.0 HT", 7: b"\x16\x93\r\n\r\n" * 20}.get(way)
    spoken = None if first and number // 8 % 2 else tls  # some of them where TLS is to be spoken
    async with raw_client(port, first, spoken) as client:
        if way == 7:
            await client.rest()
        elif not first:
            await client.read_head()
            said = frame(1, b"hello", masked=True)
            await client.send(said)
            assert await client.read(7) == frame(1, b"hello", masked=False)
        if way == 4 and client.writer.can_write_eof():
            client.writer.write_eof()
            await client.rest()
        elif way == 5:
            await client.send(b"\x93\x13garbage")
            await client.rest()
        elif way == 6:
            stop_reading(client)
            client.writer.write(frame(2, bytes(MIB), masked=True))
        client.hang_up() if way == 1 else client.reset()
