"""WebSocket frames as they pass, in one module because the quick ways of reading must equal the plain one beside them.

Pure: reads headers, skips payloads, makes control frames (RFC 6455 §5).

A `FrameScanner` walks one direction of one connection. It never keeps, copies or unmasks a payload of data; only
control frames, 125 bytes at most, are read whole. What it has passed always ends inside a payload or at a frame's end,
never inside a header, so the gateway knows at each moment whether a frame of its own may follow.
"""

import os
import struct
from functools import cache
from typing import Final, NamedTuple

from gateway.native import ScannerBase
from gateway.payloads.reading import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
MASKED = 0x80
MAXIMUM_CONTROL = 125  # bytes of payload, RFC 6455 §5.5

Mark = tuple[int, bool, int, int, int]
"""A scanner's `remaining`, `fragmented`, `size`, `messages` and `octets` between two calls of `feed`."""

_UNLIMITED: Final = 1 << 63
_RUN = 4  # equal frames in a row from which comparing whole columns costs less than walking


class ControlFrame(NamedTuple):
    """A control frame that passed: its place in the chunk (`start` to `stop`) and its payload, unmasked."""

    opcode: int
    start: int
    stop: int
    payload: bytes


class FrameError(Exception):
    """The peer broke the protocol. `code` and `reason` are for the Close it gets; `offset` is where its good bytes end
    in the chunk given to `feed`."""

    def __init__(self, code: int, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.offset = offset


class FrameScanner(ScannerBase):
    """Reads the frame headers of one direction.

    `masked` is True for frames from a client. `rsv` holds the reserved bits that the negotiated extensions may set on
    the first frame of a message. `limit` is the longest message in bytes as sent (compressed, if it is), `frame` the
    longest frame, 0 for none.
    With `awaited`, `controls` holds only Closes and the Pongs with that payload: a flood of others costs no memory.

    `overhead` is how many bytes a frame has besides a payload of up to 125 bytes.

    Running totals: `messages` that began, `octets` of data payload announced by their headers. `remaining` bytes of
    the present data frame are still to come; `fragmented` says that its message goes on after it, and `size` how long
    that message is so far; `closed` that a Close has passed, after which nothing counts. A control frame of the
    gateway's may follow where nothing is `remaining`, a message where what has passed is not `fragmented` either.
    """

    __slots__ = (
        "_awaited",
        "_tables",
        "controls",
        "overhead",
    )

    def __init__(
        self, *, masked: bool, rsv: int = 0, limit: int = 0, frame: int = 0, awaited: bytes | None = None
    ) -> None:
        self._awaited = awaited
        self._mask = 4 if masked else 0
        self._rsv = rsv
        self.limit(limit, frame)
        self.overhead = self._tables[3]
        self.size = 0
        self.remaining = 0
        self.fragmented = False
        self.closed = False
        self.messages = 0
        self.octets = 0
        self.controls: list[ControlFrame] = []

    def limit(self, octets: int, frame: int = 0) -> None:
        """From the next frame on this is the longest message, and the longest frame, in bytes as sent; 0 for none."""
        self._longest = octets or _UNLIMITED  # of a message
        self._limit = min(frame or _UNLIMITED, self._longest)  # of one frame, and so of a message that is one frame
        self._tables = _tables(bool(self._mask), bool(self._rsv & RSV1), min(self._limit, MAXIMUM_CONTROL))

    def plain(self, data: bytes) -> int:
        """How many messages `data` is when it is nothing but whole ones, each a frame of the same kind and length of up
        to 125 bytes; 0 when it is anything else, or when a frame or message is under way.

        The quick look at the commonest traffic there is. Changes nothing: whoever takes `data` at its word adds to
        `messages` and, less `overhead` for each, to `octets`.
        """
        if self.remaining or self.fragmented or self.closed:
            return 0
        size = len(data)
        whole, steps, _, _ = self._tables
        if size < 2 or not whole[first := data[0]] or not (step := steps[second := data[1]]):
            return 0
        if step == size:
            return 1
        count, rest = divmod(size, step)
        if rest or data[::step].count(first) != count or data[1::step].count(second) != count:
            return 0
        return count

    def feed(self, data: bytes) -> int:
        """How many bytes of `data`, from its start, may pass on; the totals and states then stand at that place.

        Give the bytes beyond (part of a header or of a control frame, under 140 bytes) again in front of the next
        chunk; after a Close (`closed`) nothing more passes. Control frames that passed are in `controls`, to be
        cleared by the caller. Raises FrameError; the bytes before its `offset` have been counted and may pass.
        """
        size = len(data)
        at = self.remaining
        if at >= size:  # the whole chunk lies inside one payload
            self.remaining = at - size
            return size
        self.remaining = 0
        while at < size - 1:
            if self.closed:
                return at
            if not self.fragmented:
                at = self._whole_messages(data, at, size)
                if at >= size - 1:
                    break
            after = self._frame(data, at, size)
            if not after:
                return at
            at = after
        if at > size:
            self.remaining = at - size
            return size
        return at

    def _whole_messages(self, data: bytes, at: int, size: int) -> int:
        """Walk messages of one frame and under 64 KiB each, the commonest traffic there is; where the walk ended."""
        whole, steps, wide, overhead = self._tables
        start, count, wides, last = at, 0, 0, size - 1
        while at < last:
            first, second = data[at], data[at + 1]
            if not whole[first]:
                break
            if step := steps[second]:
                if count < 2:  # perhaps a run of equal ones: then their headers stand in two columns
                    fitting = (size - at) // step
                    if (
                        fitting >= _RUN
                        and data[at + 1 : at + fitting * step : step].count(second) == fitting
                        and data[at : at + fitting * step : step].count(first) == fitting
                    ):
                        at += fitting * step
                        count += fitting
                        continue
                at += step
            elif second == wide and at + 4 <= size:
                length = data[at + 2] << 8 | data[at + 3]
                if length < 126 or length > self._limit:
                    break
                at += length + overhead + 2
                wides += 1
            else:
                break
            count += 1
        self.messages += count
        self.octets += at - start - count * overhead - 2 * wides
        return at

    def rewind(self, before: Mark) -> None:
        """Back to what these five were `before` a call of `feed`, to read the same chunk another way."""
        self.remaining, self.fragmented, self.size, self.messages, self.octets = before
        self.closed = False
        self.controls.clear()

    def _frame(self, data: bytes, at: int, size: int) -> int:
        """Read one header of any kind; where the next one begins, or 0 when this one is not whole yet."""
        first, second = data[at], data[at + 1]
        if (second >> 7) != (self._mask >> 2):
            raise FrameError(1002, "A frame was masked." if second >> 7 else "A frame was not masked.", at)
        if first & 0x08:
            return self._control(data, at, size)
        length, head = second & 0x7F, 2
        if length > MAXIMUM_CONTROL:
            head = 4 if length == 126 else 10
            if at + head > size:
                return 0
            length = int.from_bytes(data[at + 2 : at + head], "big")
            if length >> 63:
                raise FrameError(1002, "A frame's length was over 2^63.", at)
            if length < (126 if head == 4 else 65536):
                raise FrameError(1002, "A frame's length was not in its shortest form.", at)
        opcode, reserved = first & 0x0F, first & 0x70
        if opcode > BINARY:
            raise FrameError(1002, f"Opcode {opcode} is reserved.", at)
        if opcode == CONTINUATION and not self.fragmented:
            raise FrameError(1002, "A continuation frame continues nothing.", at)
        if opcode and self.fragmented:
            raise FrameError(1002, "A new message began inside a fragmented one.", at)
        if reserved & ~(self._rsv if opcode else self._rsv & ~RSV1):
            raise FrameError(1002, "A reserved bit was set that was not negotiated.", at)
        whole = self.size + length if self.fragmented else length
        if whole > self._longest:
            raise FrameError(1009, f"A message was over the limit of {self._longest} bytes.", at)
        if length > self._limit:
            raise FrameError(1009, f"A frame was over the limit of {self._limit} bytes.", at)
        if not self.fragmented:
            self.messages += 1
        self.size = whole
        self.fragmented = not first & FINAL
        self.octets += length
        return at + head + self._mask + length

    def _control(self, data: bytes, at: int, size: int) -> int:
        opcode, length = data[at] & 0x0F, data[at + 1] & 0x7F
        if opcode > PONG:
            raise FrameError(1002, f"Opcode {opcode} is reserved.", at)
        if not data[at] & FINAL:
            raise FrameError(1002, "A control frame was fragmented.", at)
        if data[at] & 0x70:
            raise FrameError(1002, "A reserved bit was set on a control frame.", at)
        if length > MAXIMUM_CONTROL:
            raise FrameError(1002, "A control frame was over 125 bytes.", at)
        begin = at + 2 + self._mask
        stop = begin + length
        if stop > size:
            return 0
        if self._awaited is not None and opcode != CLOSE and (opcode == PING or length != len(self._awaited)):
            return stop
        payload = bytes(data[begin:stop])
        if self._mask:
            payload = apply_mask(payload, bytes(data[begin - 4 : begin]))
        if opcode == CLOSE:
            if payload and (length == 1 or not is_sendable(int.from_bytes(payload[:2], "big"))):
                raise FrameError(1002, "A Close frame had no valid code.", at)
            try:
                payload[2:].decode()
            except UnicodeDecodeError:
                raise FrameError(1007, "A Close frame's reason was not UTF-8.", at) from None
            self.closed = True
        elif self._awaited is not None and payload != self._awaited:
            return stop
        self.controls.append(ControlFrame(opcode, at, stop, payload))
        return stop


def encode_close(code: int | None, reason: str = "", *, masked: bool) -> bytes:
    """A Close frame; None makes one without a body. The reason is cut to what fits, between characters."""
    if code is None:
        return encode_control(CLOSE, b"", masked=masked)
    clipped = reason.encode()[: MAXIMUM_CONTROL - 2].decode(errors="ignore").encode()
    return encode_control(CLOSE, struct.pack("!H", code) + clipped, masked=masked)


def encode_control(opcode: int, payload: bytes, *, masked: bool) -> bytes:
    """A control frame; `payload` is 125 bytes at most."""
    if not masked:
        return bytes((FINAL | opcode, len(payload))) + payload
    key = os.urandom(4)
    return bytes((FINAL | opcode, MASKED | len(payload))) + key + apply_mask(payload, key)


def decode_close(payload: bytes) -> tuple[int | None, str]:
    """The code and reason of a Close frame's payload, already checked; no code where the payload is empty."""
    if not payload:
        return None, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")


def is_sendable(code: int) -> bool:
    """Whether a Close frame may carry this code (RFC 6455 §7.4, IANA's registry): never 1004, 1005, 1006 or 1015."""
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))


@cache
def _tables(masked: bool, compressed: bool, longest: int) -> tuple[list[bool], list[int], int, int]:
    """For short work with the frames of one direction; the lists are looked up by a byte.

    Whether a first byte begins a message of one frame; by the second byte the length of the whole frame, or 0 where a
    closer look is needed; the second byte of a frame with 16 bits of length; the bytes of a short header.
    """
    base, overhead = (MASKED, 6) if masked else (0, 2)
    firsts = (0x81, 0x82, 0xC1, 0xC2) if compressed else (0x81, 0x82)
    steps = [second - base + overhead if base <= second <= base + longest else 0 for second in range(256)]
    return [first in firsts for first in range(256)], steps, base | 126, overhead
