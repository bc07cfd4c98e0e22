"""One client of the gateway: its handshake is read and decided, its backend dialled, both joined and accounted for.

On the gateway's own server both transports are spliced and the consumer's work ends there; on any other (Daphne, say)
messages are relayed one by one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from gateway import refusals
from gateway.authorization.decision import Allow
from gateway.connections.plans import checks_of, extensions_for, frame_bytes, message_bytes, meters_of
from gateway.connections.registry import Connection
from gateway.handshake import head
from gateway.handshake.request import Handshake, Malformed, attempt_of, read
from gateway.logging.formats import request_id
from gateway.observability import access_log
from gateway.observability.telemetry import RefusedRequest
from gateway.refusals import Refusal
from gateway.relay.checked import CheckedRelay
from gateway.relay.messages import MessageRelay, connect
from gateway.relay.splice import Relay
from gateway.relay.types import relay_options
from gateway.routing.table import backend_url
from gateway.server.context import GatewayContext, Receive, Scope, Send
from gateway.server.websocket import EXTENSION
from gateway.upstream.dialer import BackendAddress, DialFailed
from gateway.upstream.handshake import BackendConnection, UpgradeRequest
from gateway.upstream.headers import REQUEST_ID, backend_headers


class GatewayConsumer(AsyncConsumer):  # type: ignore[misc]
    """One client. Handles a handful of events, never one per frame, unless the server cannot splice."""

    def __init__(self, context: GatewayContext) -> None:
        self.context = context
        self.id = secrets.token_hex(16)
        self.handshake: Handshake | None = None
        self.connection: Connection | None = None
        self.dialling: asyncio.Future[Any] | None = None
        self.messages: MessageRelay | None = None
        self.begun = time.perf_counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Channels' own also waits for messages of a channel layer, of which a client of the gateway gets none."""
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
        # In the same step of the loop as the decision: a right that ends from now on ends this connection.
        self.id = admitted.connection_id or self.id
        self.connection = Connection(
            self.id, admitted, self._close_while_dialling, handshake.client_ip, self.context.clock()
        )
        self.context.connections.add(self.connection)
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
            raise StopConsumer  # the connection lives on without us

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
            return refusals.STOPPING
        if self.context.is_short():
            return refusals.SERVER_FULL
        try:
            handshake = self.handshake = read(self.scope, self.context.routing.routes.takes_query_token)
        except Malformed as error:
            return refusals.malformed(str(error), error.code)
        decision = await self.context.routing.decide(handshake)
        return decision if isinstance(decision, Refusal) else (handshake, decision)

    async def _join(self, handshake: Handshake, admitted: Allow, connection: Connection) -> None:
        """Dial the backend and accept the client, in this order, and join them as the server allows."""
        route, dialer = admitted.route, self.context.dialer
        # Each API has its own experience with an address: what one of them dials with a wrong CA must not harm another.
        own, mock = route.options.secret_query, route.deployment.design.mock
        addresses = [
            BackendAddress(backend_url(each, route, handshake.query_string, own), f"{route.api_id} {each}", mock)
            for each in admitted.endpoint.addresses
        ]
        # Under this id the connection stands in logs, and can be given another token.
        names = [(b"X-APIM-Connection", connection.id.encode()), (REQUEST_ID, connection.id.encode())]
        extension = (self.scope.get("extensions") or {}).get(EXTENSION)
        dial = dialer.dial if extension else partial(connect, dialer)
        offered = extensions_for(admitted, handshake.extensions) if extension else ""
        ask = partial(self._upgrade, handshake, connection, offered)
        backend = await self._dial(connection, lambda: dial(addresses, ask(), route.options))
        subprotocol = backend.subprotocol or handshake.own_subprotocol
        connection.subprotocol = subprotocol or ""
        if extension:
            await self._splice(extension["splice"], backend, subprotocol, names, connection)
        else:
            self.messages = MessageRelay(
                backend, self.send, self._forget, route.options, meters=meters_of(connection.admission)
            )
            self.messages.limit_messages(message_bytes(connection.admitted))
            if checks := checks_of(admitted):
                longest, misfits = self.context.longest_checked, partial(self.context.telemetry.misfit, connection)
                self.messages.check_messages(checks, longest, misfits)
            connection.close, connection.relay = self.messages.close, self.messages
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": names})
            self.context.telemetry.opened(connection, time.perf_counter() - self.begun)
            self.messages.start()

    def _upgrade(self, handshake: Handshake, connection: Connection, extensions: str) -> UpgradeRequest:
        """What the backend is asked. Made once the plans have let the connection in: a signature costs something."""
        admitted, identities = connection.admitted, self.context.identities
        identity = ""
        if identities and admitted.route.options.signed_identity:
            identity = identities.sign(admitted, connection.id, self.context.clock())
        headers = tuple(backend_headers(handshake, admitted, connection.id, identity))
        return UpgradeRequest(handshake.subprotocols, extensions, headers)

    async def _dial(self, connection: Connection, dial: Callable[[], Awaitable[Any]]) -> Any:
        """Let the connection in under its plans and dial its backend, unless its right to be here ends meanwhile."""
        self.dialling = asyncio.ensure_future(self._enter(connection, dial))
        try:
            backend = await self.dialling
        except asyncio.CancelledError:
            if connection.close is not _is_closed_already:
                self.dialling.cancel()
                raise
        else:
            if connection.close is not _is_closed_already:
                return backend
            backend.transport.abort()
        decision = await self._decide()
        raise DialFailed(decision if isinstance(decision, Refusal) else refusals.STOPPING)

    async def _enter(self, connection: Connection, dial: Callable[[], Awaitable[Any]]) -> Any:
        context = self.context
        if context.plans and (refusal := await context.plans.enter(connection)):
            raise DialFailed(refusal)
        begun = time.perf_counter()
        try:
            backend = await dial()
        except DialFailed as failed:
            context.telemetry.dialled(connection, time.perf_counter() - begun, failed.refusal)
            raise
        context.telemetry.dialled(connection, time.perf_counter() - begun, None)
        return backend

    def _close_while_dialling(self, code: int, reason: str) -> None:
        """The right to be here ended before the backend answered: what was going to be a 101 becomes a refusal."""
        if self.connection and self.dialling:
            self.connection.close = _is_closed_already
            self.dialling.cancel()

    async def _splice(
        self,
        splice: Callable[..., Relay],
        backend: BackendConnection,
        subprotocol: str | None,
        names: list[tuple[bytes, bytes]],
        connection: Connection,
    ) -> None:
        headers = [*backend.headers, *names]
        if backend.extensions:
            headers.insert(0, (b"Sec-WebSocket-Extensions", backend.extensions.encode("latin-1")))
        try:
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})
        except BaseException:
            backend.transport.abort()
            raise
        context, admitted = self.context, connection.admitted
        options = relay_options(
            admitted.route.options,
            backend.extensions,
            stall=context.stall,
            handshake=context.handshake,
            limit=message_bytes(admitted) or 0,
            frame_limit=frame_bytes(admitted) or 0,
        )
        # Of this consumer nothing is given away: it is gone by the time the relay ends.
        on_end = partial(_ended, context, connection)
        meters, checks = meters_of(connection.admission), checks_of(admitted)
        kind: Callable[..., Relay] = Relay
        if checks is not None:
            misfits = partial(context.telemetry.misfit, connection)
            kind = partial(CheckedRelay, checks=checks, longest=context.longest_checked, on_misfit=misfits)
        kind = context.telemetry.relay_kind(connection, kind)
        relay = splice(backend, options=options, meters=meters, on_end=on_end, kind=kind)
        connection.close, connection.relay = relay.close, relay
        context.telemetry.opened(connection, time.perf_counter() - self.begun)

    async def _refuse(self, refusal: Refusal) -> NoReturn:
        request = RefusedRequest(
            id=self.id,
            client_ip=(self.scope.get("client") or ("", 0))[0],
            path=self.scope["path"],
            attempt=attempt_of(self.scope),
            handshake=self.handshake,
            admitted=self.connection.admitted if self.connection else None,
        )
        self.context.telemetry.refused(refusal, request)
        if self.context.write_access:
            access_log.refused(self.scope, refusal)
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            headers = [*head.refusal_headers(refusal), (REQUEST_ID, self.id.encode())]
            await self.send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
            await self.send({"type": "websocket.http.response.body", "body": head.refusal_body(refusal)})
        else:
            await self.send({"type": "websocket.close"})
        raise StopConsumer

    def _forget(self) -> None:
        if self.connection and self.context.connections.get(self.connection.id):
            _take_leave(self.context, self.connection)


def _ended(context: GatewayContext, connection: Connection, relay: Relay) -> None:
    _take_leave(context, connection)
    if context.write_access:
        access_log.ended(connection, relay)
    if context.on_end:
        context.on_end(connection, relay)


def _take_leave(context: GatewayContext, connection: Connection) -> None:
    context.connections.discard(connection)
    if context.plans:
        context.plans.leave(connection)
    context.telemetry.ended(connection)


def _is_closed_already(code: int, reason: str) -> None:
    """Stands in for `close` of a connection whose dialling was broken off."""
