"""How connections end: whoever ends them and however, the other side learns it, in time, with an honest code."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from gateway.relay.splice import Leg, Relay
from gateway.relay.states import LegState
from gateway.server.http import GatewayHttp
from gateway.server.websocket import PendingWebSocket
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running
from tests.wire.peers import (
    Raw,
    close_frame,
    frame,
    free_port,
    raw_backend,
    raw_client,
    until,
    websockets_backend,
)

pytestmark = pytest.mark.wire

# Of each kind one; tests.conformance.test_close_codes sends every code by raw sockets.
CODES = [1000, 1014, 3000, 4999]


@asynccontextmanager
async def raw_connection(
    certificate: Certificate | None = None, **context: Any
) -> AsyncIterator[tuple[Gateway, Raw, Raw]]:
    """A gateway, a client of it and the backend's end of the same connection, both in the test's hands."""
    server_tls = certificate.server_context() if certificate else None
    client_tls = certificate.client_context() if certificate else None
    async with (
        raw_backend() as backend,
        running(backend.url, server_tls=server_tls, **context) as gateway,
        raw_client(gateway.port, tls=client_tls) as client,
    ):
        await client.read_head()
        yield gateway, client, await backend.accepted()


@pytest.mark.parametrize("code", CODES)
async def test_the_clients_close_reaches_the_backend_and_the_answer_comes_back(code: int) -> None:
    got: list[tuple[int | None, str]] = []

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        got.append((connection.close_code, connection.close_reason or ""))

    async with websockets_backend(listen) as url, running(url) as gateway:
        async with connect(gateway.url, additional_headers=gateway.headers) as client:
            await client.close(code, "that was all")
            assert client.close_code == code
        await gateway.until_quiet()
    assert got == [(code, "that was all")]
    assert gateway.ended[0].cause is not None
    assert (gateway.ended[0].cause.by, gateway.ended[0].cause.code) == ("client", code)


@pytest.mark.parametrize("code", CODES)
async def test_the_backends_close_reaches_the_client(code: int) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(code, "closing time")

    async with websockets_backend(leave) as url, running(url) as gateway:
        async with connect(gateway.url, additional_headers=gateway.headers) as client:
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
        await gateway.until_quiet()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, "closing time")
    assert gateway.ended[0].cause is not None
    assert gateway.ended[0].cause.by == "backend"


async def test_a_close_without_a_code_passes_without_a_code() -> None:
    async with raw_connection() as (gateway, client, upstream):
        await client.send(close_frame(None, masked=True))
        assert await upstream.close_received() == (None, "")
        await upstream.send(close_frame(None, masked=False))
        assert await client.read(2) == b"\x88\x00"
        assert await client.rest() == b""
        upstream.hang_up()
        await gateway.until_quiet()


@pytest.mark.parametrize("code", [1005, 5000])
async def test_a_code_that_may_not_be_sent_is_a_broken_rule_and_never_passes(code: int) -> None:
    async with raw_connection() as (_, client, upstream):
        await client.send(close_frame(code, masked=True))
        assert (await client.close_received())[0] == 1002
        assert (await upstream.close_received())[0] == 1001


async def test_both_may_close_at_once() -> None:
    async with raw_connection() as (gateway, client, upstream):
        client.writer.write(close_frame(4001, masked=True))
        upstream.writer.write(close_frame(4002, masked=False))
        assert await client.close_received() == (4002, "")
        assert await upstream.close_received() == (4001, "")
        assert await client.rest() == b""
        upstream.hang_up()
        await gateway.until_quiet()


async def test_the_gateway_closes_the_clients_connection_first_and_waits_for_the_backend_to_close_its_own() -> None:
    async with raw_connection() as (gateway, client, upstream):
        await client.send(close_frame(1000, masked=True))
        await upstream.close_received()
        await upstream.send(close_frame(1000, masked=False))
        (relay,) = gateway.worker.config.relays
        await client.close_received()
        assert await client.rest() == b""
        await until(lambda: relay.client.state is LegState.GONE)
        assert not relay.backend.transport.is_closing()
        assert not upstream.reader.at_eof()
        upstream.hang_up()
        await gateway.until_quiet()


async def test_a_backend_that_never_answers_a_close_is_not_waited_for_for_ever() -> None:
    async with raw_connection() as (gateway, client, upstream):
        await client.send(close_frame(1000, "bye", masked=True))
        await upstream.close_received()
        assert (await client.close_received())[0] == 1000
        assert await client.rest() == b""
        await gateway.until_quiet()


async def test_a_client_that_never_answers_a_close_is_not_waited_for_for_ever() -> None:
    async with raw_connection() as (gateway, client, upstream):
        await upstream.send(close_frame(1000, masked=False))
        await client.close_received()
        await gateway.until_quiet()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("way", ["FIN", "RST"])
async def test_a_backend_that_vanishes_is_a_1014_for_the_client(way: str, tls: bool, certificate: Certificate) -> None:
    async with raw_connection(certificate if tls else None) as (gateway, client, upstream):
        await upstream.send(frame(1, b"last words", masked=False))
        assert await client.read(12) == frame(1, b"last words", masked=False)
        upstream.hang_up() if way == "FIN" else upstream.reset()
        code, reason = await client.close_received()
        assert code == 1014
        assert "backend" in reason
        await client.send(close_frame(1014, masked=True))
        assert await client.rest() == b""
        await gateway.until_quiet()


@pytest.mark.parametrize("way", ["FIN", "RST"])
async def test_a_client_that_vanishes_is_a_1001_for_the_backend(way: str) -> None:
    async with raw_connection() as (gateway, client, upstream):
        await client.send(frame(1, b"last words", masked=True))
        assert await upstream.read(16) == frame(1, b"last words", masked=True)
        client.hang_up() if way == "FIN" else client.reset()
        assert (await upstream.close_received())[0] == 1001
        await upstream.send(close_frame(1001, masked=False))
        upstream.hang_up()
        await gateway.until_quiet()


async def test_everything_that_a_backend_sent_before_it_vanished_arrives() -> None:
    sent = frame(2, bytes(300_000), masked=False) * 5
    async with raw_connection() as (_, client, upstream):
        await upstream.send(sent)
        upstream.hang_up()
        assert await client.read(len(sent)) == sent
        assert (await client.close_received())[0] == 1014


async def test_a_client_that_only_stopped_sending_still_gets_the_answer() -> None:
    async with raw_connection() as (gateway, client, upstream):
        await client.send(frame(1, b"question", masked=True))
        client.writer.write_eof()
        assert await upstream.read(14) == frame(1, b"question", masked=True)
        assert (await upstream.close_received())[0] == 1001
        await upstream.send(frame(1, b"answer", masked=False) + close_frame(1001, masked=False))
        upstream.hang_up()
        assert await client.rest() == frame(1, b"answer", masked=False) + close_frame(1001, masked=False)
        await gateway.until_quiet()


async def test_a_backend_that_vanishes_within_a_frame_leaves_no_frame_of_ours_inside_it() -> None:
    begun = frame(2, bytes(1000), masked=False)[:500]
    async with raw_connection(handshake=60.0) as (gateway, client, upstream):
        await upstream.send(begun)
        upstream.hang_up()
        assert await client.rest() == begun
        await gateway.until_quiet()


async def test_half_a_header_is_never_passed_on() -> None:
    async with raw_connection() as (_, client, upstream):
        await upstream.send(frame(2, bytes(1000), masked=False)[:3])
        upstream.hang_up()
        assert (await client.close_received())[0] == 1014


async def test_a_backend_that_is_killed_is_a_1014_for_the_client() -> None:
    port = free_port()
    serve = (
        "import asyncio, websockets\n"
        "async def main():\n"
        "    async def handle(connection):\n"
        "        async for message in connection: await connection.send(message)\n"
        f"    async with websockets.serve(handle, '127.0.0.1', {port}):\n"
        "        print('ready', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", serve, stdout=subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        async with running(f"ws://127.0.0.1:{port}") as gateway:
            async with connect(gateway.url, additional_headers=gateway.headers) as client:
                await client.send("alive?")
                assert await client.recv() == "alive?"
                process.kill()
                with pytest.raises(ConnectionClosed) as closed:
                    await asyncio.wait_for(client.recv(), 5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1014
            await gateway.until_quiet()
    finally:
        await process.wait()


async def test_the_gateway_closes_a_connection_with_its_own_code_and_words() -> None:
    async with websockets_backend() as url, running(url) as gateway:
        async with connect(gateway.url, additional_headers=gateway.headers) as client:
            await client.send("hello")
            await client.recv()
            gateway.connections[0].close(4001, "The access token was revoked. Get a new one.")
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
        await gateway.until_quiet()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "The access token was revoked. Get a new one.")
    assert gateway.ended[0].cause is not None
    assert (gateway.ended[0].cause.by, gateway.ended[0].cause.code) == ("gateway", 4001)


async def test_a_close_of_the_gateways_waits_for_the_end_of_the_frame_that_is_passing() -> None:
    half, rest = frame(2, bytes(1000), masked=False)[:500], frame(2, bytes(1000), masked=False)[500:]
    after = frame(1, b"too late", masked=False)
    async with raw_connection() as (gateway, client, upstream):
        await upstream.send(half)
        assert await client.read(len(half)) == half
        gateway.connections[0].close(4006, "Blocked.")
        assert (await upstream.close_received())[0] == 1001
        await upstream.send(rest[:100])
        assert await client.read(100) == rest[:100]
        await upstream.send(rest[100:] + after)
        assert await client.read(len(rest) - 100) == rest[100:]
        assert await client.close_received() == (4006, "Blocked.")


async def test_nothing_passes_after_a_close_of_the_gateways() -> None:
    async with raw_connection() as (gateway, client, upstream):
        gateway.connections[0].close(4001, "")
        await upstream.close_received()
        await client.send(frame(1, b"too late", masked=True) + close_frame(4001, masked=True))
        await upstream.send(frame(1, b"too late", masked=False) + close_frame(1001, masked=False))
        await client.close_received()
        assert await client.rest() == b""
        upstream.hang_up()
        assert await upstream.rest() == b""
        await gateway.until_quiet()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(frame(1, b"x", masked=False), id="not masked"),
        pytest.param(frame(3, b"x", masked=True), id="reserved opcode"),
        pytest.param(frame(1, b"x", masked=True, rsv=0x40), id="reserved bit"),
        pytest.param(frame(0, b"x", masked=True), id="continues nothing"),
        pytest.param(frame(9, b"x" * 126, masked=True), id="ping too long"),
    ],
)
async def test_a_client_that_breaks_the_rules_gets_1002_after_what_was_good(wrong: bytes) -> None:
    good = frame(1, b"good", masked=True)
    async with raw_connection() as (gateway, client, upstream):
        await client.send(good + wrong)
        assert await upstream.read(len(good)) == good
        assert (await upstream.close_received())[0] == 1001
        code, reason = await client.close_received()
        assert code == 1002
        assert reason
        upstream.hang_up()
        assert await client.rest() == b""
        client.hang_up()
        await gateway.until_quiet()


async def test_a_client_that_breaks_the_rules_and_sends_on_can_still_read_why() -> None:
    async with raw_connection() as (gateway, client, _):
        (relay,) = gateway.worker.config.relays
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(frame(3, b"x", masked=True))
        await until(lambda: relay.client.state is LegState.BROKEN)
        await client.send(bytes(300_000))
        await until(lambda: not client.writer.transport.get_write_buffer_size())
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert (await client.close_received())[0] == 1002
        assert await client.rest() == b""


async def test_a_backend_that_breaks_the_rules_gets_1002_and_the_client_1014() -> None:
    async with raw_connection() as (gateway, client, upstream):
        await upstream.send(frame(1, b"x", masked=True))
        assert (await upstream.close_received())[0] == 1002
        assert (await client.close_received())[0] == 1014
        upstream.hang_up()
        await client.send(close_frame(1014, masked=True))
        await gateway.until_quiet()


async def test_nothing_is_left_of_connections_that_have_ended() -> None:
    kinds = (GatewayHttp, PendingWebSocket, Relay, Leg)

    def alive() -> int:
        gc.collect()
        return sum(issubclass(type(each), kinds) for each in gc.get_objects())  # a dead proxy may be asked no more

    before = alive()
    async with websockets_backend() as url, running(url) as gateway:
        for _ in range(20):
            async with connect(gateway.url, additional_headers=gateway.headers) as client:
                await client.send("x")
                await client.recv()
        await gateway.until_quiet()
        assert len(gateway.ended) == 20
        gateway.ended.clear()
        await until(lambda: alive() <= before)


async def test_a_stopping_worker_asks_everybody_to_go_and_come_back() -> None:
    async with websockets_backend() as url, running(url, drain=0.2) as gateway:
        clients = [await connect(gateway.url, additional_headers=gateway.headers) for _ in range(5)]
        await gateway.worker.stop()
        for client in clients:
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
    with pytest.raises(ConnectionRefusedError):
        await connect(gateway.url)


@pytest.mark.parametrize("window", [1, 16])
async def test_a_stopping_worker_loses_no_answer_to_what_it_has_passed_on(window: int) -> None:
    heard, answered = Counter[str](), Counter[str]()

    async def answer(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                heard[str(message)] += 1
                await asyncio.sleep(0.01)
                await connection.send(message)

    async def ask(name: str, client: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            for _ in range(window):
                await client.send(name)
            while True:
                await client.recv()
                answered[name] += 1
                with suppress(ConnectionClosed):  # there may be more to hear
                    await client.send(name)

    async with websockets_backend(answer) as url, running(url, drain=4.0) as gateway:
        clients = [await connect(gateway.url, additional_headers=gateway.headers) for _ in range(10)]
        asking = [asyncio.create_task(ask(str(number), client)) for number, client in enumerate(clients)]
        await until(lambda: len(answered) == 10 and min(answered.values()) > 5)
        await gateway.worker.stop()
        await asyncio.gather(*asking)
    assert {client.close_code for client in clients} == {1012}
    assert heard == answered


async def test_a_slow_answer_is_waited_for_when_a_worker_stops() -> None:
    async def answer(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                await asyncio.sleep(1.5)  # for longer than who sends on and on is let be: the gateway goes by time too
                await connection.send(message)

    async with (
        websockets_backend(answer) as url,
        running(url, drain=4.0) as gateway,
        connect(gateway.url, additional_headers=gateway.headers) as client,
    ):
        await client.send("slow")
        await gateway.worker.stop()
        assert await client.recv() == "slow"
        await client.wait_closed()
        assert client.close_code == 1012
