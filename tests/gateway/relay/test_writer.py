"""The shortest way out of a connection keeps the order, loses nothing, and leaves every fault to the transport."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import count

import pytest
import uvloop

from gateway.relay.writer import direct_write

Scenario = Callable[[], Coroutine[None, None, None]]
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


class Listening(asyncio.Protocol):
    """What a transport tells its protocol."""

    def __init__(self) -> None:
        self.pauses = 0
        self.lost = asyncio.Event()

    def pause_writing(self) -> None:
        self.pauses += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[asyncio.Transport, Listening, socket.socket]]:
    """A transport with little room in the kernel, and a socket that reads what is written to it when it likes."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    near.setblocking(False)
    far.setblocking(False)
    transport, protocol = await asyncio.get_running_loop().create_connection(Listening, sock=near)
    try:
        yield transport, protocol, far
    finally:
        transport.abort()
        far.close()
        await protocol.lost.wait()


async def read(far: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size and (more := await asyncio.get_running_loop().sock_recv(far, 5000)):
        got += more
    return got


def run(loop: Callable[[], asyncio.AbstractEventLoop], scenario: Scenario) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(scenario(), 60))


@pytest.mark.parametrize("loop", LOOPS)
def test_everything_arrives_in_the_order_in_which_it_was_written(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scenario() -> None:
        async with opened() as (transport, _, far):
            write, said = direct_write(transport), bytearray()
            numbers = count()

            def say(how: Callable[[bytes], None], size: int) -> None:
                data = next(numbers).to_bytes(4, "big") * size
                said.extend(data)
                how(data)

            reading = asyncio.create_task(read(far, 4 * 30 * (1000 + 1 + 3000 + 10)))
            for _ in range(30):
                for how, size in ((write, 1000), (transport.write, 1), (write, 3000), (write, 10)):
                    say(how, size)
                await asyncio.sleep(0)
            assert await reading == bytes(said)

    run(loop, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_does_not_fit_waits_in_the_transport_which_says_that_it_is_too_much(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        async with opened() as (transport, protocol, far):
            transport.set_write_buffer_limits(high=1000, low=100)
            direct_write(transport)(bytes(range(256)) * 1000)
            assert protocol.pauses == 1
            assert transport.get_write_buffer_size() > 1000
            assert await read(far, 256_000) == bytes(range(256)) * 1000

    run(loop, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_peer_that_is_gone_is_the_transport_s_to_find(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def scenario() -> None:
        async with opened() as (transport, protocol, far):
            transport.pause_reading()
            far.close()
            write = direct_write(transport)
            while not protocol.lost.is_set():
                write(b"anybody?")
                await asyncio.sleep(0.001)

    run(loop, scenario)


def test_nothing_goes_to_the_descriptor_of_a_connection_that_was_closed_before() -> None:
    class Closed(asyncio.Transport):
        def is_closing(self) -> bool:
            return True

        def get_extra_info(self, name: str, default: object = None) -> object:
            return {"socket": heir}.get(name, default)  # the number is another connection's by now

    heir, far = socket.socketpair()
    far.setblocking(False)
    with heir, far:
        direct_write(Closed())(b"for somebody else")
        with pytest.raises(BlockingIOError):
            far.recv(1)


def test_bytes_under_tls_go_through_the_transport() -> None:
    class Secure(asyncio.Transport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            return {"ssl_object": ssl.SSLObject}.get(name, default)

        def is_closing(self) -> bool:
            return False

        def write(self, data: bytes | bytearray | memoryview) -> None:
            said.append(bytes(data))

    said: list[bytes] = []
    direct_write(Secure())(b"secret")
    assert said == [b"secret"]
