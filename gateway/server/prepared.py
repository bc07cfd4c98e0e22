"""What a worker keeps of clients that it has let in, for when they come again: most do, with the same words.

A client is known by a digest of all that it sends but its key, and by where it comes from. What is kept rests on the
decision about it, and is of no use any more once anything that this rests on has changed (`RoutingState.stands`).
No credential is kept that somebody could come in with.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway.authorization.decision import Decided
from gateway.connections.plans import Plans, all_plans_of, extensions_for
from gateway.connections.registry import Connection
from gateway.handshake import head
from gateway.handshake.request import Handshake
from gateway.relay.types import RelayOptions
from gateway.server.context import GatewayContext
from gateway.server.entry import addresses_of, answer_headers, options_for, upgrade_for
from gateway.upstream.dialer import BackendAddress, PlainWay
from gateway.upstream.handshake import BackendConnection, UpgradeRequest, write_request

MOST_KEPT: Final = 4096  # clients, with some kB each
MOST_ANSWERS: Final = 8  # of one backend to one client

# What stands for that which differs each time, until it is known. Nobody can send these by chance or on purpose.
_ID, _KEY, _PROOF = os.urandom(16).hex(), os.urandom(12).hex().encode(), os.urandom(14).hex()

Name = tuple[bytes, str, bool]


@dataclass(slots=True)
class PreparedAnswer:
    """What a backend has answered, as far as it is the same each time, and the pieces of what its client is told."""

    subprotocol: str | None
    extensions: str
    options: RelayOptions
    pieces: list[bytes]

    def write(self, proof: bytes, connection_id: str) -> bytes:
        """The whole 101 for a client."""
        name = connection_id.encode()
        first, second, third, last = self.pieces
        return b"".join((first, proof, second, name, third, name, last))


@dataclass(slots=True)
class Prepared:
    """What follows from a decision and its handshake, whoever's turn it is. The handshake is without its credential."""

    decided: Decided
    handshake: Handshake
    plans: Plans
    address: BackendAddress
    way: PlainWay
    upgrade: UpgradeRequest
    pieces: list[bytes]
    answers: dict[bytes, PreparedAnswer] = field(default_factory=dict)

    def write(self, key: bytes, connection_id: str) -> bytes:
        """The whole request for the backend."""
        first, second, last = self.pieces
        return b"".join((first, key, second, connection_id.encode(), last))

    def remember(self, answered: bytes, backend: BackendConnection, context: GatewayContext) -> PreparedAnswer:
        """What comes of the backend's answer, the rest of which was this."""
        admitted = self.decided.allowed
        stand_in = Connection(_ID, admitted, lambda code, reason: None, "", 0.0)
        headers = answer_headers(backend, stand_in)
        subprotocol = backend.subprotocol or self.handshake.own_subprotocol
        if subprotocol:
            headers.insert(0, (b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
        first, _, rest = head.write_switch(_PROOF, headers).partition(_PROOF.encode())
        answer = PreparedAnswer(
            subprotocol=subprotocol,
            extensions=backend.extensions,
            options=options_for(context, admitted, backend.extensions),
            pieces=[first, *rest.split(_ID.encode())],
        )
        if answered:
            if len(self.answers) >= MOST_ANSWERS:  # they have a date, or something like it
                self.answers.clear()
            self.answers[answered] = answer
        return answer


@dataclass(eq=False, repr=False)
class PreparedEntries:
    """Those that were let in last, by name."""

    _kept: OrderedDict[Name, Prepared] = field(default_factory=OrderedDict, init=False)

    def get(self, name: Name) -> Prepared | None:
        """What is kept under a name."""
        if kept := self._kept.get(name):
            self._kept.move_to_end(name)
        return kept

    def keep(self, name: Name, prepared: Prepared) -> None:
        """Keep it, in the place of what was kept under the name, or longest."""
        self._kept[name] = prepared
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def name_of(rest: bytes, client_ip: str, is_secure: bool) -> Name:
    """Under what a client is known whose head, but for the key, is this."""
    return hashlib.blake2b(rest, digest_size=32).digest(), client_ip, is_secure


def prepare(context: GatewayContext, handshake: Handshake, decided: Decided) -> Prepared | None:
    """Get ready for a client that was let in; None where something has to be done anew each time."""
    admitted = decided.allowed
    route, address = admitted.route, addresses_of(admitted, handshake.query_string)[0]
    way = context.dialer.plain_way(address, route.options)
    if way is None or route.options.signed_identity:
        return None
    stand_in = Connection(_ID, admitted, lambda code, reason: None, "", 0.0)
    upgrade = upgrade_for(context, handshake, stand_in, extensions_for(admitted, handshake.extensions))
    first, _, rest = write_request(way.url, _KEY, upgrade, route.options).partition(_KEY)
    return Prepared(
        decided=decided,
        handshake=replace(handshake, credential=None, console_pass=""),
        plans=all_plans_of(admitted),
        address=address,
        way=way,
        upgrade=upgrade,
        pieces=[first, *rest.split(_ID.encode())],
    )


def scope_of(
    target: bytes, fields: tuple[tuple[bytes, bytes], ...], client: tuple[str, int], is_secure: bool
) -> dict[str, Any]:
    """As much of an ASGI scope as a request makes of itself."""
    path, _, query = target.partition(b"?")
    offered = next((value for name, value in fields if name == b"sec-websocket-protocol"), b"")
    return {
        "scheme": "wss" if is_secure else "ws",
        "client": client,
        "raw_path": path,
        "query_string": query,
        "headers": fields,
        "subprotocols": [each.strip().decode("latin-1") for each in offered.split(b",")] if offered else [],
    }
