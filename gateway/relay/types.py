"""What a relay is told when it begins, and what can be asked of it, however it relays. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from gateway.handshake.extensions import DEFLATE, extension_names, keeps_context
from gateway.relay import frames
from publisher.endpoint import EndpointOptions


class Traffic(NamedTuple):
    """Messages, and bytes of their payloads, from the client (in) and from the backend (out)."""

    messages_in: int = 0
    bytes_in: int = 0
    messages_out: int = 0
    bytes_out: int = 0


class CloseInfo(NamedTuple):
    """How a connection ended: who began it (client, backend or gateway), the Close code on either side, and the reason.

    1005 is a Close without a code, 1006 no Close at all (RFC 6455 §7.1.5).
    """

    by: str
    client_code: int
    backend_code: int
    reason: str


_ANY = frames.RSV1 | frames.RSV2 | frames.RSV3


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """What holds for one connection; durations in seconds, 0 for off. Connections of one route share one of these.

    `rsv`, `limit` and `frame_limit` are for the frame scanners. `stall` is how long a side may leave its buffer full,
    `handshake` how long the closing handshake may take. `keeps_context` says for the client's messages and for the
    backend's whether each is needed to read the next.
    """

    ping_interval: float = 25.0
    idle_timeout: float = 0.0
    maximum_duration: float = 0.0
    stall: float = 30.0
    handshake: float = 5.0
    rsv: int = 0
    limit: int = 0
    frame_limit: int = 0
    keeps_context: tuple[bool, bool] = (False, False)


_shared = lru_cache(maxsize=1024)(RelayOptions)


def relay_options(
    options: EndpointOptions, extensions: str, *, stall: float, handshake: float, limit: int = 0, frame_limit: int = 0
) -> RelayOptions:
    """The options of a connection on which `extensions` (the header's value) were negotiated.

    Equal connections share one value.
    """
    names = tuple(extension_names(extensions))
    return _shared(
        ping_interval=options.ping_interval,
        idle_timeout=options.idle_timeout,
        maximum_duration=options.maximum_duration,
        stall=stall,
        handshake=handshake,
        # Of an extension that is not known here nothing is known, so it may set any of the reserved bits.
        rsv=0 if not names else frames.RSV1 if names == DEFLATE else _ANY,
        limit=limit,
        frame_limit=frame_limit,
        keeps_context=keeps_context(extensions),
    )
