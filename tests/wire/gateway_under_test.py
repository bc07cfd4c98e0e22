"""A worker of the gateway in the test's own loop, with a catalogue of the test's making."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from core.client_address import TrustedProxies
from gateway.authorization.decision import Allow, Decided, authorize
from gateway.authorization.grants import Grant, TokenError
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.handshake.request import Handshake
from gateway.refusals import Refusal
from gateway.relay.splice import Relay
from gateway.routing.table import RouteTable
from gateway.server.config import ServerLimits
from gateway.server.context import GatewayContext
from gateway.server.worker import Worker
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.mock import Mock
from tests.environment import PATIENCE
from tests.gateway import builders

TOKEN = "carols-token"


@dataclass
class FixedRouting:
    """Knows one API at /echo, version 1.0.0, and one token. Decides with the gateway's own rules."""

    routes: RouteTable
    grants: dict[str, Grant]

    async def decide(self, handshake: Handshake) -> Allow | Refusal:
        """As the real one, from memory only."""
        shown = handshake.credential
        grant = self.grants.get(shown.token, TokenError.UNKNOWN) if shown and shown.token else None
        return authorize(handshake, self.routes.match(handshake.path), grant, time.time())

    def decide_now(self, handshake: Handshake) -> Decided | None:
        """The same, at once."""
        shown = handshake.credential
        grant = self.grants.get(shown.token, TokenError.UNKNOWN) if shown and shown.token else None
        decision = authorize(handshake, self.routes.match(handshake.path), grant, time.time())
        token = shown.token if shown else ""
        return Decided(decision, (token, ()), self.routes.version, None) if isinstance(decision, Allow) else None

    def stands(self, decided: Decided) -> bool:
        """Whether it would be decided alike."""
        return decided.routes is self.routes.version and self.grants.get(decided.key[0]) is decided.allowed.grant


@dataclass
class Gateway:
    """A running worker, and what its clients and tests need to know of it."""

    worker: Worker
    context: GatewayContext
    routing: FixedRouting
    port: int
    tls: ssl.SSLContext | None = None
    ended: list[Relay] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where a client of version 1.0.0 connects."""
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}/echo/1.0.0"

    @property
    def headers(self) -> dict[str, str]:
        """Carol's credential."""
        return {"Authorization": f"Bearer {TOKEN}"}

    @property
    def connections(self) -> list[Connection]:
        """Who is connected."""
        return list(self.context.connections)

    async def until_quiet(self) -> None:
        """Wait until no client and no backend is left."""
        async with asyncio.timeout(PATIENCE):
            while self.worker.config.relays or self.connections:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    *backends: str,
    options: EndpointOptions | None = None,
    limits: ServerLimits | None = None,
    server_tls: ssl.SSLContext | None = None,
    client_tls: ssl.SSLContext | None = None,
    drain: float = 0.0,
    tick: float = 0.02,
    proxies: TrustedProxies | None = None,
    proxy_protocol: bool = False,
    mock: Mock | None = None,
    runtime: Mapping[str, Any] | None = None,
    **context_options: Any,
) -> AsyncIterator[Gateway]:
    """A gateway in front of these backend addresses, the first the primary. `runtime` is what else is deployed."""
    deployment = builders.deployment(
        endpoints={"PRODUCTION": Endpoint(backends[0], tuple(backends[1:]))},
        options=options or EndpointOptions(),
        mock=mock,
        **(runtime or {}),
    )
    grant = builders.grant(expires_at=time.time() + 3600)
    routing = FixedRouting(RouteTable([deployment]), {TOKEN: grant})
    context = GatewayContext(routing=routing, connections=ConnectionRegistry(), **{"handshake": 0.5, **context_options})
    worker = Worker(context, limits=limits, proxies=proxies, proxy_protocol=proxy_protocol, drain=drain, tick=tick)
    sock = socket.create_server(("127.0.0.1", 0))
    await worker.listen(sock, server_tls)
    gateway = Gateway(worker, context, routing, sock.getsockname()[1], client_tls)
    context.on_end = lambda connection, relay: gateway.ended.append(relay)
    try:
        yield gateway
    finally:
        await worker.stop()
