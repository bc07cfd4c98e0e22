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
from gateway.connections.plans import checks_of, extensions_for, message_bytes, meters_of
from gateway.connections.registry import Connection
from gateway.handshake import head
from gateway.handshake.request import Handshake, Malformed, attempt_of, read
from gateway.logging.formats import request_id
from gateway.observability import access_log
from gateway.observability.refusal_log import RefusedRequest
from gateway.observability.tracing import HandshakeTrace
from gateway.refusals import Refusal
from gateway.relay.messages import MessageRelay, connect
from gateway.server.context import GatewayContext, Receive, Scope, Send
from gateway.server.entry import (
    Begun,
    addresses_of,
    answer_headers,
    is_closed_already,
    join,
    names_of,
    options_for,
    take_leave,
    turned_away,
    upgrade_for,
)
from gateway.server.websocket import EXTENSION
from gateway.upstream.dialer import DialFailed


class GatewayConsumer(AsyncConsumer):  # type: ignore[misc]
    """One client. Handles a handful of events, never one per frame, unless the server cannot splice."""

    def __init__(self, context: GatewayContext) -> None:
        self.context = context
        self.id = secrets.token_hex(16)
        self.handshake: Handshake | None = None
        self.connection: Connection | None = None
        self.dialling: asyncio.Future[Any] | None = None
        self.messages: MessageRelay | None = None
        self.trace: HandshakeTrace | None = None
        self.begun = time.perf_counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Channels' own also waits for messages of a channel layer, of which a client of the gateway gets none."""
        self.scope, self.base_send = scope, send
        # What the gateway's own server offers, and no other.
        self.extension: dict[str, Any] = (scope.get("extensions") or {}).get(EXTENSION) or {}
        with suppress(StopConsumer):
            while True:
                await self.dispatch(await receive())

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels' own makes a thread hop per event to tidy database connections; here none are used."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Let the client in or refuse it; the backend is dialled first, so nobody sees 101 for a dead one."""
        begun: Begun | None = self.extension.get("begun")
        if begun:
            self.handshake, self.connection, self.begun = begun.handshake, begun.connection, begun.begun
            if begun.failure:  # else its right to be here has ended already
                self.connection.close = self._close_while_dialling
        else:
            request_id.set(self.id)
            if self.context.tracing:
                self.trace = self.context.tracing.handshake(self.scope, self.id)
            decision = await self._decide()
            if isinstance(decision, Refusal):
                await self._refuse(decision)
            # In the same step of the loop as the decision: a right that ends from now on ends this connection.
            self.connection = Connection(
                decision.connection_id or self.id,
                decision,
                self._close_while_dialling,
                decision.client_ip,
                self.context.clock(),
            )
            self.context.connections.add(self.connection)
        self.id = self.connection.id
        request_id.set(self.id)
        assert self.handshake is not None  # noqa: S101  the decision was about it
        try:
            await self._join(self.handshake, self.connection, begun.failure if begun else None)
        except DialFailed as failed:
            self._forget()
            await self._refuse(failed.refusal)
        except BaseException:
            self._forget()
            if self.trace:
                self.trace.ended(0)
            raise
        if self.trace:
            self.trace.ended(101)
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

    async def _decide(self) -> Allow | Refusal:
        if refusal := turned_away(self.context):
            return refusal
        try:
            self.handshake = read(self.scope, self.context.routing.routes.takes_query_token)
        except Malformed as error:
            return refusals.malformed(str(error), error.code)
        return await self.context.routing.decide(self.handshake)

    async def _join(self, handshake: Handshake, connection: Connection, failure: Exception | None) -> None:
        """Dial the backend and accept the client, in this order, and join them as the server allows."""
        admitted, dialer = connection.admitted, self.context.dialer
        options = admitted.route.options
        splice = self.extension.get("splice")
        dial = partial(dialer.dial, failure=failure) if splice else partial(connect, dialer)
        offered = extensions_for(admitted, handshake.extensions) if splice else ""
        backend = await self._dial(
            connection,
            lambda: dial(
                addresses_of(admitted, handshake.query_string),
                upgrade_for(self.context, handshake, connection, offered, self.trace),
                options,
            ),
        )
        if self.trace:
            self.trace.step("accept")
        subprotocol = backend.subprotocol or handshake.own_subprotocol
        connection.subprotocol = subprotocol or ""
        if splice:
            try:
                headers = answer_headers(backend, connection)
                await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})
            except BaseException:
                backend.transport.abort()
                raise
            # Of this consumer nothing is given away: it is gone by the time the relay ends.
            relay = options_for(self.context, admitted, backend.extensions)
            join(self.context, connection, relay, partial(splice, backend), self.begun)
        else:
            self.messages = MessageRelay(
                backend,
                self.send,
                self._forget,
                options,
                meters=meters_of(connection.admission),
                checks=checks_of(admitted),
                longest_checked=self.context.longest_checked,
                on_misfit=partial(self.context.telemetry.misfit, connection),
            )
            self.messages.limit_messages(message_bytes(connection.admitted))
            connection.close, connection.relay = self.messages.close, self.messages
            await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": names_of(connection)})
            self.context.telemetry.opened(connection, time.perf_counter() - self.begun)
            self.messages.start()

    async def _dial(self, connection: Connection, dial: Callable[[], Awaitable[Any]]) -> Any:
        """Let the connection in under its plans and dial its backend, unless its right to be here ends meanwhile."""
        if connection.close is not is_closed_already:
            self.dialling = asyncio.ensure_future(self._enter(connection, dial))
            try:
                backend = await self.dialling
            except asyncio.CancelledError:
                if connection.close is not is_closed_already:
                    self.dialling.cancel()
                    raise
            else:
                if connection.close is not is_closed_already:
                    return backend
                backend.transport.abort()
        decision = await self._decide()
        raise DialFailed(decision if isinstance(decision, Refusal) else refusals.STOPPING)

    async def _enter(self, connection: Connection, dial: Callable[[], Awaitable[Any]]) -> Any:
        context = self.context
        if context.plans and not connection.admission and (refusal := await context.plans.enter(connection)):
            raise DialFailed(refusal)
        if self.trace:
            self.trace.admitted(connection.admitted)
            self.trace.step("dial")
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
            self.connection.close = is_closed_already
            self.dialling.cancel()

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
        if self.trace:
            self.trace.ended(refusal.status, refusal.code)
        if self.context.write_access:
            access_log.refused(self.scope, refusal)
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            headers = [*head.refusal_headers(refusal), (head.REQUEST_ID, self.id.encode())]
            await self.send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
            await self.send({"type": "websocket.http.response.body", "body": head.refusal_body(refusal)})
        else:
            await self.send({"type": "websocket.close"})
        raise StopConsumer

    def _forget(self) -> None:
        if self.connection and self.context.connections.by_id.get(self.connection.id):
            take_leave(self.context, self.connection)
