"""A listening socket takes clients, rests while there is no room, and takes nobody once it is closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from core.client_address import TrustedProxies
from gateway.server.acceptor import NEXT, PAUSE_SECONDS, Acceptor, AcceptorState
from gateway.server.config import GreetedByAddress
from tests.wire.peers import until


class Greeted(asyncio.Protocol):
    """A client that was taken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Port:
    """A listening socket with an acceptor; `room` is how many more clients may come in."""

    def __init__(self, room: int) -> None:
        self.room, self.taken = room, 0
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.address = self.sock.getsockname()
        by_address = GreetedByAddress(100)
        self.acceptor = Acceptor(
            self.sock, self.make, lambda: self.room, by_address=by_address, proxies=TrustedProxies()
        )

    def make(self, source: object, leave: object) -> Greeted:
        self.room -= 1
        self.taken += 1
        return Greeted()

    def knock(self) -> socket.socket:
        return socket.create_connection(self.address)


@pytest.fixture
async def full() -> AsyncIterator[Port]:
    """One at whose port somebody waits for room."""
    port = Port(room=0)
    with port.knock():
        await until(lambda: port.acceptor.state is AcceptorState.RESTING)
        yield port
    port.acceptor.close()


async def test_who_waited_for_room_is_taken_when_there_is_some(full: Port) -> None:
    assert full.taken == 0
    full.room = 1
    await until(lambda: full.taken == 1)


async def test_one_that_is_closed_at_rest_takes_nobody_any_more_and_may_be_closed_again(
    full: Port, caplog: pytest.LogCaptureFixture
) -> None:
    over = asyncio.get_running_loop().time() + PAUSE_SECONDS
    full.room = 1
    full.acceptor.close()
    full.acceptor.close()
    assert (full.acceptor.state, full.taken, full.sock.fileno()) == (AcceptorState.CLOSED, 0, -1)
    with pytest.raises(ConnectionRefusedError):
        full.knock()
    await until(lambda: asyncio.get_running_loop().time() > over)
    assert not caplog.records, "it does not wake up"


async def test_its_states_lead_to_one_another_until_it_is_closed_for_good(full: Port) -> None:
    assert set(NEXT) == set(AcceptorState)
    assert NEXT[AcceptorState.CLOSED] == set()
    assert full.acceptor.state not in NEXT[full.acceptor.state]
