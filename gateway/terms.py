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
    long the closing handshake may take.
    """

    ping_interval: float = 25.0
    idle_timeout: float = 0.0
    maximum_duration: float = 0.0
    stall: float = 30.0
    handshake: float = 5.0
    rsv: int = 0
    limit: int = 0


class RelayOptions(Protocol):
    """The part of an endpoint's advanced configuration that is obeyed here; durations in seconds, 0 for off."""

    @property
    def ping_interval(self) -> float: ...
    @property
    def idle_timeout(self) -> float: ...
    @property
    def maximum_duration(self) -> float: ...


def terms_for(options: RelayOptions, extensions: tuple[str, ...], *, stall: float, handshake: float) -> Terms:
    """The terms for a connection on which `extensions` were negotiated. Equal connections share one value."""
    return _terms(
        options.ping_interval, options.idle_timeout, options.maximum_duration, stall, handshake, rsv_for(extensions)
    )


def rsv_for(extensions: tuple[str, ...]) -> int:
    """The reserved bits that these extensions may set. Of an unknown one nothing is known, so it may set any."""
    if not extensions:
        return 0
    return frames.RSV1 if extensions == _DEFLATE else _ANY


@lru_cache(maxsize=1024)
def _terms(ping: float, idle: float, longest: float, stall: float, handshake: float, rsv: int) -> Terms:
    return Terms(
        ping_interval=ping,
        idle_timeout=idle,
        maximum_duration=longest,
        stall=stall,
        handshake=handshake,
        rsv=rsv,
    )
