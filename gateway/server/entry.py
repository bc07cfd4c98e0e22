"""The steps by which a client is let in, for whoever takes them: the consumer, or the quick way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway import refusals
from gateway.authorization.decision import Allow
from gateway.connections.plans import checks_of, message_bytes, meters_of
from gateway.connections.registry import Connection
from gateway.handshake.head import REQUEST_ID
from gateway.handshake.request import Handshake
from gateway.observability import access_log
from gateway.observability.tracing import HandshakeTrace
from gateway.refusals import Refusal
from gateway.relay.checked import CheckedRelay
from gateway.relay.splice import Relay
from gateway.relay.types import RelayOptions, relay_options
from gateway.routing.table import backend_url
from gateway.server.context import GatewayContext
from gateway.upstream.dialer import BackendAddress
from gateway.upstream.handshake import BackendConnection, UpgradeRequest
from gateway.upstream.headers import backend_headers


@dataclass(slots=True)
class Begun:
    """A client that was let in on the quick way, which ended there: what the consumer goes on with.

    `failure` is what became of the first dial; None: the right to be here ended meanwhile. `begun` is when it came.
    """

    handshake: Handshake
    connection: Connection
    failure: Exception | None
    begun: float


def turned_away(context: GatewayContext) -> Refusal | None:
    """Why nobody is let in at the moment."""
    if context.is_stopping:
        return refusals.STOPPING
    return refusals.SERVER_FULL if context.is_short() else None


def addresses_of(admitted: Allow, query_string: bytes) -> list[BackendAddress]:
    """Where the backend may be, in the order of dialling.

    Each API has its own experience with an address: what one of them dials with a wrong CA must not harm another.
    """
    route = admitted.route
    own, mock = route.options.secret_query, route.deployment.design.mock
    return [
        BackendAddress(backend_url(each, route, query_string, own), f"{route.api_id} {each}", mock)
        for each in admitted.endpoint.addresses
    ]


def names_of(connection: Connection) -> list[tuple[bytes, bytes]]:
    """The headers that tell a client under which id its connection stands in logs, and is given another token."""
    name = connection.id.encode()
    return [(b"X-APIM-Connection", name), (REQUEST_ID, name)]


def answer_headers(backend: BackendConnection, connection: Connection) -> list[tuple[bytes, bytes]]:
    """What a 101 says besides what makes it one, and besides the subprotocol."""
    headers = [*backend.headers, *names_of(connection)]
    if backend.extensions:
        headers.insert(0, (b"Sec-WebSocket-Extensions", backend.extensions.encode("latin-1")))
    return headers


def upgrade_for(
    context: GatewayContext,
    handshake: Handshake,
    connection: Connection,
    extensions: str,
    trace: HandshakeTrace | None = None,
) -> UpgradeRequest:
    """What the backend is asked. Made once the plans have let the connection in: a signature costs something."""
    admitted, identities = connection.admitted, context.identities
    identity = ""
    if identities and admitted.route.options.signed_identity:
        identity = identities.sign(admitted, connection.id, context.clock())
    headers: Sequence[tuple[bytes, bytes]] = backend_headers(handshake, admitted, connection.id, identity)
    if trace:
        headers = trace.carried(headers)
    return UpgradeRequest(handshake.subprotocols, extensions, headers)


def options_for(context: GatewayContext, admitted: Allow, extensions: str) -> RelayOptions:
    """What holds for a connection on which these extensions were agreed on."""
    return relay_options(
        admitted.route.options,
        extensions,
        stall=context.stall,
        handshake=context.handshake,
        limit=message_bytes(admitted) or 0,
        frame_limit=admitted.route.deployment.design.frame_bytes,
    )


def join(
    context: GatewayContext, connection: Connection, options: RelayOptions, splice: Callable[..., Relay], begun: float
) -> None:
    """Let both sides speak with each other. `splice` makes the relay, `begun` is when the client came."""
    on_end = partial(_ended, context, connection)
    meters, checks = meters_of(connection.admission), checks_of(connection.admitted)
    kind: Callable[..., Relay] = Relay
    if checks is not None:
        misfits = partial(context.telemetry.misfit, connection)
        kind = partial(CheckedRelay, checks=checks, longest=context.longest_checked, on_misfit=misfits)
    kind = context.telemetry.relay_kind(connection, kind)
    relay = splice(options=options, meters=meters, on_end=on_end, kind=kind)
    connection.close, connection.relay = relay.close, relay
    context.telemetry.opened(connection, time.perf_counter() - begun)


def take_leave(context: GatewayContext, connection: Connection) -> None:
    """The connection is over, or came to nothing."""
    context.connections.discard(connection)
    if context.plans:
        context.plans.leave(connection)
    context.telemetry.ended(connection)


def _ended(context: GatewayContext, connection: Connection, relay: Relay) -> None:
    take_leave(context, connection)
    if context.write_access:
        access_log.ended(connection, relay)
    if context.on_end:
        context.on_end(connection, relay)


def is_closed_already(code: int, reason: str) -> None:
    """Stands in for `close` of a connection whose dialling was broken off."""
