"""The other ends: an echo that only echoes, and peers that speak in raw bytes and so can break every rule."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from gateway.handshake.head import accept_for
from gateway.payloads.reading import apply_mask
from gateway.relay.frames import CLOSE, FrameScanner
from tests.environment import PATIENCE, free_ports
from tests.wire.gateway_under_test import TOKEN

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x0a\x1b\x2c\x3d"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


def frame(opcode: int, payload: bytes = b"", *, masked: bool, final: bool = True, rsv: int = 0) -> bytes:
    """One frame."""
    first, mark, length = (0x80 if final else 0) | rsv | opcode, 0x80 if masked else 0, len(payload)
    if length < 126:
        head = bytes([first, mark | length])
    elif length < 65536:
        head = bytes([first, mark | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([first, mark | 127]) + length.to_bytes(8, "big")
    return head + MASK + apply_mask(payload, MASK) if masked else head + payload


def close_frame(code: int | None, reason: str = "", *, masked: bool) -> bytes:
    """A Close frame."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason.encode(), masked=masked)


def request(
    target: str = "/echo/1.0.0",
    headers: Iterable[tuple[str, str]] = (),
    *,
    version: str = "13",
    token: str | None = TOKEN,
) -> bytes:
    """A handshake."""
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: gateway.test",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        f"Sec-WebSocket-Version: {version}",
        *([f"Authorization: Bearer {token}"] if token else []),
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass
class Raw:
    """One end of a connection, in bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes = b""

    async def read_head(self) -> bytes:
        """The head of a request or an answer."""
        async with asyncio.timeout(PATIENCE):
            self.head = await self.reader.readuntil(b"\r\n\r\n")
        return self.head

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """All until the other side closes; what came before a reset."""
        data = b""
        async with asyncio.timeout(PATIENCE):
            try:
                while chunk := await self.reader.read(65536):
                    data += chunk
            except ConnectionError:
                pass
        return data

    async def close_received(self) -> tuple[int | None, str]:
        """The code and reason of the Close that is the next control frame."""
        scanner, data = FrameScanner(masked=self.is_server), b""
        async with asyncio.timeout(PATIENCE):
            while not scanner.closed:
                data += await self.reader.readexactly(1)
                data = data[scanner.feed(data) :]
        payload = scanner.controls[-1].payload
        return (int.from_bytes(payload[:2], "big"), payload[2:].decode()) if payload else (None, "")

    is_server = False

    async def send(self, data: bytes) -> None:
        """Write, and wait until it is on its way."""
        self.writer.write(data)
        async with asyncio.timeout(PATIENCE):
            await self.writer.drain()

    def reset(self) -> None:
        """Tear the connection, unless the other side was faster."""
        if self.writer.is_closing():
            return
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()

    def hang_up(self) -> None:
        """End it without a Close frame (FIN)."""
        self.writer.close()


@asynccontextmanager
async def raw_client(
    port: int, first: bytes | None = None, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[Raw]:
    """A client at `address` that has sent `first` (a good handshake if None) and has read nothing."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1",
        port,
        ssl=tls,
        server_hostname="localhost" if tls else None,
        local_addr=(address, 0),
        limit=1 << 26,
    )
    raw = Raw(reader, writer)
    await raw.send(request() if first is None else first)
    try:
        yield raw
    finally:
        writer.transport.abort()


@dataclass
class RawBackend:
    """A backend whose connections the test holds in its hand."""

    port: int
    connections: asyncio.Queue[Raw] = field(default_factory=asyncio.Queue)

    @property
    def url(self) -> str:
        """Its address."""
        return f"ws://127.0.0.1:{self.port}/app"

    async def accepted(self) -> Raw:
        """The next connection, after the handshake."""
        async with asyncio.timeout(PATIENCE):
            return await self.connections.get()


def switch(head: bytes, *headers: str) -> bytes:
    """The right 101 for a request's head."""
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_for(key)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def raw_backend(
    answer: Callable[[bytes], bytes] | None = None, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[RawBackend]:
    """A backend that answers each head with `answer(head)`, a plain 101 if None, and then leaves it to the test."""
    made: list[Raw] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = Raw(reader, writer)
        raw.is_server = True
        made.append(raw)
        try:
            head = await raw.read_head()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        await raw.send((answer or switch)(head))
        backend.connections.put_nowait(raw)

    server = await asyncio.start_server(accept, "127.0.0.1", port, ssl=tls, limit=1 << 26)
    backend = RawBackend(server.sockets[0].getsockname()[1])
    try:
        yield backend
    finally:
        server.close()
        await every_client_is_known()
        for raw in made:
            raw.writer.transport.abort()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Listen until the other side has enough."""
    await reader.read()


@asynccontextmanager
async def tcp_backend(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]] = say_nothing,
) -> AsyncIterator[str]:
    """A backend that speaks no HTTP at all, and if nothing is said otherwise says nothing; its address."""
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await handler(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await every_client_is_known()
        for writer in writers:
            writer.transport.abort()


async def every_client_is_known() -> None:
    """For who is accepted last, asyncio has a task, and another once it has a transport."""
    for _ in range(8):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


async def echo(connection: ServerConnection) -> None:
    """Sends back what it gets."""
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def websockets_backend(
    handler: Callable[[ServerConnection], Any] = echo, port: int = 0, **options: Any
) -> AsyncIterator[str]:
    """A server of the `websockets` library, no compression unless asked for; its address."""
    async with serve(handler, "127.0.0.1", port, **{"compression": None, "max_size": None, **options}) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        scheme = "wss" if options.get("ssl") else "ws"
        yield f"{scheme}://localhost:{port}" if options.get("ssl") else f"{scheme}://127.0.0.1:{port}"


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    """The address of a backend that is not there. Its port is kept meanwhile, so that nobody else comes to listen."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield f"ws://127.0.0.1:{kept.getsockname()[1]}"


def free_port() -> int:
    """A port on which nothing listens, and which no client is given for its own end meanwhile."""
    return free_ports(1)[0]
