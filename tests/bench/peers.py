"""Programs under test as processes, and bad peers that send exactly what a test wants them to send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

WELCOME = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

Wsload = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@asynccontextmanager
async def bad_peer(*, answer: bytes = WELCOME, frames: bytes = b"") -> AsyncIterator[str]:
    """A server that says `answer` to any request and `frames` to the first message; yields its URL."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if frames:
            await reader.read(1024)
            writer.write(frames)
        await reader.read(1024)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def wait_until_listening(port: int) -> None:
    """Returns once 127.0.0.1:`port` accepts; TimeoutError after 10 seconds."""
    async with asyncio.timeout(10):
        while not await _accepts(port):
            await asyncio.sleep(0.02)


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
