"""A client knocks: read the handshake, decide, dial the backend, accept, hand over, account.

`gateway_application` is the whole gateway as one ASGI application. On the gateway's own server both transports are
spliced and the consumer's work ends there; on any other (Daphne, say) messages are relayed one by one. A little longer
than most modules here, because a handshake is one story.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, Protocol

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from gateway import access, closing, head
from gateway.authorization import Admit, Refuse
from gateway.connections import Connections, Line
from gateway.forwarding import REQUEST_ID, backend_headers
from gateway.handshake import Handshake, Malformed, read
from gateway.logs import request_id
from gateway.messages import MessageRelay, connect
from gateway.observer import Observer
from gateway.plain_http import answer
from gateway.plans import Plans, message_bytes, meters_of
from gateway.relay import Relay
from gateway.routes import RouteTable, backend_url
from gateway.terms import Terms, terms_for
from gateway.upstream import Address, Ask, DialFailed, Dialled, Upstreams
from gateway.waiting import EXTENSION

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


log = logging.getLogger("gateway")


class Catalogue(Protocol):
    """What is asked of the control plane."""

    routes: RouteTable

    async def decide(self, handshake: Handshake) -> Admit | Refuse: ...


class Answer(Protocol):
    """An answer over plain HTTP."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def body(self) -> bytes: ...


class Desk(Protocol):
    """What clients may ask besides, see `gateway.desk`."""

    async def answer(self, scope: Mapping[str, Any]) -> Answer | None: ...


@dataclass(slots=True)
class Door:
    """What every consumer of a worker shares. `stall` and `handshake` are in seconds, see `relay.Terms`.

    `on_end(line, relay)` is told of every line whose relay has ended, `observer` of everything worth counting.
    `not_ready` says why newcomers should go elsewhere, if they should; `is_stopping` turns them away. `plans` meter
    what passes (None: nothing is metered). `write_access` asks for a line in the log `gateway.access` for every refusal
    and every end.
    """

    catalogue: Catalogue
    connections: Connections
    upstreams: Upstreams = field(default_factory=Upstreams)
    clock: Callable[[], float] = time.time
    stall: float = 30.0
    handshake: float = 5.0
    is_stopping: bool = False
    not_ready: Callable[[], str] = str
    observer: Observer = field(default_factory=Observer)
    plans: Plans | None = None
    on_end: Callable[[Line, Relay], None] | None = None
    write_access: bool = False
    desk: Desk | None = None


