"""Any legal sequence of frames, cut into any chunks, passes a spliced connection as it is, both ways at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.native.loop import new_event_loop
from gateway.payloads.reading import apply_mask
from gateway.relay.frames import RSV1
from publisher.endpoint import EndpointOptions
from tests.conformance.length import times
from tests.environment import PATIENCE
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running
from tests.wire.peers import Raw, RawBackend, raw_backend, raw_client, request, switch

pytestmark = pytest.mark.wire

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
BORDERS = [0, 1, 2, 125, 126, 127, 65535, 65536, 65537]
CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
PATTERN = bytes(range(256)) * 257


@dataclass(frozen=True)
class Frame:
    """One frame; its mask where a client sends it."""

    first: int
    payload: bytes
    key: bytes

    def encode(self, masked: bool) -> bytes:
        """As it goes over the wire."""
        length, mark = len(self.payload), 0x80 if masked else 0
        if length < 126:
            head = bytes([self.first, mark | length])
        elif length < 65536:
            head = bytes([self.first, mark | 126]) + length.to_bytes(2, "big")
        else:
            head = bytes([self.first, mark | 127]) + length.to_bytes(8, "big")
        if not masked:
            return head + self.payload
        short = length <= 125  # what a long payload is masked to is no matter: it is any bytes
        return head + self.key + (apply_mask(self.payload, self.key) if short else self.payload)


@dataclass(frozen=True)
class Script:
    """What one side sends: its frames, and where they are cut into chunks, as (frame, bytes after its start)."""

    frames: tuple[Frame, ...]
    cuts: tuple[tuple[int, int], ...]

    @property
    def messages(self) -> int:
        """How many messages begin."""
        return sum(frame.first & 0x0F in (1, 2) for frame in self.frames)

    @property
    def octets(self) -> int:
        """The payload of all data frames."""
        return sum(len(frame.payload) for frame in self.frames if not frame.first & 0x08)

    def chunks(self, masked: bool) -> list[bytes]:
        """The bytes, in pieces."""
        encoded = [frame.encode(masked) for frame in self.frames]
        starts = [sum(map(len, encoded[:number])) for number in range(len(encoded) + 1)]
        stream = b"".join(encoded)
        places = {0, len(stream), *(starts[number % len(starts)] + offset for number, offset in self.cuts)}
        ordered = sorted(place for place in places if 0 <= place <= len(stream))
        return [stream[begin:end] for begin, end in pairwise(ordered)]


keys = st.binary(min_size=4, max_size=4)
payloads = st.one_of(st.sampled_from(BORDERS), st.integers(0, 300)).map(lambda size: PATTERN[:size])
controls = st.builds(Frame, st.sampled_from([0x89, 0x8A]), st.integers(0, 125).map(lambda n: PATTERN[:n]), keys)


@st.composite
def messages(draw: st.DrawFn, compressed: bool) -> list[Frame]:
    """One message in one or more frames, with control frames between them."""
    opcode = draw(st.sampled_from([1, 2])) | (RSV1 if compressed and draw(st.booleans()) else 0)
    parts = draw(st.lists(payloads, min_size=1, max_size=4))
    made: list[Frame] = []
    for number, part in enumerate(parts):
        final = 0x80 if number == len(parts) - 1 else 0
        made.append(Frame(final | (0 if number else opcode), part, draw(keys)))
        if not final:
            made += draw(st.lists(controls, max_size=2))
    return made


@st.composite
def closes(draw: st.DrawFn) -> list[Frame]:
    """Nothing, or a Close with or without a code."""
    body = draw(
        st.one_of(
            st.just(b""),
            st.builds(
                lambda code, reason: code.to_bytes(2, "big") + reason.encode()[:123].decode(errors="ignore").encode(),
                st.one_of(st.sampled_from(CODES), st.integers(3000, 4999)),
                st.text(max_size=125),
            ),
        )
    )
    return draw(st.sampled_from([[], [Frame(0x88, body, draw(keys))]]))


@st.composite
def scripts(draw: st.DrawFn, compressed: bool) -> Script:
    """Whatever one side may lawfully say."""
    pieces = draw(st.lists(st.one_of(messages(compressed), controls.map(lambda frame: [frame])), max_size=6))
    frames = [frame for piece in [*pieces, draw(closes())] for frame in piece]
    cuts = draw(st.lists(st.tuples(st.integers(0, 30), st.integers(-3, 16)), max_size=12))
    return Script(tuple(frames), tuple(cuts))


@st.composite
def transcripts(draw: st.DrawFn) -> tuple[bool, Script, Script]:
    """Whether compression was negotiated, and what client and backend then say."""
    compressed = draw(st.booleans())
    return compressed, draw(scripts(compressed)), draw(scripts(compressed))


class World:
    """A loop with a backend, and a gateway with and without TLS in front of it."""

    def __init__(self, certificate: Certificate) -> None:
        self._runner = asyncio.Runner(loop_factory=new_event_loop)
        self._stack = AsyncExitStack()
        self._certificate = certificate
        self._runner.run(self._open())

    async def _open(self) -> None:
        enter = self._stack.enter_async_context
        answer = lambda head: switch(head, *([DEFLATE] if b"permessage-deflate" in head else []))  # noqa: E731
        self.backend: RawBackend = await enter(raw_backend(answer))
        given = {"options": EndpointOptions(ping_interval=0), "handshake": 30.0}
        self.plain = await enter(running(self.backend.url, **given))
        server, client = self._certificate.server_context(), self._certificate.client_context()
        self.secure = await enter(running(self.backend.url, server_tls=server, client_tls=client, **given))

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def play(self, secure: bool, compressed: bool, client: Script, backend: Script) -> None:
        """Both sides say their parts at once; each must hear the other's as it was said."""
        self._runner.run(self._play(self.secure if secure else self.plain, compressed, client, backend))

    async def _play(self, gateway: Gateway, compressed: bool, said: Script, answered: Script) -> None:
        first = request(headers=[tuple(DEFLATE.split(": "))] if compressed else [])  # type: ignore[misc]
        async with raw_client(gateway.port, first, gateway.tls) as client:
            await client.read_head()
            upstream = await self.backend.accepted()
            out, back = said.chunks(True), answered.chunks(False)
            async with asyncio.timeout(PATIENCE):
                _, _, heard, got = await asyncio.gather(
                    say(client, out), say(upstream, back), hear(upstream, out), hear(client, back)
                )
            upstream.reset()
        assert heard == b"".join(out)
        assert got == b"".join(back)
        await gateway.until_quiet()
        relay = gateway.ended.pop()
        for leg, script in ((relay.client, said), (relay.backend, answered)):
            assert (leg.scanner.messages, leg.scanner.octets) == (script.messages, script.octets)


