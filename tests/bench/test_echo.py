"""The echo backend against an independent client."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.wire.peers import until

pytestmark = pytest.mark.wire


def client(port: int, **options: object) -> connect:
    return connect(f"ws://127.0.0.1:{port}/any", compression=None, max_size=None, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20, (1 << 20) + 3])
async def test_a_message_of_any_size_comes_back_as_it_was(echo_port: int, size: int) -> None:
    message = bytes(i * 7 % 256 for i in range(size))
    async with client(echo_port) as connection:
        await connection.send(message)
        assert await connection.recv() == message


async def test_text_comes_back_as_text_and_fragments_as_one_message(echo_port: int) -> None:
    async with client(echo_port) as connection:
        await connection.send(["Grüße ", "aus ", "drei Teilen"])
        assert await connection.recv() == "Grüße aus drei Teilen"


async def test_a_ping_is_answered_while_messages_flow(echo_port: int) -> None:
    async with client(echo_port) as connection:
        await connection.send(b"before")
        async with asyncio.timeout(5):
            await (await connection.ping(b"there?"))
        assert await connection.recv() == b"before"


async def test_a_close_comes_back_with_its_code_and_reason(echo_port: int) -> None:
    async with client(echo_port) as connection:
        await connection.close(4321, "enough")
    assert (connection.close_code, connection.close_reason) == (4321, "enough")


async def test_the_first_subprotocol_offered_is_chosen(echo_port: int) -> None:
    async with client(echo_port, subprotocols=["chat.v2", "chat.v1"]) as connection:
        assert connection.subprotocol == "chat.v2"


async def test_a_reader_that_comes_late_gets_everything(echo_port: int) -> None:
    message = bytes(1 << 16)
    async with client(echo_port, max_queue=1) as connection:
        sending = asyncio.create_task(_send_many(connection, message, 200))
        await until(lambda: connection.transport.get_write_buffer_size() > 0)  # nobody takes any more
        for _ in range(200):
            assert await connection.recv() == message
        await sending


async def test_an_unmasked_frame_is_a_protocol_error(echo_port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", echo_port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x82\x01a"
    )
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert answer.endswith(b"\x88\x02\x03\xea")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET / HTTP/1.1", b"426"),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket", b"400"),
        (b"POST / HTTP/1.1", b"400"),
        (b"GET /authorize HTTP/1.1", b"401"),
        (b"GET /authorize HTTP/1.1\r\nauthorization: Bearer x", b"200"),
        (b"GET /authorize/bench?a=b HTTP/1.1\r\nauthorization: Bearer x", b"200"),
        (b"GET /authorized HTTP/1.1\r\nauthorization: Bearer x", b"426"),
    ],
)
async def test_a_plain_request_gets_an_honest_status(echo_port: int, request_head: bytes, status: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", echo_port)
    writer.write(request_head + b"\r\nHost: x\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 5)).split()[1] == status
    writer.close()


async def _send_many(connection: object, message: bytes, count: int) -> None:
    for _ in range(count):
        await connection.send(message)  # type: ignore[attr-defined]


async def test_a_client_that_vanishes_leaves_the_others_alone(echo_port: int) -> None:
    async with client(echo_port) as staying:
        async with client(echo_port) as leaving:
            leaving.transport.abort()
            with pytest.raises(ConnectionClosed):
                await leaving.recv()
        await staying.send("still here")
        assert await staying.recv() == "still here"
