"""The quick way in Python. Pure: what every machine has, and what the extension is held to.

What the attributes mean stands with the classes that are built upon these: `gateway.relay.frames.FrameScanner`,
`gateway.quotas.meter` and `gateway.relay.side.Leg`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, MutableSequence, Sequence
from typing import Final, Protocol

Take = Callable[[int, int], bool]
Fields = tuple[tuple[bytes, bytes], ...]


class ScannerBase:
    """What a scanner of frames has counted, and where it stands."""

    __slots__ = (
        "_limit",
        "_longest",
        "_mask",
        "_rsv",
        "closed",
        "fragmented",
        "messages",
        "octets",
        "remaining",
        "size",
    )

    _limit: int
    _longest: int
    _mask: int
    _rsv: int
    closed: bool
    fragmented: bool
    messages: int
    octets: int
    remaining: int
    size: int


class SourceBase:
    """A count in memory, and how far it may go: `cells[at]`, an array of 64 bits, may not pass `top`."""

    __slots__ = ("at", "cells", "octets", "top")

    at: int
    cells: MutableSequence[int]
    octets: bool
    top: int


class MeterBase:
    """What one direction of one connection draws from."""

    __slots__ = ("sources", "take")

    sources: tuple[SourceBase, ...]
    take: Take

    def draw_from(self, sources: Sequence[SourceBase]) -> None:
        """Draw from these sources from now on."""
        self.sources = tuple(sources)
        self.take = _take_from(self.sources)


class ReadingScanner(Protocol):
    """As much of a `FrameScanner` as the quick way needs."""

    messages: int
    octets: int
    overhead: int

    def plain(self, data: bytes) -> int: ...


class LegBase:
    """One side of a relay: what it sends, read and metered.

    `flows`: what it sends is passed on, and nothing of it is held back. `heard`: something came since its clock was
    last brought up to date. `is_ahead`: the engine sees to its closing handshake, and the relay has not been told yet.
    """

    __slots__ = ("flows", "heard", "meter", "scanner")
    is_ahead = False

    flows: bool
    heard: bool
    meter: MeterBase
    scanner: ReadingScanner

    def passes(self, data: bytes) -> bool:
        """Whether all of a chunk may pass as it is; then it is counted, else nothing has changed.

        The extension sees further than this: it passes all chunks of whole data frames, this only the commonest.
        """
        scanner = self.scanner
        if not self.flows or not (messages := scanner.plain(data)):
            return False
        octets = len(data) - messages * scanner.overhead
        if not self.meter.take(messages, octets):
            return False
        scanner.messages += messages
        scanner.octets += octets
        return True


def unread(data: bytes, limit: int) -> None:
    """What the extension reads of ordinary heads: here others read all of them."""


read_request: Callable[[bytes, int], tuple[bytes, Fields, int] | None] = unread
read_switch: Callable[[bytes, int], tuple[Fields, int] | None] = unread
part_request: Callable[[bytes, int], tuple[bytes, bytes, int] | None] = unread
part_switch: Callable[[bytes, int], tuple[bytes, bytes, int] | None] = unread


_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


def proof_of(key: bytes) -> bytes:
    """The only right `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def _take_from(sources: tuple[SourceBase, ...]) -> Take:
    """The function behind `Meter.take`. It is called for each chunk that passes, hence one for each usual number."""
    if not sources:
        return lambda messages, octets: True
    one, two, rest = sources[0], sources[:2][-1], sources[2:]

    def take_from_one(messages: int, octets: int) -> bool:
        spent = one.cells[one.at] + (octets if one.octets else messages)
        if spent > one.top:
            return False
        one.cells[one.at] = spent
        return True

    def take_from_two(messages: int, octets: int) -> bool:
        first = one.cells[one.at] + (octets if one.octets else messages)
        if first > one.top:
            return False
        second = two.cells[two.at] + (octets if two.octets else messages)
        if second > two.top:
            return False
        one.cells[one.at] = first
        two.cells[two.at] = second
        return True

    def take_from_many(messages: int, octets: int) -> bool:
        for source in rest:
            if source.cells[source.at] + (octets if source.octets else messages) > source.top:
                return False
        if not take_from_two(messages, octets):
            return False
        for source in rest:
            source.cells[source.at] += octets if source.octets else messages
        return True

    return take_from_many if rest else take_from_two if len(sources) == 2 else take_from_one
