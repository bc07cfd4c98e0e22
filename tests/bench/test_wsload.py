"""The load generator: it counts what came back, and notices what came back wrong."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.bench.peers import WELCOME, Wsload, bad_peer

pytestmark = pytest.mark.wire

CLEAN = {"connect": 0, "refused": 0, "protocol": 0, "lost": 0, "timeout": 0, "missing": 0, "overrun": 0}


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20])
async def test_every_message_of_any_size_is_counted_when_it_came_back(
    echo_port: int, wsload: Wsload, size: int
) -> None:
    url = f"ws://127.0.0.1:{echo_port}/"
    code, result = await wsload("echo", url, "--connections", 3, "--window", 4, "--size", size, "--messages", 50)
    assert (code, result["count"], result["errors"]) == (0, 50, CLEAN)


async def test_messages_larger_than_any_socket_buffer_go_out_in_order(echo_port: int, wsload: Wsload) -> None:
    url = f"ws://127.0.0.1:{echo_port}/"
    code, result = await wsload("echo", url, "--window", 2, "--size", (1 << 24) + 1, "--messages", 6)
    assert (code, result["count"], result["errors"]) == (0, 6, CLEAN)


async def test_a_run_by_time_ends_with_nothing_missing(echo_port: int, wsload: Wsload) -> None:
    url = f"ws://127.0.0.1:{echo_port}/"
    code, result = await wsload("echo", url, "--connections", 2, "--window", 2, "--seconds", 0.2)
    assert (code, result["errors"]) == (0, CLEAN)
    latency = result["latency_us"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"]


async def test_handshakes_are_closed_properly(wsload: Wsload) -> None:
    codes: list[int | None] = []

    async def note_close(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.close_code)

    async with serve(note_close, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        code, result = await wsload("handshakes", f"ws://127.0.0.1:{port}/", "--connections", 2, "--seconds", 0.3)
    assert (code, result["errors"]) == (0, CLEAN)
    assert 0 < result["count"] <= result["opened"] == len(codes)
    assert set(codes) == {1000}


async def test_idle_connections_answer_a_ping(wsload: Wsload) -> None:
    answered = 0

    async def ping(connection: ServerConnection) -> None:
        nonlocal answered
        async with asyncio.timeout(5):
            await (await connection.ping(b"still there?"))
        answered += 1
        await connection.wait_closed()

    async with serve(ping, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        code, result = await wsload("idle", f"ws://127.0.0.1:{port}/", "--connections", 5, "--seconds", 0.5)
    assert (code, result["opened"], answered) == (0, 5, 5)


async def test_headers_query_and_subprotocol_reach_the_server(wsload: Wsload) -> None:
    seen: list[tuple[str, str | None, str | None]] = []

    async def echo(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append((connection.request.path, connection.request.headers.get("Authorization"), connection.subprotocol))
        async for message in connection:
            await connection.send(message)

    more = ["--authorization", "Bearer abc", "--subprotocol", "chat", "--messages", 3]
    async with serve(echo, "127.0.0.1", 0, compression=None, subprotocols=["chat"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        code, result = await wsload("echo", f"ws://127.0.0.1:{port}/a?access_token=t", *more)
    assert (code, result["count"]) == (0, 3)
    assert seen == [("/a?access_token=t", "Bearer abc", "chat")]


# What is sent is one message of three bytes: 0, 31, 62.
@pytest.mark.parametrize(
    ("frames", "error"),
    [
        pytest.param(b"\x82\x03\x00\x1f\x00", "protocol", id="another byte"),
        pytest.param(b"\x82\x02\x00\x1f", "protocol", id="too short"),
        pytest.param(b"\x82\x04\x00\x1f\x3e\x00", "protocol", id="too long"),
        pytest.param(b"\x81\x03\x00\x1f\x3e", "protocol", id="text for binary"),
        pytest.param(b"\xc2\x03\x00\x1f\x3e", "protocol", id="a reserved bit"),
        pytest.param(b"\x82\x83\x00\x1f\x3e", "protocol", id="masked"),
        pytest.param(b"\x80\x03\x00\x1f\x3e", "protocol", id="a continuation of nothing"),
        pytest.param(b"\x82\x03\x00\x1f\x3e\x82\x03\x00\x1f\x3e", "protocol", id="one more than was sent"),
        pytest.param(b"\x88\x02\x03\xe8", "lost", id="a close in the middle"),
        pytest.param(b"\x8a\x00", "missing", id="nothing"),
    ],
)
async def test_a_wrong_answer_is_an_error(wsload: Wsload, frames: bytes, error: str) -> None:
    async with bad_peer(frames=frames) as url:
        code, result = await wsload("echo", url, "--size", 3, "--seconds", 0.1)
    assert (code, result["errors"][error]) == (1, 1)


async def test_fragments_and_control_frames_between_them_make_one_message(wsload: Wsload) -> None:
    frames = b"\x02\x00\x89\x02hi\x00\x02\x00\x1f\x8a\x00\x80\x01\x3e"
    async with bad_peer(frames=frames) as url:
        _, result = await wsload("echo", url, "--size", 3, "--messages", 1)
    assert (result["count"], result["errors"]["protocol"]) == (1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", id="401"),
        pytest.param(WELCOME.replace(b"s3pPLM", b"t3pPLM"), id="wrong accept"),
        pytest.param(WELCOME.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: x\r\n\r\n"), id="not offered"),
    ],
)
async def test_a_refused_handshake_is_an_error(wsload: Wsload, answer: bytes) -> None:
    async with bad_peer(answer=answer) as url:
        code, result = await wsload("echo", url, "--messages", 1)
    assert (code, result["opened"], result["errors"]) == (1, 0, CLEAN | {"refused": 1})


async def test_nobody_there_is_an_error_and_ends_at_once(wsload: Wsload, unused_tcp_port: int) -> None:
    code, result = await wsload("handshakes", f"ws://127.0.0.1:{unused_tcp_port}/", "--seconds", 20)
    assert code == 1
    assert result["errors"]["connect"] > 0


async def test_a_paced_run_sends_every_message_at_its_time_and_no_other(echo_port: int, wsload: Wsload) -> None:
    url = f"ws://127.0.0.1:{echo_port}/"
    code, result = await wsload("paced", url, "--connections", 3, "--rate", 500, "--messages", 100)
    assert (code, result["count"], result["errors"]) == (0, 100, CLEAN)
    assert result["per_second"] <= 510  # never ahead of its time, however fast the answers come


async def test_a_paced_run_does_not_wait_for_answers(wsload: Wsload) -> None:
    async def keep_quiet(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(keep_quiet, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"
        code, result = await wsload("paced", url, "--rate", 1000, "--window", 5, "--seconds", 0.2)
    assert code == 1
    assert result["errors"]["missing"] == 5
    assert result["errors"]["overrun"] > 0


@pytest.mark.parametrize(
    "wrong", [["paced"], ["echo", "--rate", 5], ["sing"], ["echo", "--connections", 0]], ids=lambda wrong: wrong[0]
)
async def test_wrong_usage_is_refused(wsload: Wsload, wrong: list[object]) -> None:
    mode, *more = wrong
    code, _ = await wsload(mode, "ws://127.0.0.1:9/", *more)
    assert code == 2


async def test_the_processor_time_of_watched_processes_is_added_up(echo_port: int, wsload: Wsload) -> None:
    url = f"ws://127.0.0.1:{echo_port}/"
    _, unwatched = await wsload("echo", url, "--messages", 10)
    assert unwatched["cpu_seconds"] == 0
    _, result = await wsload("echo", url, "--seconds", 0.2, "--watch", f"{os.getpid()},999999999")
    assert 0 <= result["cpu_seconds"] <= 60


@pytest.fixture
async def secure_url(wsload: Wsload, tls_context: ssl.SSLContext) -> AsyncIterator[str]:
    """An echo server over TLS; skips where the generator has no libssl."""
    code, _ = await wsload("tls")
    if code:
        pytest.skip("the load generator found no libssl here")

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, compression=None, max_size=None, ssl=tls_context) as server:
        yield f"wss://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


@pytest.mark.parametrize("size", [0, 125, 65536, (1 << 22) + 1])
async def test_over_tls_every_message_of_any_size_comes_back(secure_url: str, wsload: Wsload, size: int) -> None:
    more = ["--connections", 2, "--window", 3, "--size", size, "--messages", 20]
    code, result = await wsload("echo", secure_url, *more)
    assert (code, result["count"], result["errors"]) == (0, 20, CLEAN)


async def test_over_tls_handshakes_are_closed_properly(secure_url: str, wsload: Wsload) -> None:
    code, result = await wsload("handshakes", secure_url, "--connections", 2, "--seconds", 0.2)
    assert (code, result["errors"]) == (0, CLEAN)
    assert result["opened"] > 0


async def test_over_tls_idle_connections_are_held(secure_url: str, wsload: Wsload) -> None:
    code, result = await wsload("idle", secure_url, "--connections", 5, "--seconds", 0.1)
    assert (code, result["opened"], result["errors"]) == (0, 5, CLEAN)


async def test_a_server_without_tls_is_an_error(secure_url: str, wsload: Wsload) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, result = await wsload("echo", f"wss://127.0.0.1:{port}/", "--messages", 1)
    assert (code, result["errors"]) == (1, CLEAN | {"connect": 1})
