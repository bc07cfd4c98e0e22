"""A gateway with few descriptors: who is too many is told so, and nobody who is there notices. Real processes."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from gateway.server import acceptor
from tests.environment import PATIENCE
from tests.wire.conftest import Certificate
from tests.wire.peers import raw_client, request, websockets_backend
from tests.wire.test_server import Served, asked, served, still_there

pytestmark = pytest.mark.wire

DESCRIPTORS = acceptor.DESCRIPTORS_KEPT + 72
GREETED = 72 // acceptor.GREETED
PLACES = (72 - GREETED) // 2
CROWD = 3 * DESCRIPTORS


async def filled(gateway: Served) -> list[ClientConnection]:
    """All the places are taken."""
    clients = [await gateway.client() for _ in range(PLACES)]
    with pytest.raises(InvalidStatus) as refused:
        await gateway.client()
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0
    return clients


async def answer(port: int) -> bytes:
    """The first line that one of a crowd gets."""
    async with raw_client(port, request()) as client:
        async with asyncio.timeout(PATIENCE):
            first: bytes = await client.reader.readline()
        return first


async def test_who_is_too_many_gets_a_503_and_nobody_else_notices(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, descriptors=DESCRIPTORS) as gateway:
        await gateway.until_up()
        clients = await filled(gateway)
        answers = await asyncio.gather(*(answer(gateway.ws_port) for _ in range(CROWD)))
        assert set(answers) == {b"HTTP/1.1 503 Service Unavailable\r\n"}
        assert (await asked(gateway.ws_port, "/health")).startswith(b"HTTP/1.1 200 ")
        assert all([await still_there(client) for client in clients])
        await clients.pop().close()
        assert await still_there(await gateway.client())
        code, written = await gateway.stop()
    assert (code, written) == (0, "")


async def test_silent_clients_of_the_wss_port_leave_descriptors_for_the_others(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, descriptors=DESCRIPTORS) as gateway:
        await gateway.until_up()
        clients = [await gateway.client() for _ in range(PLACES)]
        silent = [socket.create_connection(("127.0.0.1", gateway.wss_port)) for _ in range(CROWD)]
        (worker,) = gateway.workers
        for _ in range(10):
            assert worker.num_fds() < DESCRIPTORS
            assert all([await still_there(client) for client in clients])
        for sock in silent:
            sock.close()
        assert (await asked(gateway.wss_port, "/health", certificate.client_context())).startswith(b"HTTP/1.1 200 ")
        code, written = await gateway.stop()
    assert (code, written) == (0, "")


async def test_a_setting_can_allow_fewer_than_there_is_room_for(certificate: Certificate) -> None:
    async with websockets_backend() as backend, served(backend, certificate, connections=1) as gateway:
        await gateway.until_up()
        client = await gateway.client()
        assert (await answer(gateway.ws_port)).startswith(b"HTTP/1.1 503 ")
        assert await still_there(client)


async def test_too_few_descriptors_to_begin_with_is_one_sentence(certificate: Certificate) -> None:
    async with served("ws://127.0.0.1:1", certificate, descriptors=100) as gateway:
        code, written = await gateway.stop_by_itself()
    assert code == 1
    assert written.count("\n") == 1
    assert "may open 100 files only" in written
