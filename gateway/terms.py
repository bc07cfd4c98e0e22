"""What holds for one connection, out of its endpoint's options and what was negotiated. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from gateway import frames

_DEFLATE = ("permessage-deflate",)
_ANY = frames.RSV1 | frames.RSV2 | frames.RSV3


@dataclass(frozen=True, slots=True)
class Terms:
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


class RelayOptions(Protocol):
    """The part of an endpoint's advanced configuration that is obeyed here; durations in seconds, 0 for off."""

    @property
    def ping_interval(self) -> float: ...
    @property
    def idle_timeout(self) -> float: ...
    @property
    def maximum_duration(self) -> float: ...


def terms_for(options: RelayOptions, extensions: str, *, stall: float, handshake: float, limit: int = 0) -> Terms:
    """The terms for a connection on which `extensions` (the header's value) were negotiated.

    Equal connections share one value.
    """
    return _terms(
        options.ping_interval, options.idle_timeout, options.maximum_duration, stall, handshake, extensions, limit
    )


def rsv_for(extensions: tuple[str, ...]) -> int:
    """The reserved bits that these extensions may set. Of an unknown one nothing is known, so it may set any."""
    if not extensions:
        return 0
    return frames.RSV1 if extensions == _DEFLATE else _ANY


def keeps_context(extensions: str) -> tuple[bool, bool]:
    """Whether the client's and the backend's messages are compressed with what went before (RFC 7692 §7.1.1).

    Of an extension that is not known here anything may be true.
    """
    if not extensions:
        return False, False
    if extension_names(extensions) != list(_DEFLATE):
        return True, True
    given = {parameter.partition("=")[0].strip().lower() for parameter in extensions.split(";")[1:]}
    return "client_no_context_takeover" not in given, "server_no_context_takeover" not in given


def extension_names(value: str) -> list[str]:
    """The names in a `Sec-WebSocket-Extensions` value, in lower case and in order, without parameters."""
    return [name for part in value.split(",") if (name := part.partition(";")[0].strip().lower())]


@lru_cache(maxsize=1024)
def _terms(
    ping: float, idle: float, longest: float, stall: float, handshake: float, extensions: str, limit: int
) -> Terms:
    return Terms(
        ping_interval=ping,
        idle_timeout=idle,
        maximum_duration=longest,
        stall=stall,
        handshake=handshake,
        rsv=rsv_for(tuple(extension_names(extensions))),
        limit=limit,
        keeps_context=keeps_context(extensions),
    )
