"""An echo that answers each message before it looks at the next byte.

Servers that read ahead answer some of Autobahn's cases by chance: whether a message is echoed before the fault behind
it ends the connection depends on how both came in. This one, on either end of a connection, always does the same.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import cast

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

SMALL = 4096  # bytes up to which a chunk is read byte by byte
PATIENCE = 5.0  # seconds that a server may take to close the connection after the closing handshake


@asynccontextmanager
async def server(*, compresses: bool) -> AsyncIterator[str]:
    """An echoing server on loopback; its address."""
    extensions = [ServerPerMessageDeflateFactory()] if compresses else None
    echoes: list[Echo] = []

    def one_more() -> Echo:
        echoes.append(Echo(ServerProtocol(extensions=extensions, max_size=None)))
        return echoes[-1]

    listening = await asyncio.get_running_loop().create_server(one_more, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for each in echoes:
            each.transport.abort()
        await asyncio.sleep(0)  # in which their sockets are closed


async def client(url: str, headers: Mapping[str, str], *, compresses: bool) -> None:
    """Connect, echo until the other side ends it."""
    uri = parse_uri(url)
    extensions = [ClientPerMessageDeflateFactory(client_max_window_bits=True)] if compresses else None
    protocol = ClientProtocol(uri, extensions=extensions, max_size=None)
    request = protocol.connect()
    request.headers.update(headers)
    protocol.send_request(request)
    _, echo = await asyncio.get_running_loop().create_connection(lambda: Echo(protocol), uri.host, uri.port)
    await echo.ended


class Echo(asyncio.Protocol):
    """One end of a connection."""

    transport: asyncio.Transport

    def __init__(self, protocol: ServerProtocol | ClientProtocol) -> None:
        self.protocol = protocol
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parts: list[bytes] = []
        self._opcode = Opcode.BINARY
        self._check = codecs.getincrementaldecoder("utf-8")()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._flush()

    def data_received(self, data: bytes) -> None:
        for piece in pieces(data):
            self.protocol.receive_data(piece)
            for event in self.protocol.events_received():
                self._handle(event)
            self._flush()

    def eof_received(self) -> None:
        self.protocol.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)

    def _handle(self, event: object) -> None:
        match event, self.protocol:
            case Request(), ServerProtocol() as protocol:
                protocol.send_response(protocol.accept(event))
            case Response(), _:
                pass
            case Frame(opcode=Opcode.TEXT | Opcode.BINARY | Opcode.CONT), _:
                self._message(event)

    def _message(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._opcode, self._parts = frame.opcode, []
            self._check.reset()
        self._parts.append(bytes(frame.data))
        if self._opcode is Opcode.TEXT:
            try:
                self._check.decode(frame.data, final=frame.fin)
            except UnicodeDecodeError:
                self.protocol.fail(CloseCode.INVALID_DATA, "not UTF-8")
                return
        if frame.fin and self.protocol.state is State.OPEN:
            send = self.protocol.send_text if self._opcode is Opcode.TEXT else self.protocol.send_binary
            send(b"".join(self._parts))

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.write_eof()
        if self.protocol.close_expected():
            asyncio.get_running_loop().call_later(PATIENCE, self.transport.abort)


def pieces(data: bytes) -> Iterable[bytes]:
    """A small chunk byte by byte, a large one as it is."""
    return (data[place : place + 1] for place in range(len(data))) if len(data) <= SMALL else (data,)
