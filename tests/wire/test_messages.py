"""On a server that cannot splice, messages are relayed one by one: the same decisions, slower."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from jwcrypto import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from devportal.tokens import signing_key
from tests.wire.gateway_under_test import TOKEN
from tests.wire.peers import frame, free_port, raw_backend, raw_client, request, switch, websockets_backend
from tests.wire.test_server import ROOT

pytestmark = pytest.mark.wire

SERVERS = {
    "daphne": ["-m", "daphne", "tests.wire.elsewhere:application", "-b", "127.0.0.1", "-p"],
    "uvicorn": ["-m", "uvicorn", "tests.wire.elsewhere:application", "--ws", "websockets-sansio", "--port"],
}


@dataclass
class Elsewhere:
    """The gateway on a server of somebody else's, in front of whatever a test puts at `backend_port`."""

    server: str
    port: int
    backend_port: int

    async def client(self, path: str = "/echo/1.0.0", token: str = TOKEN, **options: Any) -> ClientConnection:
        """A connection through it."""
        return await connect(
            f"ws://127.0.0.1:{self.port}{path}", additional_headers={"Authorization": f"Bearer {token}"}, **options
        )


@pytest.fixture(scope="module", params=SERVERS)
def gateway(request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    """Each of the servers, up."""
    made = Elsewhere(request.param, free_port(), free_port())
    process = subprocess.Popen(
        [sys.executable, *SERVERS[made.server], str(made.port)],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "APIM_SIGNING_KEY": settings.SIGNING_KEY,
            "BACKEND": f"ws://127.0.0.1:{made.backend_port}/app",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(process, made.port)
        yield made
    finally:
        process.kill()
        process.wait()


def wait_for_port(process: subprocess.Popen[bytes], port: int) -> None:
    """Until something listens there, or the process has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("The server did not come up.")


async def test_messages_come_back_as_they_were(gateway: Elsewhere) -> None:
    async with websockets_backend(subprotocols=["v1.chat"], port=gateway.backend_port):
        client = await gateway.client(subprotocols=["v1.chat"], max_size=None)
        assert client.subprotocol == "v1.chat"
        for message in ("hello", "é" * 1000, b"\x00\xff" * 40000, b"x"):
            await client.send(message)
            assert await client.recv() == message
        await client.close(4000, "enough")


async def test_the_decisions_are_the_same(gateway: Elsewhere) -> None:
    """Daphne can refuse with 403 only."""
    async with websockets_backend(port=gateway.backend_port):
        for path, token, status in [
            ("/echo/1.0.0", "wrong", 401),
            ("/nothing/1", TOKEN, 404),
            ("/dead/1.0.0", TOKEN, 502),
        ]:
            with pytest.raises(InvalidStatus) as refused:
                await gateway.client(path, token)
            assert refused.value.response.status_code == (403 if gateway.server == "daphne" else status)


async def test_the_backends_code_reaches_the_client(gateway: Elsewhere) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(4321, "closing time")

    async with websockets_backend(leave, port=gateway.backend_port):
        client = await gateway.client()
        await client.send("now")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4321


async def test_the_clients_code_reaches_the_backend(gateway: Elsewhere) -> None:
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    async with websockets_backend(listen, port=gateway.backend_port):
        client = await gateway.client()
        await client.close(4000, "enough")
        assert await asyncio.wait_for(codes.get(), 5) == 4000


async def test_a_client_that_vanishes_is_a_1001_for_the_backend(gateway: Elsewhere) -> None:
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    async with websockets_backend(listen, port=gateway.backend_port):
        client = await gateway.client()
        client.transport.abort()
        assert await asyncio.wait_for(codes.get(), 5) == 1001


async def test_a_backend_that_vanishes_is_a_1014(gateway: Elsewhere) -> None:
    """Daphne cannot send it."""
    async with raw_backend(port=gateway.backend_port) as backend:
        client = await gateway.client()
        (await backend.accepted()).reset()
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == (4000 if gateway.server == "daphne" else 1014)


async def test_a_connection_is_closed_when_it_has_lasted_as_long_as_it_may(gateway: Elsewhere) -> None:
    async with websockets_backend(port=gateway.backend_port):
        client = await gateway.client("/short/1.0.0")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == (4000 if gateway.server == "daphne" else 1001)


async def test_a_backend_cannot_send_the_gateway_elsewhere(gateway: Elsewhere) -> None:
    async with raw_backend() as target:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with raw_backend(lambda head: redirect, port=gateway.backend_port):
            with pytest.raises(InvalidStatus):
                await gateway.client()
        assert target.connections.empty()


async def test_the_backend_learns_who_calls(gateway: Elsewhere) -> None:
    async with raw_backend(switch, port=gateway.backend_port) as backend:
        client = await gateway.client("/echo/1.0.0/rooms/1?x=1")
        head = (await backend.accepted()).head
        client.transport.abort()
    assert head.startswith(b"GET /app/rooms/1?x=1 HTTP/1.1\r\n")
    assert b"X-APIM-Subscriber: carol\r\n" in head
    assert TOKEN.encode() not in head


async def test_interim_answers_are_passed_over(gateway: Elsewhere) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with raw_backend(lambda head: interim + switch(head), port=gateway.backend_port) as backend:
        client = await gateway.client()
        await (await backend.accepted()).send(frame(1, b"hello", masked=False))
        assert await asyncio.wait_for(client.recv(), 5) == "hello"
        client.transport.abort()


async def test_interim_answers_without_end_are_refused(gateway: Elsewhere) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * 20
    async with raw_backend(lambda head: interim + switch(head), port=gateway.backend_port):
        with pytest.raises(InvalidStatus):
            await gateway.client()


@pytest.mark.parametrize("value", ["Захар", "Åsa"])
async def test_a_header_in_any_script_reaches_the_backend_as_it_was_sent(gateway: Elsewhere, value: str) -> None:
    """Daphne takes none."""
    sent = value.encode()
    first = request(headers=[("X-Who", sent.decode("latin-1")), ("Cookie", f"name={sent.decode('latin-1')}")])
    async with raw_backend(port=gateway.backend_port) as backend, raw_client(gateway.port, first) as client:
        answer = await client.read_head()
        if gateway.server == "daphne":
            assert answer.startswith(b"HTTP/1.1 400 ")
            return
        assert answer.startswith(b"HTTP/1.1 101 ")
        head = (await backend.accepted()).head.lower()
    assert b"x-who: " + sent.lower() + b"\r\n" in head
    assert b"cookie: name=" + sent.lower() + b"\r\n" in head


async def test_a_backend_is_told_who_calls_signed_and_gets_the_endpoints_own_headers(gateway: Elsewhere) -> None:
    forged = [("X-APIM-Identity", "forged"), ("X_APIM_Identity", "forged"), ("x-backend-key", "forged")]
    first = request("/signed/1.0.0", headers=forged)
    async with raw_backend(port=gateway.backend_port) as backend, raw_client(gateway.port, first) as client:
        assert b" 101 " in (await client.read_head()).partition(b"\r\n")[0] + b" "
        head = (await backend.accepted()).head.decode()
    assert "forged" not in head
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    signed = jwt.JWT(key=signing_key(), jwt=headers["X-APIM-Identity"], algs=["RS256"])
    claims = json.loads(signed.claims)
    assert (claims["aud"], claims["subscriber"], claims["plan"]) == ("/signed@1.0.0", "carol", "Gold")
    assert claims["jti"] == headers["X-APIM-Request-Id"]
    assert headers["X-Backend-Key"] == "of the endpoint"


async def test_plain_http_is_answered(gateway: Elsewhere) -> None:
    async with websockets_backend(port=gateway.backend_port):
        for path, status in (("/health", b"200"), ("/echo/1.0.0", b"426"), ("/nothing", b"404")):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            assert (await asyncio.wait_for(reader.read(), 5)).split()[1] == status
            writer.close()
