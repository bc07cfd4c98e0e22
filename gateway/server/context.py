"""What every consumer of a worker shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from core import database_clock
from gateway.authorization.identity import IdentitySigner
from gateway.connections.plans import ConnectionPlans
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.control.routing import RoutingState
from gateway.observability.telemetry import Telemetry
from gateway.observability.tracing import HandshakeTracing
from gateway.relay.splice import Relay
from gateway.server.http_endpoints import HttpEndpoints
from gateway.upstream.dialer import Dialer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class GatewayContext:
    """What every consumer of a worker shares. `stall` and `handshake` are in seconds, see `relay.types.RelayOptions`.

    `on_end(connection, relay)` is told of every connection whose relay has ended, `telemetry` of everything worth
    counting, `tracing` of every handshake (None: nothing is traced). `not_ready` says why newcomers should go
    elsewhere, if they should; `is_stopping` turns them away, and so does `is_short` of memory. `plans` meter what
    passes (None: nothing is metered). `identities` sign who a client is where an API asks for it (None: nothing is
    signed). `write_access` asks for a line in the log `gateway.access` for every refusal and every end. No payload is
    held against a schema beyond `longest_checked` bytes.
    """

    routing: RoutingState
    connections: ConnectionRegistry
    dialer: Dialer = field(default_factory=Dialer)
    clock: Callable[[], float] = database_clock.clock
    stall: float = 30.0
    handshake: float = 5.0
    is_stopping: bool = False
    is_short: Callable[[], bool] = bool
    not_ready: Callable[[], str] = str
    telemetry: Telemetry = field(default_factory=Telemetry)
    tracing: HandshakeTracing | None = None
    plans: ConnectionPlans | None = None
    identities: IdentitySigner | None = None
    on_end: Callable[[Connection, Relay], None] | None = None
    write_access: bool = False
    longest_checked: int = 1 << 20
    endpoints: HttpEndpoints | None = None
