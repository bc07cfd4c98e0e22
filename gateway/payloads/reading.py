"""Whole messages out of the bytes of one direction: frames joined, unmasked and inflated. Pure.

Nothing is judged here but size: what breaks the protocol is handed on as it is, for whoever scans frames to judge.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from core.enums import at_hand
from core.text import byte_size

FINAL, RSV1, RESERVED, CONTROL, CONTINUATION, BINARY, PONG = 0x80, 0x40, 0x70, 0x08, 0x0, 0x2, 0xA
UNREAD: Final = "it is compressed, and what it refers to was not read"
_TAIL: Final = b"\x00\x00\xff\xff"  # what a sender leaves off, RFC 7692 §7.2.1
_WINDOW: Final = 1 << 15
_WHOLE: Final = frozenset({0x81, 0x82})  # the first byte of a text or binary message in one frame


class PayloadEvent(NamedTuple):
    """Something that stands by itself in what was sent: a message, a control frame, or what is not read.

    `raw` is what was sent. `payload` is that of a message. Where a message could not be read, `problem` says why, and
    `is_too_long` that it was for its size; what is left of it follows in events without a payload.
    """

    raw: bytes
    payload: bytes | None = None
    problem: str = ""
    is_too_long: bool = False


@at_hand
class ReadingState(IntEnum):
    """Where a direction stands, as far as its messages go."""

    BETWEEN = 0  # the next data frame begins a message; falsy
    INSIDE = 1  # a message has begun, and is gathered until it is whole
    SKIPPING = 2  # a message has begun that is not read, to its end
    BLIND = 3
    """Nothing can be read any more, because the protocol was broken, or because a compressed message that was not read
    is needed to read the next. From then on everything is handed on as it comes."""


NEXT: Final[tuple[frozenset[ReadingState], ...]] = tuple(
    frozenset(following)
    for following in (
        set(ReadingState) - {ReadingState.BETWEEN},
        set(ReadingState) - {ReadingState.INSIDE},
        {ReadingState.BETWEEN, ReadingState.BLIND},
        (),
    )
)
"""By state, the states that may follow it."""


@dataclass(slots=True)
class _Gathered:
    """The message under way: its first byte, its payload so far, unmasked, and what was sent of it."""

    first: int = 0
    parts: list[bytes] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    size: int = 0


class PayloadReader:
    """Reads one direction. `masked` says that a client sends, `limit` how long a message may be, as sent and inflated.

    `state` says what becomes of the next frame.
    """

    __slots__ = ("_gathered", "_inflater", "_is_compressed", "_masked", "_need", "_skip", "held", "limit", "state")

    def __init__(self, *, masked: bool, is_compressed: bool, limit: int) -> None:
        self._masked = masked
        self._is_compressed = is_compressed
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if is_compressed else None
        self.limit = limit
        self.state = ReadingState.BETWEEN
        self.held = bytearray()  # the beginning of a frame that is not whole yet, which will be `_need` bytes
        self._need = 0
        self._gathered = _Gathered()
        self._skip = 0  # so many bytes, of a frame whose header was read, are not read

    def feed(self, data: bytes) -> Iterator[PayloadEvent]:
        """What has become whole with `data`, in the order in which it may go on: control frames before a message that
        is still under way."""
        if self.held:
            self.held += data
            if len(self.held) < self._need:
                return
            data = bytes(self.held)
            self.held.clear()
        at, end, blind = 0, len(data), ReadingState.BLIND
        while at < end:
            if self.state is blind:
                yield PayloadEvent(data[at:])
                return
            if self._skip:
                stop = min(at + self._skip, end)
                self._skip -= stop - at
                yield PayloadEvent(data[at:stop])
                at = stop
                continue
            if event := self._plain(data, at, end):
                yield event
                at += len(event.raw)
                continue
            if (head := self._head(data, at, end)) is None:
                self.held += data[at:]
                self._need = 0
                return
            begin, length = head
            stop = begin + length
            if length < 0:
                yield PayloadEvent(self.release())
            elif data[at] & CONTROL == 0 and (
                self.state is ReadingState.SKIPPING or self._gathered.size + length > self.limit
            ):
                yield from self._step_over(data[at], stop - at)
            elif stop > end:
                self.held += data[at:]
                self._need = stop - at
                return
            else:
                if event := self._frame(data, at, begin, stop):
                    yield event
                at = stop

    def _plain(self, data: bytes, at: int, end: int) -> PayloadEvent | None:
        """The commonest there is, read the short way: a whole message in a frame of less than 64 KiB, not compressed;
        None where `at` begins anything else."""
        if at + 4 > end or data[at] not in _WHOLE or self.state:
            return None
        length, begin = data[at + 1] - (self._masked << 7), at + 2
        if length == 126:
            length, begin = data[at + 2] << 8 | data[at + 3], at + 4
        elif not 0 <= length < 126:
            return None
        if not self._masked:
            stop = begin + length
            if stop > end or length > self.limit:
                return None
            return PayloadEvent(data[at:stop], data[begin:stop])
        stop = begin + 4 + length
        if stop > end or length > self.limit:
            return None
        return PayloadEvent(data[at:stop], apply_mask(data[begin + 4 : stop], data[begin : begin + 4]))

    def enter(self, state: ReadingState) -> None:
        """Go on to `state` where the table leads there. Who is blind stays so."""
        if state in NEXT[self.state]:
            self.state = state

    def lose(self) -> None:
        """A compressed message was not read, which may be needed to read the next."""
        self.enter(ReadingState.BLIND)

    def release(self) -> bytes:
        """All that is held, as it was sent; nothing is read after that."""
        self.enter(ReadingState.BLIND)
        raw = b"".join(self._gathered.raw) + bytes(self.held)
        self._gathered = _Gathered()
        self.held.clear()
        return raw

    def _head(self, data: bytes, at: int, end: int) -> tuple[int, int] | None:
        """Where the payload of the frame at `at` begins, and its length: below 0 where it is no frame to be read; None
        where the header is not whole."""
        if at + 2 > end:
            return None
        first, length, begin = data[at], data[at + 1] & 0x7F, at + 2
        opcode, is_control = first & 0x0F, bool(first & CONTROL)
        is_inside = self.state is not ReadingState.BETWEEN
        may_be = (FINAL | opcode) if is_control else first & (FINAL | 0x0F)
        if self._is_compressed and opcode and not is_control:
            may_be |= first & RSV1
        if (
            data[at + 1] >> 7 != self._masked
            or first != may_be
            or (is_control and (length > 125 or opcode > PONG))
            or (not is_control and (opcode > BINARY or bool(opcode) is is_inside))
        ):
            return begin, -1
        if length > 125:
            begin = at + (4 if length == 126 else 10)
            if begin > end:
                return None
            length = int.from_bytes(data[at + 2 : begin], "big")
        return begin + 4 * self._masked, length

    def _step_over(self, first: int, length: int) -> Iterator[PayloadEvent]:
        """Do not read the data frame of this length, nor the rest of its message."""
        self._skip = length
        if self.state is not ReadingState.SKIPPING:
            yield PayloadEvent(b"".join(self._gathered.raw), problem=too_long(self.limit), is_too_long=True)
            self._gathered = _Gathered()
            if self._is_compressed:
                self.lose()
        self.enter(ReadingState.BETWEEN if first & FINAL else ReadingState.SKIPPING)

    def _frame(self, data: bytes, at: int, begin: int, stop: int) -> PayloadEvent | None:
        """What a whole frame makes whole."""
        raw, first = data[at:stop], data[at]
        if first & CONTROL:
            return PayloadEvent(raw)
        payload = apply_mask(data[begin:stop], data[begin - 4 : begin]) if self._masked else data[begin:stop]
        if not first & FINAL or self.state is ReadingState.INSIDE:
            gathered = self._gathered
            gathered.first = gathered.first or first
            gathered.parts.append(payload)
            gathered.raw.append(raw)
            gathered.size += stop - begin
            if not first & FINAL:
                self.enter(ReadingState.INSIDE)
                return None
            first, payload, raw = gathered.first, b"".join(gathered.parts), b"".join(gathered.raw)
            self._gathered = _Gathered()
            self.enter(ReadingState.BETWEEN)
        return self._inflated(payload, raw) if first & RSV1 else PayloadEvent(raw, payload)

    def _inflated(self, payload: bytes, raw: bytes) -> PayloadEvent:
        if self._inflater is None:
            return PayloadEvent(raw, problem=UNREAD)
        whole, rest = b"", payload + _TAIL
        try:
            while rest:
                whole += self._inflater.decompress(rest, self.limit + 1 - len(whole))
                if len(whole) > self.limit:
                    self.lose()
                    return PayloadEvent(raw, problem=too_long(self.limit), is_too_long=True)
                rest = self._inflater.unused_data.removeprefix(_TAIL)
                if self._inflater.eof:  # a block that calls itself the last, RFC 7692 §7.2.3.4
                    self._inflater = zlib.decompressobj(-zlib.MAX_WBITS, zdict=whole[-_WINDOW:])
        except zlib.error:
            self.lose()
            return PayloadEvent(raw, problem="it cannot be inflated")
        return PayloadEvent(raw, whole)


class ObservingReader(PayloadReader):
    """Reads what has passed already, perhaps from the middle of a connection, and never gives up on compression.

    `rest` bytes of a frame are still to come when it begins; `is_inside` says that its message goes on after them.
    Where a message is needed to read the next (`keeps_context`) and was not read, the following are only told of.
    """

    __slots__ = ("_keeps_context",)

    def __init__(
        self,
        *,
        masked: bool,
        is_compressed: bool,
        limit: int,
        keeps_context: bool,
        is_from_start: bool = True,
        rest: int = 0,
        is_inside: bool = False,
    ) -> None:
        super().__init__(masked=masked, is_compressed=is_compressed, limit=limit)
        self._keeps_context = keeps_context
        self._skip = rest
        if is_inside:
            self.enter(ReadingState.SKIPPING)
        if is_compressed and not is_from_start:
            self.lose()

    def lose(self) -> None:
        """Begin anew where each message stands by itself, else inflate nothing more."""
        self._inflater = None if self._keeps_context else zlib.decompressobj(-zlib.MAX_WBITS)


def too_long(limit: int) -> str:
    """What is wrong with a payload that is longer than so many bytes."""
    return f"it is longer than {byte_size(limit)}"


def apply_mask(payload: bytes, key: bytes) -> bytes:
    """A payload masked or without its mask (RFC 6455 §5.3), as one number, which is how Python is quick at it."""
    length = len(payload)
    mask = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(length, "big")
