"""A relay between transports that only remember what was done with them, and a clock that is set by hand."""

from __future__ import annotations

import asyncio
from array import array
from typing import Any

from gateway.quotas.meter import FREE, LimitSource, Meter, Wait
from gateway.relay import frames
from gateway.relay.splice import Relay
from gateway.relay.types import RelayOptions


class Transport:
    """Remembers what was written, whether it is read, and whether it was closed. Behaves like one of TLS."""

    def __init__(self) -> None:
        self.written = b""
        self.is_read = True
        self.is_closed = False
        self.has_half_close = False
        self.has_ended = False

    def set_protocol(self, protocol: object) -> None: ...

    def set_write_buffer_limits(self, *, high: int, low: int) -> None: ...

    def get_extra_info(self, name: str) -> object:
        return self if name == "ssl_object" else None

    def is_closing(self) -> bool:
        return self.is_closed

    def can_write_eof(self) -> bool:
        return self.has_half_close

    def write_eof(self) -> None:
        self.has_ended = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    abort = close


class Clock:
    """A loop's clock."""

    now = 100.0

    def time(self) -> float:
        return self.now


class Wheel:
    """Looks at nothing by itself."""

    tick = 0.5

    def forget(self, watched: object) -> None: ...

    def watch(self, watched: object, delay: float) -> None: ...


class World:
    """A relay between a client and a backend of these tests."""

    def __init__(self, **options: Any) -> None:
        self.client, self.backend, self.clock = Transport(), Transport(), Clock()
        self.ended: list[Relay] = []
        parts: Any = (self.client, self.backend)
        wheel: Any = Wheel()
        loop: Any = self.clock
        meters, kind = options.pop("meters", (FREE, FREE)), options.pop("kind", Relay)
        self.relay: Relay = kind(
            *parts,
            options=RelayOptions(**options),
            wheel=wheel,
            loop=loop,
            meters=meters,
            on_end=lambda relay: self.ended.append(relay),
        )
        self.relay.start()

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.relay.look(self.clock.now)


def test_the_rest_of_a_frame_is_read_for_a_stalled_side_and_a_close_goes_behind_it() -> None:
    world = World(stall=10.0, handshake=5.0)
    whole = b"\x82\x7e" + (1000).to_bytes(2, "big") + b"x" * 1000
    world.relay.backend.data_received(whole[:600])
    world.relay.client.pause_writing()
    assert not world.backend.is_read
    world.pass_time(10.0)
    assert world.backend.is_read  # though the client still takes nothing
    world.relay.backend.data_received(whole[600:])
    written = world.client.written
    assert written[: len(whole)] == whole
    assert written[len(whole) :][:4] == b"\x88" + bytes((len(written) - len(whole) - 2,)) + (1013).to_bytes(2, "big")


def test_no_more_is_read_for_a_stalled_side_whose_frame_has_far_to_go() -> None:
    world = World(stall=10.0, handshake=5.0)
    world.relay.backend.data_received(b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + b"x" * 1000)
    world.relay.client.pause_writing()
    world.pass_time(10.0)
    assert world.client.is_closed
    assert b"\x03\xf5" not in world.client.written


def test_a_side_that_is_lost_twice_is_lost_once() -> None:
    world = World()
    world.relay.client.connection_lost(None)
    world.relay.client.connection_lost(None)
    assert not world.ended
    world.relay.backend.connection_lost(None)
    world.relay.backend.connection_lost(None)
    assert world.ended == [world.relay]


def test_a_side_that_broke_the_protocol_is_read_on_so_that_it_gets_to_read_why() -> None:
    world = World()
    world.client.has_half_close = True
    world.relay.client.data_received(b"\x83\x80\0\0\0\0")
    world.relay.backend.data_received(frames.encode_close(1001, masked=False))
    assert world.client.written.endswith(b"is reserved.")
    assert (world.client.has_ended, world.client.is_closed) == (True, False)


def test_what_comes_behind_a_close_of_the_gateways_is_counted_for_nobody() -> None:
    world = World()
    said = b"\x81\x81\0\0\0\0a"
    world.relay.client.data_received(said)
    world.relay.close(4010, "")
    world.relay.client.data_received(said)
    assert world.relay.traffic().messages_in == 1
    assert world.backend.written.startswith(said)
    assert said not in world.backend.written[len(said) :]


def test_a_close_that_answers_ours_ends_the_connection_of_the_client_at_once() -> None:
    world = World()
    world.relay.close(4010, "gone")
    world.relay.client.data_received(frames.encode_close(4010, masked=True))
    assert world.client.is_closed
    assert world.relay.close_info() == ("gateway", 4010, 1001, "gone")


class Never(LimitSource):
    """A limit that lets nothing pass."""

    def __init__(self) -> None:
        super().__init__(array("Q", [0]), 0, lambda source: None, subject="subscription", octets=False)

    def refresh(self, now: float) -> None: ...

    def end(self) -> None: ...

    def blocked(self, need: int, now: float) -> Wait:
        return Wait(self, now + 3600)


async def test_a_close_behind_what_the_plan_holds_back_is_found_when_the_gateway_closes() -> None:
    never = Never()
    world = World(meters=(Meter([never]), FREE))
    world.relay.client.data_received(b"\x81\x81\0\0\0\0a" + frames.encode_close(1000, masked=True))
    assert (len(never.waiting), world.client.is_read, world.backend.written) == (1, False, b"")
    world.relay.close(4011, "")
    await asyncio.sleep(0)
    assert (len(never.waiting), world.client.is_read) == (0, True)
    assert world.client.is_closed
    assert world.relay.traffic().messages_in == 0
