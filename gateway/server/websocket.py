"""A client between its handshake and its backend, as the application sees it.

The scope has one more extension, `apimanager.relay`. After `websocket.accept` the application calls

    scope["extensions"]["apimanager.relay"]["splice"](dialled, options=..., meters=..., on_end=...)

and returns. From then on the connection belongs to a `gateway.relay.splice.Relay`, and nothing of uvicorn's is left of
it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, cast
from urllib.parse import unquote

from uvicorn.protocols.utils import ClientDisconnected

from gateway import refusals
from gateway.handshake import head
from gateway.handshake.head import accept_for
from gateway.logging.formats import request_id
from gateway.quotas.meter import Meter
from gateway.refusals import Refusal
from gateway.relay.splice import Relay
from gateway.relay.types import RelayOptions
from gateway.server.config import WorkerConfig
from gateway.server.lingering_close import close_after
from gateway.upstream.handshake import BackendConnection

EXTENSION = "apimanager.relay"

log = logging.getLogger("gateway.http")


class PendingState(Enum):
    """How far a client has come: DECIDING > ACCEPTED > GONE, or DECIDING > GONE with a refusal or by itself."""

    DECIDING = "the application decides"
    ACCEPTED = "the client was told 101"
    GONE = "the transport is somebody else's, or closed"


class PendingWebSocket(asyncio.Protocol):
    """Holds a client between its handshake and its backend, without reading from it, then gives its transport away.

    Made of a request that `head.refuse_head` found to be a handshake, given as what of ASGI's scope it makes. Speaks as
    much of ASGI's WebSocket messages as this takes: connect, accept or a response, disconnect. `early` is what the
    client has sent behind its request, `begun` what the quick way has done already.
    """

    def __init__(
        self,
        config: WorkerConfig,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        connections: set[Any],
        request: Mapping[str, Any],
        early: bytes,
        begun: object = None,
    ) -> None:
        self.config, self.transport, self.loop = config, transport, loop
        self.connections = connections
        self.connections.add(self)
        self.early = early
        extension = {"splice": self.splice, **({"begun": begun} if begun else {})}
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "asgi": {"version": config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1",
            "server": None,
            "root_path": "",
            "path": unquote(request["raw_path"].decode("latin-1")),
            **request,
            "state": {},
            "extensions": {"websocket.http.response": {}, EXTENSION: extension},
        }
        self._state = PendingState.DECIDING
        self._refusal_head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._gone: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Begin to decide, in a task."""
        task = self.loop.create_task(self.run())
        self.config.deciding.add(task)
        task.add_done_callback(self.config.deciding.discard)

    async def run(self) -> None:
        """Let the application decide about the client, who counts from before this has begun."""
        try:
            await self.config.loaded_app(cast(Any, self._scope), self._receive, self._send)
        except ClientDisconnected:
            pass
        except Exception:
            log.exception("The gateway's application failed.")
        if self._state is not PendingState.GONE:
            self._answer(head.write_refusal(refusals.FAULT, request_id.get()))
            self.transport.close()

    def splice(
        self,
        dialled: BackendConnection,
        *,
        options: RelayOptions,
        meters: tuple[Meter, Meter],
        on_end: Callable[[Relay], None],
        kind: Callable[..., Relay] = Relay,
    ) -> Relay:
        """Join the client, already accepted, to its backend. The application's task may end afterwards.

        `kind` makes the relay, where it is to be another than the plain one.
        """
        early, self.early = self.early, b""
        self._end()
        return relay_between(
            self.config,
            self.loop,
            self.transport,
            dialled.transport,
            (early, dialled.early),
            options=options,
            meters=meters,
            on_end=on_end,
            kind=kind,
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    async def _receive(self) -> dict[str, Any]:
        if self._gone is None:
            self._gone = self.loop.create_future()
            return {"type": "websocket.connect"}
        if self._state is not PendingState.GONE:
            await self._gone
        return {"type": "websocket.disconnect", "code": 1006}

    async def _send(self, message: Any) -> None:
        if self._state is PendingState.GONE:
            raise ClientDisconnected
        match message["type"]:
            case "websocket.accept":
                if self.transport.is_closing():
                    raise ClientDisconnected
                headers = list(message.get("headers", ()))
                if subprotocol := message.get("subprotocol"):
                    headers.insert(0, (b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
                key = next(value for name, value in self._scope["headers"] if name == b"sec-websocket-key")
                self._state = PendingState.ACCEPTED
                self.transport.write(head.write_switch(accept_for(key.strip()), headers))
            case "websocket.close":
                self._answer(head.write_refusal(Refusal(403, 900908, "Forbidden", "The connection was refused.")))
            case "websocket.http.response.start":
                self._refusal_head = (message["status"], list(message.get("headers", ())))
            case "websocket.http.response.body" if self._refusal_head:
                self._answer(head.write_response(*self._refusal_head, message.get("body", b"")))
            case kind:
                raise ValueError(f"{kind} was not expected from the gateway's application.")

    def _answer(self, response: bytes) -> None:
        if self._state is not PendingState.DECIDING:
            return
        client, _ = self._scope["client"] or ("", 0)
        leave = self.config.greeted_by_address.enter(client)  # again, until it has been told no
        self._end()
        close_after(self.transport, response, self.loop, self.config.lingering, leave)

    def _end(self) -> None:
        """The transport is somebody else's now, or gone; drop what is not needed any longer."""
        self._state = PendingState.GONE
        self.early = b""
        self.connections.discard(self)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._scope = {}


def relay_between(
    config: WorkerConfig,
    loop: asyncio.AbstractEventLoop,
    client: asyncio.Transport,
    backend: asyncio.Transport,
    early: tuple[bytes, bytes],
    *,
    options: RelayOptions,
    meters: tuple[Meter, Meter],
    on_end: Callable[[Relay], None],
    kind: Callable[..., Relay] = Relay,
) -> Relay:
    """Join a client and its backend, and count them among the worker's until they end.

    `early` is what either has sent behind its handshake.
    """
    relays = config.relays

    def ended(relay: Relay) -> None:
        relays.discard(relay)
        on_end(relay)

    relay = kind(
        client,
        backend,
        options=options,
        wheel=config.wheel,
        loop=loop,
        meters=meters,
        on_end=ended,
    )
    relays.add(relay)
    relay.start(*early)
    return relay
