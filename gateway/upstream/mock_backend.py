"""Stands in for a backend that is not there yet: a WebSocket server at the other end of a pair of sockets.

So what it says is relayed, metered and limited as what any backend says. `publisher.mock` has what it says.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from publisher.mock import Mock, Speaker

LONGEST_MESSAGE = 1_048_576  # bytes
_CHUNK = 65_536
_talking: set[asyncio.Task[None]] = set()


async def open_mock(mock: Mock) -> socket.socket:
    """A connected socket at whose other end the mock waits for a handshake. Raises OSError."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=theirs)
    task = asyncio.create_task(MockBackend(mock, reader, writer).talk())
    _talking.add(task)
    task.add_done_callback(_talking.discard)
    return ours


class MockBackend:
    """One conversation. It waits where the other end reads slowly, and ends with it."""

    def __init__(self, mock: Mock, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._mock = mock
        self._speaker = Speaker(mock)
        self._reader = reader
        self._writer = writer
        self._protocol = ServerProtocol(
            max_size=LONGEST_MESSAGE, select_subprotocol=lambda protocol, offered: next(iter(offered), None)
        )

    async def talk(self) -> None:
        """From the handshake to the end."""
        speaking: asyncio.Task[None] | None = None
        with suppress(OSError, WebSocketException):
            async for message in self._messages():
                if message is None:
                    speaking = asyncio.create_task(self._speak())
                elif (answer := self._speaker.answer(message)) is not None:
                    await self._send(answer)
        if speaking:
            speaking.cancel()
        self._writer.close()

    async def _messages(self) -> AsyncIterator[str | bytes | None]:
        """None when the handshake is done, then each message of the client, whole."""
        parts: list[Frame] = []
        while data := await self._reader.read(_CHUNK):
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    self._protocol.send_response(self._protocol.accept(event))
                    yield None
                elif isinstance(event, Frame) and event.opcode < Opcode.CLOSE:
                    parts.append(event)
                    if event.fin:
                        whole = b"".join(bytes(part.data) for part in parts)
                        kind, parts = parts[0].opcode, []
                        yield whole.decode(errors="replace") if kind is Opcode.TEXT else whole
            if not await self._flush():
                return

    async def _speak(self) -> None:
        try:
            async with asyncio.TaskGroup() as jobs:
                jobs.create_task(self._follow())
                jobs.create_task(self._tick())
        except* (OSError, WebSocketException):
            pass

    async def _follow(self) -> None:
        """Greet, then go through the script."""
        for message in self._mock.on_connect:
            await self._send(self._speaker.says(message))
        while True:
            for step in self._mock.script:
                for _ in range(step.times):
                    await self._send(self._speaker.says(step.message))
                await asyncio.sleep(step.pause)
                if step.code:
                    self._protocol.send_close(step.code, step.reason)
                    await self._flush()
                    return
            if not self._mock.script_repeats:
                return

    async def _tick(self) -> None:
        while self._mock.every:
            for message in self._mock.in_turn:
                await asyncio.sleep(self._mock.every)
                await self._send(self._speaker.says(message))

    async def _send(self, message: str | bytes) -> None:
        """Raises ConnectionError once the conversation is over."""
        if self._protocol.state is not OPEN:
            raise ConnectionResetError
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        await self._flush()

    async def _flush(self) -> bool:
        """Pass on what is to be sent; False once that was the last of it."""
        for data in self._protocol.data_to_send():
            if not data:
                return False
            self._writer.write(data)
        await self._writer.drain()
        return True
