"""The quick way in for ordinary handshakes: read in C, decided, dialled and joined without a task.

It takes the same steps as the consumer (`gateway.server.entry`), by the same rules, as long as each of them can be
taken at once: a head as most clients send it, a token that is known, plans with room, a backend that is reached by a
plain connection and has not failed lately. Where one cannot, before anything was done, `GatewayHttp` reads the request
from its first byte. A dial that fails, and a right that ends meanwhile, are the consumer's to go on with.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, cast

from gateway import native, refusals
from gateway.authorization.decision import Allow
from gateway.connections.plans import extensions_for
from gateway.connections.registry import Connection
from gateway.handshake import head
from gateway.handshake.request import Malformed, read
from gateway.server.config import WorkerConfig
from gateway.server.context import GatewayContext
from gateway.server.entry import (
    Begun,
    addresses_of,
    answer_headers,
    is_closed_already,
    join,
    take_leave,
    turned_away,
    upgrade_for,
)
from gateway.server.http import GatewayHttp
from gateway.server.lingering_close import close_after
from gateway.server.websocket import PendingWebSocket, relay_between
from gateway.upstream.handshake import (
    BackendConnection,
    BackendError,
    HandshakeResponse,
    check_response,
)

MOST_EARLY = 64 * 1024  # bytes behind a request that are kept until there is somebody to read them

log = logging.getLogger("gateway.http")

Fields = tuple[tuple[bytes, bytes], ...]


class QuickState(Enum):
    """How far a client has come: READING > DIALLING > GONE; any may be followed by GONE."""

    READING = "its head has not come yet"
    DIALLING = "it was let in, and its backend is being dialled"
    GONE = "the transport is somebody else's, or closed"


class QuickEntry(asyncio.Protocol):
    """Reads one client's first chunk, and lets the client in where that takes nothing out of the ordinary.

    Also the `QuickAnswer` of its backend. `client` is its address and port, `on_greeted` is called when it is greeted.
    """

    __slots__ = (
        "_address",
        "_backend",
        "_begun",
        "_client",
        "_connected_at",
        "_connection",
        "_context",
        "_deadline",
        "_dialled_at",
        "_early",
        "_fields",
        "_handshake",
        "_is_secure",
        "_on_greeted",
        "_scope",
        "_seconds",
        "_slow",
        "_state",
        "_upgrade",
        "config",
        "connections",
        "due",
        "key",
        "loop",
        "transport",
    )

    transport: asyncio.Transport
    key: bytes

    def __init__(
        self,
        context: GatewayContext,
        config: WorkerConfig,
        connections: set[Any],
        loop: asyncio.AbstractEventLoop,
        slow: Callable[..., GatewayHttp],
        client: tuple[str, int],
        on_greeted: Callable[[], None],
    ) -> None:
        self._context, self.config, self.connections, self.loop = context, config, connections, loop
        self._slow, self._client, self._on_greeted = slow, client, on_greeted
        self._state = QuickState.READING
        self._early = b""
        self.due = 0

    # --- the client ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connected_at = self.loop.time()
        self.connections.add(self)
        self.config.heads.add(self)
        # On TLS the handshake has had the other half of the time.
        self._is_secure = transport.get_extra_info("sslcontext") is not None
        self._seconds = self.config.limits.head_seconds * (0.5 if self._is_secure else 1.0)
        self.config.wheel.watch(self, self._seconds)

    def look(self, now: float) -> None:
        """The time for the head is over."""
        if self._state is QuickState.READING:
            self._hand_over(b"")

    def data_received(self, data: bytes) -> None:
        if self._state is QuickState.READING:
            self.due = 0
            try:
                if not self._enter(data):
                    self._hand_over(data)
            except Exception:
                log.exception("A client could not be let in.")
                self._leave()
                answer = head.write_refusal(refusals.FAULT, os.urandom(16).hex())
                close_after(self.transport, answer, self.loop, self.config.lingering, self._on_greeted)
        elif self._state is QuickState.DIALLING:
            self._early += data
            if len(self._early) > MOST_EARLY:
                self.transport.pause_reading()

    def eof_received(self) -> bool:
        if self._state is QuickState.READING:
            self._hand_over(b"")
            return bool(cast(asyncio.Protocol, self.transport.get_protocol()).eof_received())
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state is QuickState.READING:
            self._leave()
            self._on_greeted()
        elif self._state is QuickState.DIALLING:
            self._break_off()

    def _enter(self, data: bytes) -> bool:
        """Let the client in, if that can be done at once; else nothing has happened."""
        context, config = self._context, self.config
        found = native.read_request(data, config.limits.head_bytes)
        if (
            found is None
            or turned_away(context)
            or config.is_full(len(self.connections))
            or self._client[0] in config.proxies
        ):
            return False
        self._begun = time.perf_counter()
        target, self._fields, end = found
        path, _, query = target.partition(b"?")
        offered = next((value for name, value in self._fields if name == b"sec-websocket-protocol"), b"")
        self._scope: dict[str, Any] = {
            "scheme": "wss" if self._is_secure else "ws",
            "client": self._client,
            "raw_path": path,
            "query_string": query,
            "headers": self._fields,
            "subprotocols": [each.strip().decode("latin-1") for each in offered.split(b",")] if offered else [],
        }
        try:
            handshake = read(self._scope, context.routing.routes.takes_query_token)
        except Malformed:
            return False
        admitted = context.routing.decide_now(handshake)
        if not isinstance(admitted, Allow):
            return False
        connection = Connection(
            os.urandom(16).hex(), admitted, self._close_while_dialling, handshake.client_ip, context.clock()
        )
        if context.plans and not context.plans.enter_now(connection):
            return False
        address = addresses_of(admitted, handshake)[0]
        upgrade = upgrade_for(context, handshake, connection, extensions_for(admitted, handshake.extensions))
        backend = context.dialer.begin_quickly(address, upgrade, admitted.route.options, self)
        if backend is None:
            if context.plans:
                context.plans.leave(connection)
            return False
        context.connections.add(connection)
        self._address, self._backend, self._upgrade = address, backend, upgrade
        self._handshake, self._connection = handshake, connection
        self._early = data[end:]
        self._dialled_at = time.perf_counter()
        self._deadline = self.loop.call_later(admitted.route.options.connect_timeout, self._failed, TimeoutError())
        self._state = QuickState.DIALLING
        self.config.heads.discard(self)
        self._on_greeted()
        return True

    # --- the backend --------------------------------------------------------------------------------------------------

    def connected(self, error: BaseException | None) -> None:
        """The backend's address cannot be connected to, or can."""
        if error is not None:
            self._failed(error)

    def done(self) -> bool:
        return self._state is not QuickState.DIALLING

    def cancel(self) -> bool:
        return not self.done()

    def set_exception(self, error: BaseException) -> None:
        """The backend has not answered as it should."""
        self._failed(error)

    def set_result(self, answer: HandshakeResponse) -> None:
        """The backend has answered: the client hears so, and both are joined."""
        connection, context = self._connection, self._context
        try:
            backend = check_response(self._backend, answer, self.key, self._upgrade, connection.admitted.route.options)
        except BackendError as error:
            self._failed(error)
            return
        self._deadline.cancel()
        seconds = time.perf_counter() - self._dialled_at
        context.dialer.end_quickly(self._address, seconds)
        context.telemetry.dialled(connection, seconds, None)
        if self.transport.is_closing():
            self._break_off()
            return
        self._state = QuickState.GONE
        self.connections.discard(self)
        try:
            self._join(backend)
        except Exception:
            log.exception("A client could not be joined with its backend.")
            backend.transport.abort()
            self.transport.abort()

    def _join(self, backend: BackendConnection) -> None:
        connection = self._connection
        subprotocol = backend.subprotocol or self._handshake.own_subprotocol
        headers = answer_headers(backend, connection)
        if subprotocol:
            connection.subprotocol = subprotocol
            headers.insert(0, (b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
        key = next(value for name, value in self._fields if name == b"sec-websocket-key")
        self.transport.write(head.write_switch(head.accept_for(key), headers))
        splice = partial(relay_between, self.config, self.loop, self.transport, backend, self._early)
        join(self._context, connection, backend.extensions, splice, self._begun)

    def _failed(self, error: BaseException) -> None:
        """The first dial has failed: what follows from that is the consumer's to find out."""
        if self._state is QuickState.DIALLING:
            self._go_on_slowly(cast(Exception, error))

    def _close_while_dialling(self, code: int, reason: str) -> None:
        """The right to be here ended before the backend answered: what was going to be a 101 becomes a refusal."""
        if self._state is QuickState.DIALLING:
            self._connection.close = is_closed_already
            self._go_on_slowly(None)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _go_on_slowly(self, failure: Exception | None) -> None:
        """Let the consumer go on, knowing what has happened so far."""
        self._state = QuickState.GONE
        self._deadline.cancel()
        if hasattr(self._backend, "transport"):
            self._backend.transport.abort()
        self.connections.discard(self)
        self.transport.pause_reading()
        pending = PendingWebSocket(
            self.config,
            self.transport,
            self.loop,
            self.connections,
            self._scope,
            self._early,
            Begun(self._handshake, self._connection, failure, self._begun),
        )
        self.transport.set_protocol(pending)
        pending.begin()

    def _hand_over(self, data: bytes) -> None:
        """Let the request be read by those who can read any."""
        self._leave()
        left = self._seconds - (self.loop.time() - self._connected_at)
        http = self._slow(source=self._client, on_greeted=self._on_greeted, seconds=max(0.0, left))
        self.transport.set_protocol(http)
        http.connection_made(self.transport)
        if data:
            http.data_received(data)

    def _break_off(self) -> None:
        """The client is gone: nobody needs the backend."""
        self._state = QuickState.GONE
        self.connections.discard(self)
        self._deadline.cancel()
        if hasattr(self._backend, "transport"):
            self._backend.transport.abort()
        take_leave(self._context, self._connection)

    def _leave(self) -> None:
        self._state = QuickState.GONE
        self.due = 0
        self.connections.discard(self)
        self.config.heads.discard(self)
