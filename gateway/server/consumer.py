"""A client knocks: read the handshake, decide, dial the backend, accept, hand over, account.

On the gateway's own server both transports are spliced and the consumer's work ends there; on any other (Daphne, say)
messages are relayed one by one.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from gateway import refusals
from gateway.authorization.decision import Allow
from gateway.connections.plans import message_bytes, meters_of
from gateway.connections.registry import Connection
from gateway.handshake import head
from gateway.handshake.request import Handshake, Malformed, attempt_of, read
from gateway.logging.formats import request_id
from gateway.observability import access_log
from gateway.observability.telemetry import RefusedRequest
from gateway.refusals import Refusal
from gateway.relay.messages import MessageRelay, connect
from gateway.relay.splice import Relay
from gateway.relay.types import RelayOptions, relay_options
from gateway.routing.table import backend_url
from gateway.server.context import GatewayContext, Receive, Scope, Send
from gateway.server.websocket import EXTENSION
from gateway.upstream.dialer import BackendAddress, DialFailed
from gateway.upstream.handshake import BackendConnection, UpgradeRequest
from gateway.upstream.headers import REQUEST_ID, backend_headers

log = logging.getLogger("gateway")


class GatewayConsumer(AsyncConsumer):  # type: ignore[misc]
    """One client. Handles a handful of events, never one per frame, unless the server cannot splice."""

    def __init__(self, context: GatewayContext) -> None:
        self.context = context
        self.id = secrets.token_hex(16)
        self.handshake: Handshake | None = None
        self.connection: Connection | None = None
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
        if isinstance(decision, Refusal):
            await self._refuse(decision)
        handshake, admitted = decision
        self.connection = self._open_line(handshake, admitted)
        self.id = self.connection.id
        request_id.set(self.id)
        try:
            await self._join(handshake, admitted, self.connection)
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

    async def _decide(self) -> tuple[Handshake, Allow] | Refusal:
        if self.context.is_stopping:
            return refusals.stopping()
        try:
            handshake = self.handshake = read(self.scope)
        except Malformed as error:
            return refusals.malformed(str(error), error.code)
        decision = await self.context.routing.decide(handshake)
        return decision if isinstance(decision, Refusal) else (handshake, decision)

    def _open_line(self, handshake: Handshake, admitted: Allow) -> Connection:
        """In the same step of the loop as the decision: a right that ends from now on ends this line."""
        name = admitted.connection_id or self.id
        connection = Connection(name, admitted, self._close_while_dialling, handshake.client_ip, self.context.clock())
        self.context.connections.add(connection)
        return connection

    async def _join(self, handshake: Handshake, admitted: Allow, connection: Connection) -> None:
        extension = (self.scope.get("extensions") or {}).get(EXTENSION)
        addresses = _addresses(handshake, admitted)
        headers = tuple(backend_headers(handshake, admitted, connection.id))
        if extension:
            upgrade = UpgradeRequest(handshake.subprotocols, handshake.extensions, headers)
            dial = partial(self.context.dialer.dial, addresses, upgrade, admitted.route.options)
            dialled = await self._unless_too_late(self._enter(connection, dial))
            await self._splice(extension["splice"], dialled, handshake, admitted, connection)
        else:
            upgrade = UpgradeRequest(handshake.subprotocols, "", headers)
            connecting = partial(connect, self.context.dialer, addresses, upgrade, admitted.route.options)
            backend = await self._unless_too_late(self._enter(connection, connecting))
            self.messages = MessageRelay(
                backend, self.send, self._forget, admitted.route.options, meters=meters_of(connection.admission)
            )
            self.messages.limit_messages(message_bytes(connection.admitted))
            connection.close, connection.relay = self.messages.close, self.messages
            subprotocol = backend.subprotocol or handshake.own_subprotocol
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": _names(connection)})
            self.context.telemetry.opened(connection)
            self.messages.start()

    async def _enter(self, connection: Connection, dial: Callable[[], Awaitable[Any]]) -> Any:
        """Let the line in under its plans, then dial its backend."""
        if self.context.plans and (refusal := await self.context.plans.enter(connection)):
            raise DialFailed(refusal)
        return await self._timed(connection, dial())

    async def _timed(self, connection: Connection, dial: Awaitable[Any]) -> Any:
        begun, clock = time.perf_counter(), time.perf_counter
        try:
            connected = await dial
        except DialFailed as failed:
            self.context.telemetry.dialled(connection, clock() - begun, failed.refusal)
            raise
        self.context.telemetry.dialled(connection, clock() - begun, None)
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
        if self.connection and self.dialling:
            self.connection.close = _too_late
            self.dialling.cancel()

    def _is_too_late(self) -> bool:
        return self.connection is not None and self.connection.close is _too_late

    async def _refusal_now(self) -> Refusal:
        decision = await self._decide()
        return decision if isinstance(decision, Refusal) else refusals.stopping()

    async def _splice(
        self,
        splice: Callable[..., Relay],
        dialled: BackendConnection,
        handshake: Handshake,
        admitted: Allow,
        connection: Connection,
    ) -> None:
        headers = [*dialled.headers, *_names(connection)]
        if dialled.extensions:
            headers.insert(0, (b"Sec-WebSocket-Extensions", dialled.extensions.encode("latin-1")))
        try:
            subprotocol = dialled.subprotocol or handshake.own_subprotocol
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})
        except BaseException:
            dialled.transport.abort()
            raise
        context = self.context
        options, meters = self._relay_options(dialled, connection), meters_of(connection.admission)
        relay = splice(dialled, options=options, meters=meters, on_end=_accountant(context, connection))
        connection.close, connection.relay = relay.close, relay
        context.telemetry.opened(connection)

    def _relay_options(self, dialled: BackendConnection, connection: Connection) -> RelayOptions:
        options, limit, context = connection.admitted.route.options, message_bytes(connection.admitted), self.context
        return relay_options(
            options, dialled.extensions, stall=context.stall, handshake=context.handshake, limit=limit or 0
        )

    async def _refuse(self, refusal: Refusal) -> NoReturn:
        self.context.telemetry.refused(refusal, self._request())
        if self.context.write_access:
            access_log.refused(self.scope, refusal)
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            headers = [*head.refusal_headers(refusal), (REQUEST_ID, self.id.encode())]
            await self.send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
            await self.send({"type": "websocket.http.response.body", "body": head.refusal_body(refusal)})
        else:
            await self.send({"type": "websocket.close"})
        raise StopConsumer

    def _request(self) -> RefusedRequest:
        return RefusedRequest(
            id=self.id,
            client_ip=(self.scope.get("client") or ("", 0))[0],
            path=self.scope["path"],
            attempt=attempt_of(self.scope),
            handshake=self.handshake,
            admitted=self.connection.admitted if self.connection else None,
        )

    def _forget(self) -> None:
        if self.connection and self.context.connections.get(self.connection.id):
            self.context.connections.discard(self.connection)
            _leave(self.context, self.connection)
            self.context.telemetry.ended(self.connection)


def _leave(context: GatewayContext, connection: Connection) -> None:
    if context.plans:
        context.plans.leave(connection)


def _accountant(context: GatewayContext, connection: Connection) -> Callable[[Relay], None]:
    def ended(relay: Relay) -> None:
        context.connections.discard(connection)
        _leave(context, connection)
        context.telemetry.ended(connection)
        if context.write_access:
            access_log.ended(connection, relay)
        if context.on_end:
            context.on_end(connection, relay)

    return ended


def _too_late(code: int, reason: str) -> None:
    """The line is being closed already."""


def _addresses(handshake: Handshake, admitted: Allow) -> list[BackendAddress]:
    # Each API has its own experience with an address: what one of them dials with a wrong CA must not harm another.
    return [
        BackendAddress(
            backend_url(address, admitted.route, handshake.query_string), f"{admitted.route.api_id} {address}"
        )
        for address in admitted.endpoint.addresses
    ]


def _names(connection: Connection) -> list[tuple[bytes, bytes]]:
    """Tell the client under which id its connection stands in logs, and can be given another token."""
    return [(b"X-APIM-Connection", connection.id.encode()), (REQUEST_ID, connection.id.encode())]
