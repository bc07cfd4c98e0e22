"""The quick way in for ordinary handshakes: read in C, decided, dialled and joined without a task.

It takes the same steps as the consumer (`gateway.server.entry`), by the same rules, as long as each of them can be
taken at once: a head as most clients send it, a token that is known, plans with room, a backend that is reached by a
plain connection and has not failed lately. Where one cannot, before anything was done, `GatewayHttp` reads the request
from its first byte. A dial that fails, and a right that ends meanwhile, are the consumer's to go on with.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, cast

from core.enums import at_hand
from gateway import native, refusals
from gateway.connections.registry import Connection
from gateway.handshake import head
from gateway.handshake.request import Malformed, read
from gateway.server.config import WorkerConfig
from gateway.server.context import GatewayContext
from gateway.server.entry import Begun, is_closed_already, join, take_leave, turned_away
from gateway.server.http import GatewayHttp
from gateway.server.lingering_close import close_after
from gateway.server.prepared import Prepared, PreparedAnswer, PreparedEntries, name_of, prepare, scope_of
from gateway.server.websocket import PendingWebSocket, relay_between
from gateway.upstream.handshake import (
    MAXIMUM_ANSWER,
    BackendError,
    HandshakeProtocol,
    HandshakeResponse,
    check_response,
)

SHORT = 4  # ticks of the wheel
MOST_EARLY = 64 * 1024  # bytes behind a request that are kept until there is somebody to read them

log = logging.getLogger("gateway.http")


@at_hand
class QuickState(Enum):
    """How far a client has come: READING > DIALLING > GONE, or READING > GONE."""

    READING = "its head has not come yet"
    DIALLING = "it was let in, and its backend is being dialled"
    GONE = "the transport is somebody else's, or closed"


@dataclass(slots=True)
class QuickWay:
    """What all quick entries of a worker share. `slow` makes what reads any request."""

    context: GatewayContext
    config: WorkerConfig
    connections: set[Any]
    loop: asyncio.AbstractEventLoop
    slow: Callable[..., GatewayHttp]
    prepared: PreparedEntries = field(default_factory=PreparedEntries)


class QuickEntry(asyncio.Protocol):
    """Reads one client's first chunk, and lets the client in where that takes nothing out of the ordinary.

    `client` is its address and port, `on_greeted` is called when it is greeted.
    """

    __slots__ = (
        "_backend",
        "_begun",
        "_client",
        "_connected_at",
        "_connection",
        "_data",
        "_dialled_at",
        "_end",
        "_is_secure",
        "_key",
        "_on_greeted",
        "_own_key",
        "_prepared",
        "_seconds",
        "_state",
        "_way",
        "due",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, way: QuickWay, client: tuple[str, int], on_greeted: Callable[[], None]) -> None:
        self._way, self._client, self._on_greeted = way, client, on_greeted
        self._state = QuickState.READING
        self.due = 0

    # --- the client ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        way, self.transport = self._way, cast(asyncio.Transport, transport)
        way.connections.add(self)
        way.config.heads.add(self)
        # On TLS the handshake has had the other half of the time.
        self._is_secure = transport.get_extra_info("sslcontext") is not None
        self._seconds = way.config.limits.head_seconds * (0.5 if self._is_secure else 1.0)
        self._connected_at = way.loop.time()
        way.config.wheel.watch(self, self._seconds)

    def look(self, now: float) -> None:
        """The time for the head, or for the backend, is over."""
        if self._state is QuickState.READING:
            self._hand_over(b"")
        elif self._state is QuickState.DIALLING:
            self._failed(TimeoutError())

    def data_received(self, data: bytes) -> None:
        if self._state is QuickState.READING:
            try:
                if not self.enter(data):
                    self._hand_over(data)
            except Exception:
                log.exception("A client could not be let in.")
                self._leave()
                answer = head.write_refusal(refusals.FAULT, os.urandom(16).hex())
                config = self._way.config
                close_after(self.transport, answer, self._way.loop, config.lingering, self._on_greeted)
        elif self._state is QuickState.DIALLING:
            self._data += data
            if len(self._data) - self._end > MOST_EARLY:
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
        elif self._state is QuickState.DIALLING:  # nobody needs the backend
            self._stop_dialling()
            take_leave(self._way.context, self._connection)
            self._let_go()

    def enter(self, data: bytes) -> bool:
        """Let the client in, if that can be done at once; else nothing has happened."""
        way, begun = self._way, time.perf_counter()
        context, config, client_ip = way.context, way.config, self._client[0]
        parts = native.part_request(data, config.limits.head_bytes)
        if parts is None or turned_away(context) or config.is_full(len(way.connections)) or client_ip in config.proxies:
            return False
        if context.tracing:  # whose spans the consumer begins and ends
            return False
        rest, self._key, self._end = parts
        name = name_of(rest, client_ip, self._is_secure)
        prepared = way.prepared.get(name)
        if prepared is None or not context.routing.stands(prepared.decided):
            prepared = self._prepare(data)
            if prepared is None:
                return False
            way.prepared.keep(name, prepared)
        admission = None
        if context.plans and (admission := context.plans.lease_client.enter_now(*prepared.plans)) is None:
            return False
        random = os.urandom(32)
        self._own_key = base64.b64encode(random[:16])
        admitted = prepared.decided.allowed
        connection = Connection(random[16:].hex(), admitted, self._close_while_dialling, client_ip, context.clock())
        connection.admission = admission
        self._prepared, self._connection, self._data, self._begun = prepared, connection, data, begun
        backend = QuickHandshake(prepared.write(self._own_key, connection.id), self)
        if not context.dialer.begin_quickly(prepared.address, prepared.way, backend, self.connected):
            if context.plans:
                context.plans.leave(connection)
            return False
        self._backend = backend
        context.connections.add(connection)
        self._dialled_at = time.perf_counter()
        self.due = 0
        patience = admitted.route.options.connect_timeout
        if patience < SHORT * config.wheel.tick:  # the wheel is too coarse for it
            way.loop.call_later(patience, self.look, 0.0)
        else:
            config.wheel.watch(self, patience)
        self._state = QuickState.DIALLING
        config.heads.discard(self)
        self._on_greeted()
        return True

    def _prepare(self, data: bytes) -> Prepared | None:
        """Understand a head, and decide about it."""
        context = self._way.context
        scope = self._scope(data)
        try:
            handshake = read(scope, context.routing.routes.takes_query_token)
        except Malformed:
            return None
        decided = context.routing.decide_now(handshake)
        return prepare(context, handshake, decided) if decided else None

    def _scope(self, data: bytes) -> dict[str, Any]:
        read = native.read_request(data, self._way.config.limits.head_bytes)
        assert read is not None  # noqa: S101  it was found to be one
        return scope_of(read[0], read[1], self._client, self._is_secure)

    # --- the backend --------------------------------------------------------------------------------------------------

    def connected(self, error: BaseException | None) -> None:
        """The backend's address cannot be connected to, or can."""
        if error is not None:
            self._failed(error)

    def recognised(self, data: bytes) -> bool:
        """Whether the backend has answered as it has before; then both are joined."""
        parts = native.part_switch(data, MAXIMUM_ANSWER) if self._state is QuickState.DIALLING else None
        if parts is None:
            return False
        rest, proof, end = parts
        answer = self._prepared.answers.get(rest)
        if answer is None or proof != native.proof_of(self._own_key):
            self._backend.rest = rest
            return False
        self._join(answer, data[end:])
        return True

    def done(self) -> bool:
        return self._state is not QuickState.DIALLING

    def cancel(self) -> bool:
        return not self.done()

    def set_exception(self, error: BaseException) -> None:
        """The backend has not answered as it should."""
        self._failed(error)

    def set_result(self, response: HandshakeResponse) -> None:
        """The backend has answered."""
        prepared, backend = self._prepared, self._backend
        options = prepared.decided.allowed.route.options
        try:
            connected = check_response(backend, response, self._own_key, prepared.upgrade, options)
        except BackendError as error:
            self._failed(error)
        else:
            answer = prepared.remember(backend.rest, connected, self._way.context)
            self._join(answer, connected.early)

    def _join(self, answer: PreparedAnswer, early_of_backend: bytes) -> None:
        """The client hears that the backend is there, and both speak with each other."""
        way, connection, prepared = self._way, self._connection, self._prepared
        seconds = time.perf_counter() - self._dialled_at
        way.context.dialer.end_quickly(prepared.address, seconds)
        way.context.telemetry.dialled(connection, seconds, None)
        backend = self._backend.transport
        self._state = QuickState.GONE
        self.due = 0
        way.connections.discard(self)
        if self.transport.is_closing():
            backend.abort()
            take_leave(way.context, connection)
            self._let_go()
            return
        try:
            connection.subprotocol = answer.subprotocol or ""
            self.transport.write(answer.write(native.proof_of(self._key), connection.id))
            early = (self._data[self._end :], early_of_backend)
            splice = partial(relay_between, way.config, way.loop, self.transport, backend, early)
            join(way.context, connection, answer.options, splice, self._begun)
        except Exception:
            log.exception("A client could not be joined with its backend.")
            backend.abort()
            self.transport.abort()
        self._let_go()

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
        way = self._way
        self._stop_dialling()
        self.transport.pause_reading()
        begun = Begun(self._prepared.handshake, self._connection, failure, self._begun)
        early, scope = self._data[self._end :], self._scope(self._data)
        pending = PendingWebSocket(way.config, self.transport, way.loop, way.connections, scope, early, begun)
        self.transport.set_protocol(pending)
        pending.begin()
        self._let_go()

    def _let_go(self) -> None:
        """The wheel still has this until its turn: what was sent goes now, and no circle is left to be found."""
        del self._backend, self._connection, self._data, self._prepared

    def _stop_dialling(self) -> None:
        self._leave()
        if transport := getattr(self._backend, "transport", None):
            transport.abort()

    def _hand_over(self, data: bytes) -> None:
        """Let the request be read by those who can read any."""
        self._leave()
        left = max(0.0, self._seconds - (self._way.loop.time() - self._connected_at))
        http = self._way.slow(source=self._client, on_greeted=self._on_greeted, seconds=left)
        self.transport.set_protocol(http)
        http.connection_made(self.transport)
        if data:
            http.data_received(data)

    def _leave(self) -> None:
        self._state = QuickState.GONE
        self.due = 0
        self._way.connections.discard(self)
        self._way.config.heads.discard(self)


class QuickHandshake(HandshakeProtocol):
    """The handshake with a backend that may answer as it has before. `rest` is what it answered but for the proof."""

    __slots__ = ("_entry", "rest")

    def __init__(self, request: bytes, entry: QuickEntry) -> None:
        super().__init__(request, entry)
        self._entry = entry
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        if self._size or not self._entry.recognised(data):
            super().data_received(data)