def gateway_application(door: Door) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The gateway for an ASGI server: WebSockets through `GatewayConsumer`, and what little plain HTTP there is."""
    consumer = GatewayConsumer.as_asgi(door=door)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await consumer(scope, receive, send)
        elif scope["type"] == "http":
            await answer(door, scope, send)
        else:
            raise ValueError(f"The gateway does not speak {scope['type']}.")

    return application


class GatewayConsumer(AsyncConsumer):  # type: ignore[misc]
    """One client. Handles a handful of events, never one per frame, unless the server cannot splice."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.id = secrets.token_hex(16)
        self.line: Line | None = None
        self.dialling: asyncio.Future[Any] | None = None
        self.messages: MessageRelay | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Channels' own also waits for messages of a channel layer, of which a line has none."""
        self.scope, self.base_send = scope, send
        with suppress(StopConsumer):
            while True:
                await self.dispatch(await receive())

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels' own makes a thread hop per event to tidy database connections; here none are used."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Let the client in or refuse it; the backend is dialled first, so nobody sees 101 for a dead one."""
        request_id.set(self.id)
        decision = await self._decide()
        if isinstance(decision, Refuse):
            await self._refuse(decision)
        handshake, admitted = decision
        self.line = self._open_line(handshake, admitted)
        self.id = self.line.id
        request_id.set(self.id)
        try:
            await self._join(handshake, admitted, self.line)
        except DialFailed as failed:
            self._forget()
            await self._refuse(failed.refusal)
        except BaseException:
            self._forget()
            raise
        if not self.messages:
            raise StopConsumer  # the line lives on without us

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """A message from the client, where the server cannot splice."""
        if self.messages:
            await self.messages.from_client(message.get("text"), message.get("bytes"))

    async def websocket_disconnect(self, message: dict[str, Any]) -> NoReturn:
        """The client has gone, where the server cannot splice."""
        if self.messages:
            await self.messages.client_gone(message.get("code", 1005), message.get("reason") or "")
        self._forget()
        raise StopConsumer

    async def _decide(self) -> tuple[Handshake, Admit] | Refuse:
        if self.door.is_stopping:
            return closing.stopping()
        try:
            handshake = read(self.scope)
        except Malformed as error:
            return closing.malformed(str(error), error.code)
        decision = await self.door.catalogue.decide(handshake)
        return decision if isinstance(decision, Refuse) else (handshake, decision)

    def _open_line(self, handshake: Handshake, admitted: Admit) -> Line:
        """In the same step of the loop as the decision: a right that ends from now on ends this line."""
        name = admitted.connection_id or self.id
        line = Line(name, admitted, self._close_while_dialling, handshake.client_ip, self.door.clock())
        self.door.connections.add(line)
        return line

    async def _join(self, handshake: Handshake, admitted: Admit, line: Line) -> None:
        extension = (self.scope.get("extensions") or {}).get(EXTENSION)
        addresses = _addresses(handshake, admitted)
        headers = tuple(backend_headers(handshake, admitted, line))
        if extension:
            ask = Ask(handshake.subprotocols, handshake.extensions, headers)
            dial = partial(self.door.upstreams.dial, addresses, ask, admitted.route.options)
            dialled = await self._unless_too_late(self._enter(line, dial))
            await self._splice(extension["splice"], dialled, handshake, admitted, line)
        else:
            ask = Ask(handshake.subprotocols, "", headers)
            connecting = partial(connect, self.door.upstreams, addresses, ask, admitted.route.options)
            backend = await self._unless_too_late(self._enter(line, connecting))
            self.messages = MessageRelay(
                backend, self.send, self._forget, admitted.route.options, meters=meters_of(line.entry)
            )
            self.messages.limit_messages(message_bytes(line.admitted))
            line.close, line.passing = self.messages.close, self.messages
            subprotocol = backend.subprotocol or handshake.own_subprotocol
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": _names(line)})
            self.door.observer.opened(line)
            self.messages.start()

    async def _enter(self, line: Line, dial: Callable[[], Awaitable[Any]]) -> Any:
        """Let the line in under its plans, then dial its backend."""
        if self.door.plans and (refusal := await self.door.plans.enter(line)):
            raise DialFailed(refusal)
        return await self._timed(line, dial())

    async def _timed(self, line: Line, dial: Awaitable[Any]) -> Any:
        begun, clock = time.perf_counter(), time.perf_counter
        try:
            connected = await dial
        except DialFailed as failed:
            self.door.observer.dialled(line, clock() - begun, failed.refusal)
            raise
        self.door.observer.dialled(line, clock() - begun, None)
        return connected

    async def _unless_too_late(self, dial: Coroutine[Any, Any, Any]) -> Any:
        self.dialling = asyncio.ensure_future(dial)
        try:
            connected = await self.dialling
        except asyncio.CancelledError:
            if not self._is_too_late():
                self.dialling.cancel()
                raise
        else:
            if not self._is_too_late():
                return connected
            connected.transport.abort()
        raise DialFailed(await self._refusal_now())

    def _close_while_dialling(self, code: int, reason: str) -> None:
        """The right to be here ended before the backend answered: what was going to be a 101 becomes a refusal."""
        if self.line and self.dialling:
            self.line.close = _too_late
            self.dialling.cancel()

    def _is_too_late(self) -> bool:
        return self.line is not None and self.line.close is _too_late

    async def _refusal_now(self) -> Refuse:
        decision = await self._decide()
        return decision if isinstance(decision, Refuse) else closing.stopping()

    async def _splice(
        self, splice: Callable[..., Relay], dialled: Dialled, handshake: Handshake, admitted: Admit, line: Line
    ) -> None:
        headers = [*dialled.headers, *_names(line)]
        if dialled.extensions:
            headers.insert(0, (b"Sec-WebSocket-Extensions", dialled.extensions.encode("latin-1")))
        try:
            subprotocol = dialled.subprotocol or handshake.own_subprotocol
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})
        except BaseException:
            dialled.transport.abort()
            raise
        door = self.door
        terms, meters = self._terms(dialled, line), meters_of(line.entry)
        relay = splice(dialled, terms=terms, meters=meters, on_end=_accountant(door, line))
        line.close, line.passing = relay.close, relay
        door.observer.opened(line)

    def _terms(self, dialled: Dialled, line: Line) -> Terms:
        options, limit, door = line.admitted.route.options, message_bytes(line.admitted), self.door
        return terms_for(options, dialled.extensions, stall=door.stall, handshake=door.handshake, limit=limit or 0)

    async def _refuse(self, refusal: Refuse) -> NoReturn:
        self.door.observer.refused(refusal)
        if self.door.write_access:
            access.refused(self.scope, refusal)
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            headers = [*head.refusal_headers(refusal), (REQUEST_ID, self.id.encode())]
            await self.send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
            await self.send({"type": "websocket.http.response.body", "body": head.refusal_body(refusal)})
        else:
            await self.send({"type": "websocket.close"})
        raise StopConsumer

    def _forget(self) -> None:
        if self.line and self.door.connections.get(self.line.id):
            self.door.connections.discard(self.line)
            _leave(self.door, self.line)
            self.door.observer.ended(self.line)


def _leave(door: Door, line: Line) -> None:
    if door.plans:
        door.plans.leave(line)


def _accountant(door: Door, line: Line) -> Callable[[Relay], None]:
    def ended(relay: Relay) -> None:
        door.connections.discard(line)
        _leave(door, line)
        door.observer.ended(line)
        if door.write_access:
            access.ended(line, relay)
        if door.on_end:
            door.on_end(line, relay)

    return ended


def _too_late(code: int, reason: str) -> None:
    """The line is being closed already."""


def _addresses(handshake: Handshake, admitted: Admit) -> list[Address]:
    # Each API has its own experience with an address: what one of them dials with a wrong CA must not harm another.
    return [
        Address(backend_url(address, admitted.route, handshake.query_string), f"{admitted.route.api_id} {address}")
        for address in admitted.endpoint.addresses
    ]


def _names(line: Line) -> list[tuple[bytes, bytes]]:
    """Tell the client under which id its connection stands in logs, and can be given another token."""
    return [(b"X-APIM-Connection", line.id.encode()), (REQUEST_ID, line.id.encode())]