async def say(raw: Raw, chunks: list[bytes]) -> None:
    """Send each chunk by itself, with time for the gateway to read it before the next."""
    for chunk in chunks:
        raw.writer.write(chunk)
        for _ in range(3):
            await asyncio.sleep(0)


async def hear(raw: Raw, chunks: list[bytes]) -> bytes:
    """As many bytes as were said."""
    return await raw.reader.readexactly(sum(map(len, chunks)))


@pytest.fixture(scope="module")
def world(certificate: Certificate) -> Iterator[World]:
    """One for all examples; every example has a connection of its own."""
    made = World(certificate)
    yield made
    made.close()


@settings(
    max_examples=times(300, 10_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(secure=st.booleans(), transcript=transcripts())
@example(secure=False, transcript=(False, Script((), ()), Script((), ())))
def test_what_is_said_is_heard(world: World, secure: bool, transcript: tuple[bool, Script, Script]) -> None:
    world.play(secure, *transcript)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("size", BORDERS)
def test_a_message_in_two_fragments_of_this_size_is_heard_whatever_byte_of_its_headers_a_chunk_ends_at(
    world: World, size: int, secure: bool
) -> None:
    frames = (Frame(0x02, PATTERN[:size], b"mask"), Frame(0x89, b"?", b"\0" * 4), Frame(0x80, PATTERN[:size], b"key!"))
    script = Script(frames, tuple((number, offset) for number in range(4) for offset in range(-2, 15)))
    world.play(secure, False, script, script)
