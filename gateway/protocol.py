"""The gateway's side of uvicorn: reads a request within limits, and offers a WebSocket's transport for splicing.

`GatewayHttp` is uvicorn's HTTP protocol with a deadline, a cap, strictness, and JSON refusals; it hands a handshake to
`GatewayWebSocket`, which shows it to the application with one more extension in its scope, `apimanager.relay`. After
`websocket.accept` the application calls

    scope["extensions"]["apimanager.relay"]["splice"](dialled, terms=..., meters=..., on_end=...)

and returns. From then on the connection belongs to a `gateway.relay.Relay`, and nothing of uvicorn's is left of it.
Frames are never read here: uvicorn's own WebSocket protocols, which would read the handshake a second time and keep
what is needed to speak in messages, are not used.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from gateway import closing, head
from gateway.authorization import Refuse
from gateway.logs import request_id
from gateway.metering import Meter
from gateway.relay import Relay
from gateway.terms import Terms
from gateway.upstream import Dialled, accept_for
from gateway.wheel import Wheel

EXTENSION = "apimanager.relay"
LINGER = 1.0  # seconds in which bytes behind a refusal are read and dropped

log = logging.getLogger("gateway.protocol")


@dataclass(frozen=True, slots=True)
class Limits:
    """`head_seconds` from the connection's start until its request's head is whole, `head_bytes` at most in it.

    At most `connections` WebSockets at once in this worker, and besides them `greeted` clients who have not said yet
    what they want, or are being told that they cannot have it.
    """

    head_seconds: float = 10.0
    head_bytes: int = 32 * 1024
    connections: int = 1 << 20
    greeted: int = 1 << 20


class GatewayConfig(uvicorn.Config):
    """uvicorn's configuration, with what the gateway's protocols share in one worker."""

    def __init__(self, app: Any, *, wheel: Wheel, limits: Limits | None = None, **options: Any) -> None:
        super().__init__(
            app,
            http=GatewayHttp,
            ws=GatewayWebSocket,  # only that there is one
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
        self.heads: set[GatewayHttp] = set()
        self.lingering: set[_Linger] = set()
        self.on_refusal: Callable[[Refuse, str, str], None] = _not_told

    @property
    def greeted(self) -> int:
        """How many clients have not said yet what they want, or are being told that they cannot have it."""
        return len(self.heads) + len(self.lingering)

    def is_full(self, connections: int) -> bool:
        """Whether there is no room for another WebSocket beside so many connections that are not spliced yet."""
        return len(self.relays) + connections - len(self.heads) >= self.limits.connections


def _not_told(refusal: Refuse, client: str, request_id: str) -> None:
    """Where nobody wants to know who was refused."""


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
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        peer = transport.get_extra_info("peername")
        self.client = (str(peer[0]), int(peer[1])) if peer else None
        self.scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self.config.heads.add(self)
        # On TLS the handshake has had the other half of the time.
        share = 0.5 if self.scheme == "https" else 1.0
        self._deadline = self.loop.call_later(self.config.limits.head_seconds * share, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self.config.heads.discard(self)
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
        if not refusal and self.config.is_full(len(self.connections)) and head.is_handshake(self.headers):
            refusal = closing.server_full()
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
        self._leave()
        self._is_done = True
        protocol = GatewayWebSocket(self, early)
        self.transport.pause_reading()
        self.transport.set_protocol(protocol)
        protocol.run()
        self.loop.call_soon(self._let_go)

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
            self._leave()
            name = uuid.uuid4().hex
            self.config.on_refusal(refusal, self.client[0] if self.client else "", name)
            end_with(self.transport, head.write_refusal(refusal, name), self.loop, self.config.lingering)
            self.loop.call_soon(self._let_go)

    def _leave(self) -> None:
        self.connections.discard(self)
        self.config.heads.discard(self)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _let_go(self) -> None:
        """The parser and its callbacks refer to each other."""
        self.parser = None  # type: ignore[assignment]


class GatewayWebSocket(asyncio.Protocol):
    """Holds a client between its handshake and its backend, without reading from it, then gives its transport away.

    Made of a request that `head.refuse_head` found to be a handshake. Speaks as much of ASGI's WebSocket messages as
    this takes: connect, accept or a response, disconnect. `early` is what the client has sent behind its request.
    """

    def __init__(self, http: GatewayHttp, early: bytes) -> None:
        self.config, self.transport, self.loop = http.config, http.transport, http.loop
        self.connections: set[Any] = http.connections
        self.tasks = http.tasks
        self.early = early
        extensions = {"websocket.http.response": {}, EXTENSION: {"splice": self.splice}}
        self._scope: dict[str, Any] = {**_scope(http), "extensions": extensions}
        self._is_accepted = self._is_over = False
        self._refusal_head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._gone: asyncio.Future[None] | None = None

    def run(self) -> None:
        """Let the application decide about the client."""
        self.connections.add(self)
        task = self.loop.create_task(self._run())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

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
        early, self.early = self.early, b""
        self._end()
        relay.start(from_client=early, from_backend=dialled.early)
        return relay

    def shutdown(self) -> None:
        """A stopping worker lets handshakes under way finish or fail by themselves; it closes relays itself."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    async def _run(self) -> None:
        try:
            await self.config.loaded_app(cast(Any, self._scope), self._receive, self._send)
        except ClientDisconnected:
            pass
        except Exception:
            log.exception("The gateway's application failed.")
        if not self._is_over:
            self._answer(head.write_refusal(closing.fault(), request_id.get()))
            self.transport.close()

    async def _receive(self) -> dict[str, Any]:
        if self._gone is None:
            self._gone = self.loop.create_future()
            return {"type": "websocket.connect"}
        if not self._is_over:
            await self._gone
        return {"type": "websocket.disconnect", "code": 1006}

    async def _send(self, message: Any) -> None:
        if self._is_over:
            raise ClientDisconnected
        match message["type"]:
            case "websocket.accept":
                self._accept(message)
            case "websocket.close":
                self._answer(head.write_refusal(Refuse(403, 900908, "Forbidden", "The connection was refused.")))
            case "websocket.http.response.start":
                self._refusal_head = (message["status"], list(message.get("headers", ())))
            case "websocket.http.response.body" if self._refusal_head:
                self._answer(head.write_response(*self._refusal_head, message.get("body", b"")))
            case kind:
                raise ValueError(f"{kind} was not expected from the gateway's application.")

    def _accept(self, message: dict[str, Any]) -> None:
        if self.transport.is_closing():
            raise ClientDisconnected
        headers = list(message.get("headers", ()))
        if subprotocol := message.get("subprotocol"):
            headers.insert(0, (b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
        key = next(value for name, value in self._scope["headers"] if name == b"sec-websocket-key")
        self._is_accepted = True
        self.transport.write(head.write_switch(accept_for(key.strip()), headers))

    def _answer(self, response: bytes) -> None:
        if self._is_accepted or self._is_over:
            return
        self._end()
        end_with(self.transport, response, self.loop, self.config.lingering)

    def _end(self) -> None:
        """The transport is somebody else's now, or gone; drop what is not needed any longer."""
        self._is_over = True
        self.early = b""
        self.connections.discard(self)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._scope = {}


def _scope(http: GatewayHttp) -> dict[str, Any]:
    """The request as ASGI has it."""
    raw_path, _, query_string = http.url.partition(b"?")
    offered = b",".join(value for name, value in http.headers if name == b"sec-websocket-protocol")
    return {
        "type": "websocket",
        "asgi": {"version": http.asgi_version, "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if http.scheme == "https" else "ws",
        "server": http.server,
        "client": http.client,
        "root_path": "",
        "path": unquote(raw_path.decode("latin-1")),
        "raw_path": raw_path,
        "query_string": query_string,
        "headers": http.headers,
        "subprotocols": [each.strip().decode("latin-1") for each in offered.split(b",")] if offered else [],
        "state": {},
    }


class _Linger(asyncio.Protocol):
    """Reads and drops what a refused client still sends, so that closing does not tear up the answer on its way."""

    __slots__ = ("_others", "_timer")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, others: set[_Linger]) -> None:
        self._timer = loop.call_later(LINGER, transport.abort)
        self._others = others
        others.add(self)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._others.discard(self)


def end_with(
    transport: asyncio.Transport, response: bytes, loop: asyncio.AbstractEventLoop, lingering: set[_Linger]
) -> None:
    """Send a last response and end the connection; nothing that the client sent behind its request reaches anybody."""
    if transport.is_closing():
        return
    transport.write(response)
    transport.set_protocol(_Linger(transport, loop, lingering))
    if transport.can_write_eof():
        transport.write_eof()
        transport.resume_reading()
    else:
        transport.close()
