"""The gateway's side of uvicorn: reads a request within limits, and offers a WebSocket's transport for splicing.

`GatewayHttp` is uvicorn's HTTP protocol with a deadline, a cap, strictness, and JSON refusals; it hands a handshake to
`GatewayWebSocket`, uvicorn's sans-I/O WebSocket protocol with one more extension in its scope, `apimanager.relay`.
After `websocket.accept` an application may call

    scope["extensions"]["apimanager.relay"]["splice"](dialled, terms=..., on_end=...)

and return. From then on the connection belongs to a `gateway.relay.Relay`, and nothing of uvicorn's is left of it. An
application that does not call it gets and sends messages in the usual way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request

from gateway import closing, head
from gateway.authorization import Refuse
from gateway.metering import Meter
from gateway.relay import Relay
from gateway.terms import Terms
from gateway.upstream import Dialled, accept_for
from gateway.wheel import Wheel

EXTENSION = "apimanager.relay"
LINGER = 1.0  # seconds in which bytes behind a refusal are read and dropped
_SILENT = logging.getLogger("gateway.silent")
_SILENT.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """`head_seconds` from the connection's start until its request's head is whole, `head_bytes` at most in it, and at
    most `connections` clients at once in this worker."""

    head_seconds: float = 10.0
    head_bytes: int = 32 * 1024
    connections: int = 1 << 20


class GatewayConfig(uvicorn.Config):
    """uvicorn's configuration, with what the gateway's protocols share in one worker."""

    def __init__(self, app: Any, *, wheel: Wheel, limits: Limits | None = None, **options: Any) -> None:
        super().__init__(
            app,
            http=GatewayHttp,
            ws=GatewayWebSocket,
            ws_per_message_deflate=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            access_log=False,
            log_config=None,
            **options,
        )
        self.wheel = wheel
        self.limits = limits or Limits()
        self.relays: set[Relay] = set()
        self.on_refusal: Callable[[Refuse], None] = _not_counted


def _not_counted(refusal: Refuse) -> None:
    """Where nobody wants to know how many were refused."""


class GatewayHttp(HttpToolsProtocol):
    """Reads one request. Everything it refuses itself it answers in JSON, closes, and passes on to nobody."""

    config: GatewayConfig

    def __init__(
        self,
        config: GatewayConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_done = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.config.relays) + len(self.connections) > self.config.limits.connections:
            self._refuse(closing.server_full())
            return
        # On TLS the handshake has had the other half of the time.
        share = 0.5 if self.scheme == "https" else 1.0
        self._deadline = self.loop.call_later(self.config.limits.head_seconds * share, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_done:
            return
        self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._is_done and not self._is_answering and self._should_upgrade():
                self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(closing.malformed("The request is not HTTP/1.1 as RFC 9112 has it."))
        else:
            if self._deadline is not None and self._head_bytes > self.config.limits.head_bytes:
                self._refuse(closing.head_too_large(self.config.limits.head_bytes))

    def on_headers_complete(self) -> None:
        self._stop_clock()
        limit = self.config.limits.head_bytes
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        refusal = (
            closing.head_too_large(limit)
            if size > limit
            else head.refuse_head(self.parser.get_method(), self.parser.get_http_version(), self.url, self.headers)
        )
        if refusal:
            self._refuse(refusal)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._is_done:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_done:
            super().on_message_complete()

    def _upgrade(self, early: bytes) -> None:
        """Hand the connection over, unread from here on: the frames in `early` and behind wait for a backend."""
        self.connections.discard(self)
        self._is_done = True
        protocol = GatewayWebSocket(self.config, self.server_state, self.app_state)
        protocol.early = early
        self.transport.pause_reading()
        protocol.connection_made(self.transport)
        protocol.data_received(self._canonical_head())
        self.transport.set_protocol(protocol)
        self.loop.call_soon(self._let_go)

    def _canonical_head(self) -> bytes:
        lines = [b"GET %b HTTP/1.1" % self.url, *(b"%b: %b" % header for header in self.headers)]
        return b"\r\n".join((*lines, b"", b""))

    @property
    def _is_answering(self) -> bool:
        return cast("RequestResponseCycle | None", self.cycle) is not None

    def _too_late(self) -> None:
        self._deadline = None
        self._refuse(closing.too_late(self.config.limits.head_seconds))

    def _refuse(self, refusal: Refuse) -> None:
        if not self._is_done:
            self._is_done = True
            self._stop_clock()
            if self._is_answering:
                return  # a request before this one is being answered, and the connection ends with that answer
            self.connections.discard(self)
            self.config.on_refusal(refusal)
            end_with(self.transport, head.write_refusal(refusal), self.loop)
            self.loop.call_soon(self._let_go)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _let_go(self) -> None:
        """The parser and its callbacks refer to each other."""
        self.parser = None  # type: ignore[assignment]


class GatewayWebSocket(WebSocketsSansIOProtocol):
    """Holds a client between its handshake and its backend, without reading from it, then gives its transport away."""

    config: GatewayConfig

    def __init__(
        self,
        config: GatewayConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn.logger = _SILENT  # it would log every header, Authorization included
        self.conn.debug = False
        self.early = b""
        self._is_held = True
        self._is_given_away = False
        self._refusal_head: tuple[int, list[tuple[bytes, bytes]]] | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.close_sent:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[EXTENSION] = {"splice": self.splice}

    def splice(
        self, dialled: Dialled, *, terms: Terms, meters: tuple[Meter, Meter], on_end: Callable[[Relay], None]
    ) -> Relay:
        """Join the client, already accepted, to its backend. The application's task may end afterwards."""
        relays = self.config.relays

        def ended(relay: Relay) -> None:
            relays.discard(relay)
            on_end(relay)

        relay = Relay(
            self.transport,
            dialled.transport,
            terms=terms,
            wheel=self.config.wheel,
            loop=self.loop,
            meters=meters,
            on_end=ended,
        )
        relays.add(relay)
        self._is_given_away = True
        self.connections.discard(self)
        relay.start(from_client=self.early, from_backend=dialled.early)
        self._let_go()
        return relay

    async def receive(self) -> Any:
        if self._is_given_away:
            return {"type": "websocket.disconnect", "code": 1006}
        self._read_on()
        return await super().receive()

    async def send(self, message: Any) -> None:
        if self._is_given_away:
            raise ClientDisconnected
        match message["type"]:
            case "websocket.accept" if not self.handshake_complete:
                self._accept(message)
            case "websocket.close" if not self.handshake_complete:
                self._refuse(Refuse(403, 900908, "Forbidden", "The connection was refused."))
            case "websocket.http.response.start" if not self.handshake_complete:
                self._refusal_head = (message["status"], list(message.get("headers", ())))
            case "websocket.http.response.body" if self._refusal_head:
                self._respond(*self._refusal_head, message.get("body", b""))
            case _:
                await super().send(message)

    async def run_asgi(self) -> None:
        try:
            await self.app(cast(Any, self.scope), self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            self.logger.exception("The gateway's application failed.")
            self._refuse(closing.fault())
        if not self._is_given_away:
            self._refuse(closing.fault())
            self.transport.close()

    def shutdown(self) -> None:
        """A stopping worker lets handshakes under way finish or fail by themselves; it closes relays itself."""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_given_away:
            super().connection_lost(exc)

    def _accept(self, message: dict[str, Any]) -> None:
        if self.disconnected or self.transport.is_closing():
            raise ClientDisconnected
        headers = list(message.get("headers", ()))
        if subprotocol := message.get("subprotocol"):
            headers.insert(0, (b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
        accept = accept_for(self.request.headers["Sec-WebSocket-Key"].encode())
        self.conn.send_response(self.response)  # for its state; the bytes that go out are ours
        self.conn.data_to_send()
        self.handshake_complete = True
        self.transport.write(head.write_switch(accept, headers))

    def _refuse(self, refusal: Refuse) -> None:
        self._answer(head.write_refusal(refusal))

    def _respond(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._answer(head.write_response(status, headers, body))

    def _answer(self, response: bytes) -> None:
        if self.handshake_complete or self._is_given_away:
            return
        self._is_given_away = self.handshake_complete = self.close_sent = True
        self.connections.discard(self)
        end_with(self.transport, response, self.loop)
        self._let_go()

    def _read_on(self) -> None:
        """An application that relays message by message is given what was held back."""
        if self._is_held and self.handshake_complete and not self._is_given_away:
            self._is_held = False
            early, self.early = self.early, b""
            self.transport.resume_reading()
            if early:
                self.data_received(early)

    def _let_go(self) -> None:
        """Drop what a connection no longer needs: everything."""
        self.early = b""
        self.conn.parser.close()
        for name in ("conn", "queue", "request", "response", "scope", "writable"):
            self.__dict__.pop(name, None)


class _Linger(asyncio.Protocol):
    """Reads and drops what a refused client still sends, so that closing does not tear up the answer on its way."""

    __slots__ = ("_timer", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._timer = loop.call_later(LINGER, transport.abort)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()


def end_with(transport: asyncio.Transport, response: bytes, loop: asyncio.AbstractEventLoop) -> None:
    """Send a last response and end the connection; nothing that the client sent behind its request reaches anybody."""
    if transport.is_closing():
        return
    transport.write(response)
    transport.set_protocol(_Linger(transport, loop))
    if transport.can_write_eof():
        transport.write_eof()
        transport.resume_reading()
    else:
        transport.close()
