"""What a relay is told when it begins, and what can be asked of it, however it relays. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

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


class RelayHandle(Protocol):
    """A client and a backend, joined."""

    def leave(self, code: int, reason: str) -> None:
        """Ask the client to go, gently: what it has sent by then still reaches the backend."""
        ...

    def finish(self) -> None:
        """Wait for the client no longer."""
        ...

    def limit_messages(self, octets: int | None) -> None:
        """From now on the client's messages may be so long, in bytes as sent; None: as long as it likes."""
        ...

    def traffic(self) -> Traffic:
        """What has passed so far."""
        ...

    def close_info(self) -> CloseInfo:
        """How it ended; final once it has."""
        ...


_ANY = frames.RSV1 | frames.RSV2 | frames.RSV3


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """What holds for one connection; durations in seconds, 0 for off. Connections of one route share one of these.

    `rsv` and `limit` are for the frame scanners. `stall` is how long a side may leave its buffer full, `handshake` how
    long the closing handshake may take. `keeps_context` says for the client's messages and for the backend's whether
    each is needed to read the next.
    """

    ping_interval: float = 25.0
    idle_timeout: float = 0.0
    maximum_duration: float = 0.0
    stall: float = 30.0
    handshake: float = 5.0
    rsv: int = 0
    limit: int = 0
    keeps_context: tuple[bool, bool] = (False, False)

    def may_skip(self, is_client: bool) -> bool:
        """Whether a message of this side can be left out, and the next be read all the same."""
        return not self.keeps_context[0 if is_client else 1]


def relay_options(
    options: EndpointOptions, extensions: str, *, stall: float, handshake: float, limit: int = 0
) -> RelayOptions:
    """The options of a connection on which `extensions` (the header's value) were negotiated.

    Equal connections share one value.
    """
    return _shared_options(
        options.ping_interval, options.idle_timeout, options.maximum_duration, stall, handshake, extensions, limit
    )


def rsv_for(extensions: tuple[str, ...]) -> int:
    """The reserved bits that these extensions may set. Of an unknown one nothing is known, so it may set any."""
    if not extensions:
        return 0
    return frames.RSV1 if extensions == DEFLATE else _ANY


@lru_cache(maxsize=1024)
def _shared_options(
    ping: float, idle: float, longest: float, stall: float, handshake: float, extensions: str, limit: int
) -> RelayOptions:
    return RelayOptions(
        ping_interval=ping,
        idle_timeout=idle,
        maximum_duration=longest,
        stall=stall,
        handshake=handshake,
        rsv=rsv_for(tuple(extension_names(extensions))),
        limit=limit,
        keeps_context=keeps_context(extensions),
    )
