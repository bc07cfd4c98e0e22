"""The gateway's side of uvicorn: reads one request, within limits, and refuses in JSON what cannot be taken.

`GatewayHttp` is uvicorn's HTTP protocol with a deadline, a cap and strictness. It hands a handshake to
`gateway.waiting`, which shows it to the application. Frames are never read here: uvicorn's own WebSocket protocols
would read the handshake a second time and keep what is needed to speak in messages, so they are not used.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway import closing, head
from gateway.authorization import Refuse
from gateway.lingering import Linger, end_with
from gateway.relay import Relay
from gateway.waiting import GatewayWebSocket
from gateway.wheel import Wheel


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
        self.lingering: set[Linger] = set()
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
            name = secrets.token_hex(16)
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
