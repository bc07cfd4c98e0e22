"""The quick way in for ordinary handshakes, without a task; one module, for each step may give back to the consumer.

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
from enum import IntEnum
from functools import partial
from typing import Any, Final, cast

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
class QuickState(IntEnum):
    """How far a client has come."""

    READING = 0  # its head has not come yet
    DIALLING = 1  # it was let in, and its backend is being dialled
    GONE = 2  # the transport is somebody else's, or closed


NEXT: Final[tuple[frozenset[QuickState], ...]] = (
    frozenset({QuickState.DIALLING, QuickState.GONE}),
    frozenset({QuickState.GONE}),
    frozenset(),
)
"""By state, the states that may follow it."""


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

    __slots__ = ("_client", "_dial", "_head_until", "_on_greeted", "_way", "due", "state", "transport")

    transport: asyncio.Transport
    _dial: QuickDial  # from DIALLING on, until it is let go

    def __init__(self, way: QuickWay, client: tuple[str, int], on_greeted: Callable[[], None]) -> None:
        self._way, self._client, self._on_greeted = way, client, on_greeted
        self.state = QuickState.READING
        self.due = 0

    # --- the client ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        way, self.transport = self._way, cast(asyncio.Transport, transport)
        way.connections.add(self)
        way.config.heads.add(self)
        # On TLS the handshake has had the other half of the time.
        seconds = way.config.limits.head_seconds * (0.5 if self._is_secure else 1.0)
        self._head_until = way.loop.time() + seconds
        way.config.wheel.watch(self, seconds)

    def look(self, now: float) -> None:
        """The time for the head, or for the backend, is over."""
        if self.state is QuickState.READING:
            self._hand_over(b"")
        elif self.state is QuickState.DIALLING:
            self._failed(TimeoutError())

    def data_received(self, data: bytes) -> None:
        if self.state is QuickState.READING:
            try:
                if not self.enter(data):
                    self._hand_over(data)
            except Exception:
                log.exception("A client could not be let in.")
                self._leave()
                answer = head.write_refusal(refusals.FAULT, os.urandom(16).hex())
                config = self._way.config
                close_after(self.transport, answer, self._way.loop, config.lingering, self._on_greeted)
        elif self.state is QuickState.DIALLING:
            self._dial.early_of_client += data
            if len(self._dial.early_of_client) > MOST_EARLY:
                self.transport.pause_reading()

    def eof_received(self) -> bool:
        if self.state is QuickState.READING:
            self._hand_over(b"")
            return bool(cast(asyncio.Protocol, self.transport.get_protocol()).eof_received())
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self.state is QuickState.READING:
            self._leave()
            self._on_greeted()
        elif self.state is QuickState.DIALLING:  # nobody needs the backend
            self._stop_dialling()
            take_leave(self._way.context, self._dial.connection)
            del self._dial

    def enter(self, data: bytes) -> bool:
        """Let the client in, if that can be done at once; else nothing has happened."""
        way, begun = self._way, time.perf_counter()
        context, config, client_ip = way.context, way.config, self._client[0]
        parts = native.part_request(data, config.limits.head_bytes)
        if parts is None or turned_away(context) or config.is_full(len(way.connections)) or client_ip in config.proxies:
            return False
        if context.tracing:  # whose spans the consumer begins and ends
            return False
        rest, key, end = parts
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
        admitted = prepared.decided.allowed
        connection = Connection(random[16:].hex(), admitted, self._close_while_dialling, client_ip, context.clock())
        connection.admission = admission
        dial = QuickDial(self, prepared, connection, base64.b64encode(random[:16]))
        dial.head, dial.key, dial.early_of_client, dial.begun = data, key, data[end:], begun
        if not context.dialer.begin_quickly(prepared.address, prepared.way, dial, self.connected):
            if context.plans:
                context.plans.leave(connection)
            return False
        self._dial = dial
        context.connections.add(connection)
        dial.dialled_at = time.perf_counter()
        self.become(QuickState.DIALLING)
        patience = admitted.route.options.connect_timeout
        if patience < SHORT * config.wheel.tick:  # the wheel is too coarse for it
            way.loop.call_later(patience, self.look, 0.0)
        else:
            config.wheel.watch(self, patience)
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

    @property
    def _is_secure(self) -> bool:
        return self.transport.get_extra_info("sslcontext") is not None

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
        parts = native.part_switch(data, MAXIMUM_ANSWER) if self.state is QuickState.DIALLING else None
        if parts is None:
            return False
        rest, proof, end = parts
        dial = self._dial
        answer = dial.prepared.answers.get(rest)
        if answer is None or proof != native.proof_of(dial.own_key):
            dial.rest = rest
            return False
        self._join(answer, data[end:])
        return True

    def done(self) -> bool:
        return self.state is not QuickState.DIALLING

    def cancel(self) -> bool:
        return not self.done()

    def set_exception(self, error: BaseException) -> None:
        """The backend has not answered as it should."""
        self._failed(error)

    def set_result(self, response: HandshakeResponse) -> None:
        """The backend has answered."""
        dial, prepared = self._dial, self._dial.prepared
        options = prepared.decided.allowed.route.options
        try:
            connected = check_response(dial, response, dial.own_key, prepared.upgrade, options)
        except BackendError as error:
            self._failed(error)
        else:
            answer = prepared.remember(dial.rest, connected, self._way.context)
            self._join(answer, connected.early)

    def _join(self, answer: PreparedAnswer, early_of_backend: bytes) -> None:
        """The client hears that the backend is there, and both speak with each other."""
        way, dial, connection = self._way, self._dial, self._dial.connection
        seconds = time.perf_counter() - dial.dialled_at
        way.context.dialer.end_quickly(dial.prepared.address, seconds)
        way.context.telemetry.dialled(connection, seconds, None)
        backend = dial.transport
        self.become(QuickState.GONE)
        del self._dial
        if self.transport.is_closing():
            backend.abort()
            take_leave(way.context, connection)
            return
        try:
            connection.subprotocol = answer.subprotocol or ""
            self.transport.write(answer.write(native.proof_of(dial.key), connection.id))
            early = (dial.early_of_client, early_of_backend)
            splice = partial(relay_between, way.config, way.loop, self.transport, backend, early)
            join(way.context, connection, answer.options, splice, dial.begun)
        except Exception:
            log.exception("A client could not be joined with its backend.")
            backend.abort()
            self.transport.abort()

    def _failed(self, error: BaseException) -> None:
        """The first dial has failed: what follows from that is the consumer's to find out."""
        if self.state is QuickState.DIALLING:
            self._go_on_slowly(cast(Exception, error))

    def _close_while_dialling(self, code: int, reason: str) -> None:
        """The right to be here ended before the backend answered: what was going to be a 101 becomes a refusal."""
        if self.state is QuickState.DIALLING:
            self._dial.connection.close = is_closed_already
            self._go_on_slowly(None)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _go_on_slowly(self, failure: Exception | None) -> None:
        """Let the consumer go on, knowing what has happened so far."""
        way, dial = self._way, self._dial
        self._stop_dialling()
        self.transport.pause_reading()
        begun = Begun(dial.prepared.handshake, dial.connection, failure, dial.begun)
        scope = self._scope(dial.head)
        pending = PendingWebSocket(
            way.config, self.transport, way.loop, way.connections, scope, dial.early_of_client, begun
        )
        self.transport.set_protocol(pending)
        pending.begin()
        del self._dial

    def _stop_dialling(self) -> None:
        self._leave()
        if transport := getattr(self._dial, "transport", None):
            transport.abort()

    def _hand_over(self, data: bytes) -> None:
        """Let the request be read by those who can read any."""
        self._leave()
        left = max(0.0, self._head_until - self._way.loop.time())
        http = self._way.slow(source=self._client, on_greeted=self._on_greeted, seconds=left)
        self.transport.set_protocol(http)
        http.connection_made(self.transport)
        if data:
            http.data_received(data)

    def _leave(self) -> None:
        if self.state is not QuickState.GONE:
            self.become(QuickState.GONE)

    def become(self, state: QuickState) -> None:
        """Go on to `state`. Raises RuntimeError where the table does not lead there."""
        if state not in NEXT[self.state]:
            raise RuntimeError(f"A client that is {self.state.name} cannot become {state.name}.")
        if not self.state:
            self._way.config.heads.discard(self)
        if state is QuickState.GONE:
            self._way.connections.discard(self)
        self.state = state
        self._way.config.wheel.forget(self)


class QuickDial(HandshakeProtocol):
    """The dial of a client's backend, which may answer as it has before, and what is needed when it does.

    `head` is all of the client's first chunk, `key` the client's and `own_key` the gateway's; `begun` is when it came.
    `rest` is what the backend answered but for the proof. It is let go with the client: no circle is to be left.
    """

    __slots__ = (
        "_entry",
        "begun",
        "connection",
        "dialled_at",
        "early_of_client",
        "head",
        "key",
        "own_key",
        "prepared",
        "rest",
    )

    head: bytes
    key: bytes
    early_of_client: bytes
    begun: float
    dialled_at: float

    def __init__(self, entry: QuickEntry, prepared: Prepared, connection: Connection, own_key: bytes) -> None:
        super().__init__(prepared.write(own_key, connection.id), entry)
        self._entry, self.prepared, self.connection, self.own_key = entry, prepared, connection, own_key
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        if self._size or not self._entry.recognised(data):
            super().data_received(data)
