"""The gateway's side of uvicorn: reads one request, within limits, and refuses in JSON what cannot be taken.

`GatewayHttp` is uvicorn's HTTP protocol with a deadline, a cap and strictness. It hands a handshake to
`gateway.server.websocket`, which shows it to the application. Frames are never read here: uvicorn's own WebSocket
protocols would read the handshake a second time and keep what is needed to speak in messages, so they are not used.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from core.client_address import TrustedProxies
from gateway import refusals
from gateway.handshake import head
from gateway.refusals import Refusal
from gateway.server.config import WorkerConfig
from gateway.server.lingering_close import close_after
from gateway.server.websocket import PendingWebSocket


def client_of(
    proxies: TrustedProxies, peer: str, headers: Sequence[tuple[bytes, bytes]]
) -> tuple[str, Literal["https", "http", ""]]:
    """The address of whoever asks with these headers, through these proxies, and the scheme; empty if none says it."""
    names = (proxies.header.encode(), proxies.scheme_header.encode())
    hops, schemes = ([value.decode("latin-1") for name, value in headers if name == each] for each in names)
    return proxies.client_of(peer, hops), proxies.scheme_of(peer, schemes)


class GatewayHttp(HttpToolsProtocol):
    """Reads one request. Everything it refuses itself it answers in JSON, closes, and passes on to nobody."""

    config: WorkerConfig
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # as uvicorn has it too

    def __init__(
        self,
        config: WorkerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        source: tuple[str, int] | None = None,
        on_greeted: Callable[[], None] | None = None,
        seconds: float | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._seconds = seconds  # what is left of those for the head, where some have passed
        self._source = source  # whom a proxy said that it speaks for, before the first byte of the request
        self._on_greeted = on_greeted or (lambda: None)
        self._deadline: asyncio.TimerHandle  # until when the head has to be whole; cancelled once it is
        self._head_bytes = 0
        self._is_done = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        peer = transport.get_extra_info("peername")
        self.client = self._source or ((str(peer[0]), int(peer[1])) if peer else None)
        self.scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self.config.heads.add(self)
        # On TLS the handshake has had the other half of the time.
        seconds, share = self.config.limits.head_seconds, 0.5 if self.scheme == "https" else 1.0
        left = seconds * share if self._seconds is None else self._seconds
        self._deadline = self.loop.call_later(left, lambda: self._refuse(refusals.too_late(seconds)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        self.config.heads.discard(self)
        self._on_greeted()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_done:
            return
        self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._is_done and self.cycle is None and self._should_upgrade():
                # Unread from here on: the frames behind the request wait for a backend.
                raw_path, _, query_string = self.url.partition(b"?")
                offered = b",".join(value for name, value in self.headers if name == b"sec-websocket-protocol")
                request = {
                    "scheme": "wss" if self.scheme == "https" else "ws",
                    "client": self.client,
                    "raw_path": raw_path,
                    "query_string": query_string,
                    "headers": self.headers,
                    "subprotocols": [each.strip().decode("latin-1") for each in offered.split(b",")] if offered else [],
                }
                early, connections = data[upgrade.args[0] :], cast("set[Any]", self.connections)
                protocol = PendingWebSocket(self.config, self.transport, self.loop, connections, request, early)
                self._is_done = True
                self._leave()
                self._on_greeted()
                self.transport.pause_reading()
                self.transport.set_protocol(protocol)
                protocol.begin()
        except httptools.HttpParserError:
            self._refuse(refusals.malformed("The request is not HTTP/1.1 as RFC 9112 has it."))
        else:
            if not self._deadline.cancelled() and self._head_bytes > self.config.limits.head_bytes:
                self._refuse(refusals.head_too_large(self.config.limits.head_bytes))

    def on_headers_complete(self) -> None:
        self._deadline.cancel()
        if self.client and self.client[0] in self.config.proxies:
            address, scheme = client_of(self.config.proxies, self.client[0], self.headers)
            self.client = (address, self.client[1] if address == self.client[0] else 0)
            self.scheme = scheme or self.scheme
        limit = self.config.limits.head_bytes
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        refusal = (
            refusals.head_too_large(limit)
            if size > limit
            else head.refuse_head(self.parser.get_method(), self.parser.get_http_version(), self.url, self.headers)
        )
        if not refusal and self.config.is_full(len(self.connections)) and head.is_handshake(self.headers):
            refusal = refusals.SERVER_FULL
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

    def _should_upgrade(self) -> bool:
        """uvicorn's own looks at the last of several Connection lines only."""
        return head.is_handshake(self.headers)

    def _refuse(self, refusal: Refusal) -> None:
        if not self._is_done:
            self._is_done = True
            self._deadline.cancel()
            if self.cycle is not None:
                return  # a request before this one is being answered, and the connection ends with that answer
            self._leave()
            name = secrets.token_hex(16)
            self.config.on_refusal(refusal, self.client[0] if self.client else "", name)
            answer = head.write_refusal(refusal, name)
            close_after(self.transport, answer, self.loop, self.config.lingering, self._on_greeted)

    def _leave(self) -> None:
        self.connections.discard(self)
        self.config.heads.discard(self)
        # The parser and its callbacks refer to each other. Not at once: it may be what has called this.
        self.loop.call_soon(setattr, self, "parser", None)
