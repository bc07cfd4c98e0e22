"""Frames that were right until a few bits changed: no crash, no fault, no hang, and nothing wrong is passed on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from gateway.relay import frames
from gateway.relay.frames import FrameError, FrameScanner
from tests.attack.target import Target, target
from tests.conformance.length import times
from tests.gateway.relay.test_frames import read_by_bytes
from tests.wire.peers import Raw, RawBackend, frame, raw_backend, raw_client

pytestmark = [pytest.mark.wire, pytest.mark.xdist_group("attack")]

FRAMES = times(5_000, 1_000_000)
PER_LINE = 12
AT_ONCE = 16


@pytest.fixture
async def backend() -> AsyncIterator[RawBackend]:
    """A backend in the test's hands."""
    async with raw_backend() as made:
        yield made


@pytest.fixture
async def gateway(backend: RawBackend) -> AsyncIterator[Target]:
    """A gateway that is soon out of patience, in a process of its own."""
    async with target(backend.url, handshake=0.2) as made:
        yield made


def legal_frame(chance: random.Random, masked: bool) -> bytes:
    """Any one frame; not all are legal where they then stand."""
    opcode = chance.choice((0, 1, 1, 2, 2, 8, 9, 10))
    size = chance.choice((0, 1, 5, 125, 126, 300, 65535, 65536)) if opcode < 8 else chance.choice((0, 2, 9, 125))
    body = chance.randbytes(size)
    if opcode == 8:
        body = b"" if size < 2 else chance.choice((1000, 1001, 4000)).to_bytes(2, "big") + b"x" * (size - 2)
    return frame(opcode, body, masked=masked, final=opcode >= 8 or chance.random() < 0.7)


def mutate(chance: random.Random, encoded: bytes) -> bytes:
    """A bit, a byte, a cut, a repetition: mostly in the header, where it matters."""
    data = bytearray(encoded)
    place = min(int(chance.expovariate(0.5)), len(data) - 1)
    match chance.randrange(6):
        case 0:
            data[place] ^= 1 << chance.randrange(8)
        case 1:
            data[place] = chance.randrange(256)
        case 2:
            del data[place:]
        case 3:
            data[place:place] = chance.randbytes(chance.randrange(1, 8))
        case 4:
            data += data[: chance.randrange(1, 20)]
        case _:
            pass
    return bytes(data)


def stream(chance: random.Random, masked: bool) -> bytes:
    """A few frames, some of them mutated."""
    made = [legal_frame(chance, masked) for _ in range(PER_LINE)]
    return b"".join(mutate(chance, each) if chance.random() < 0.4 else each for each in made)


@pytest.mark.parametrize("masked", [True, False], ids=["from clients", "from backends"])
async def test_mutated_frames_on_the_wire_do_no_harm(masked: bool, gateway: Target, backend: RawBackend) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)  # noqa: T201
    chance = random.Random(seed)  # noqa: S311
    for _ in range(FRAMES // 2 // PER_LINE // AT_ONCE + 1):
        await asyncio.gather(
            *(one_connection(gateway, backend, stream(chance, masked), masked) for _ in range(AT_ONCE))
        )
    report = await gateway.quiet()
    assert report.faults == []
    async with raw_client(gateway.port) as client:
        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")


async def one_connection(gateway: Target, backend: RawBackend, sent: bytes, masked: bool) -> None:
    """Send a stream on a line of its own and hang up; what arrives is the start of it, and perhaps one Close."""
    async with raw_client(gateway.port) as client:
        await client.read_head()
        upstream = (
            await backend.accepted()
        )  # anybody's, when several connect at once: so it is looked up by what it got
        writer, reader = (client, upstream) if masked else (upstream, client)
        arriving = [asyncio.create_task(each.rest()) for each in (reader, writer)]
        await quietly_send(writer, sent)
        writer.writer.write_eof()
        heard = (await asyncio.gather(*arriving))[0]
        client.reset()
        upstream.reset()
    scanner = FrameScanner(masked=masked, rsv=0)
    end = scanner.feed(heard)  # raises where something wrong was passed on
    assert end == len(heard) or not scanner.closed


async def quietly_send(raw: Raw, data: bytes) -> None:
    with suppress(ConnectionError, TimeoutError):  # it may be closed in the middle, which is fair
        await raw.send(data)


def test_mutated_streams_are_read_as_a_plain_reading_of_single_bytes_reads_them() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)  # noqa: T201
    chance = random.Random(seed)  # noqa: S311
    for _ in range(FRAMES // PER_LINE):
        masked, rsv, limit = chance.random() < 0.5, chance.choice((0, frames.RSV1)), chance.choice((0, 1000))
        sent = stream(chance, masked)
        expected = read_by_bytes(sent, masked=masked, rsv=rsv, limit=limit)
        scanner = FrameScanner(masked=masked, rsv=rsv, limit=limit)
        error, passed = None, 0
        try:
            passed = scanner.feed(sent)
        except FrameError as broken:
            error, passed = (broken.code, broken.offset), broken.offset
        assert (error, scanner.messages, scanner.octets) == (expected.error, expected.messages, expected.octets)
        if error is None:
            assert passed == expected.passed
