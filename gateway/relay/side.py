"""One side of a relay: what its transport receives is scanned, metered and written to the other side's transport.

Longer than most modules here, because the fast way and the slow ways share all of a side's state.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from time import time
from typing import Any, Protocol, cast

from gateway.close_codes import Close
from gateway.quotas.meter import Blocked, LimitExceeded, LimitSource, Meter
from gateway.relay import frames
from gateway.relay.frames import ControlFrame, FrameError, FrameScanner
from gateway.relay.throttle import FrameLimiter
from gateway.relay.types import RelayOptions
from gateway.relay.writer import direct_write, discard

BUFFER_FULL, RATE = 1, 2  # why a leg is not being read
SHORTEST_FRAME = 2  # bytes
A_TURN = 256_000  # bytes that uvloop reads at most in one go; where it reads so many, it goes on reading at once
OUR_PING = os.urandom(8)  # tells the answers to our own pings from everybody else's

log = logging.getLogger("gateway.relay")


class Leg(asyncio.Protocol):
    """One side of a relay, which `join` makes two of them. `meter` says what may pass of what this side sends."""

    __slots__ = (
        "_controls",
        "_final",
        "_held",
        "_limiter",
        "_meter",
        "_odd",
        "_plain",
        "_waiting_for",
        "_write",
        "brakes",
        "broken",
        "close_received",
        "close_sent",
        "code",
        "eof",
        "gone",
        "heard",
        "heard_at",
        "is_client",
        "last_frame",
        "muted",
        "other",
        "pinged_at",
        "relay",
        "scanner",
        "stalled_at",
        "transport",
        "verdict",
    )

    relay: LegEvents
    other: Leg

    def __init__(
        self, transport: asyncio.Transport, *, is_client: bool, options: RelayOptions, meter: Meter, now: float
    ) -> None:
        self.transport = transport
        self.is_client = is_client
        limit = options.limit if is_client else 0
        self.scanner = FrameScanner(masked=is_client, rsv=options.rsv, limit=limit, awaited=OUR_PING)
        self._plain = self.scanner.plain
        self._controls = self.scanner.controls
        self._meter = meter
        self._limiter: FrameLimiter | None = None
        self._final: tuple[int, int] | None = None
        self._waiting_for: LimitSource | _NextTurn | None = (
            None  # nothing more of this side passes until that one resumes
        )
        self._write: Callable[[bytes], None] = discard
        self._held = b""
        self._odd = False  # held or skipped bytes, or a closing state: the short way through data_received is not open
        self.brakes = 0
        self.muted = False  # what it still sends is read, for its Close, and not passed on
        self.last_frame: bytes | None = None  # goes to the other leg when the frame that is passing has passed
        self.close_sent = self.close_received = self.broken = self.eof = self.gone = False
        self.code = 0  # of the first Close that went either way on this side; 1006 when there was none at its end
        self.heard = False
        self.heard_at = now
        self.pinged_at = 0.0
        self.stalled_at = 0.0
        self.verdict: Close | None = None  # stands in for the Close that the other side will answer ours with

    def join(self, relay: LegEvents, other: Leg) -> None:
        """Begin to pass on to `other`."""
        self.relay = relay
        self.other = other
        self._write = direct_write(other.transport)

    # --- the frame path: no log, no await, no allocation that grows -------------------------------------------

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self._odd:
            self._oddly(data)
            return
        if messages := self._plain(data):
            scanner = self.scanner
            octets = len(data) - messages * scanner.overhead
            if self._meter.take(messages, octets):
                scanner.messages += messages
                scanner.octets += octets
                self._write(data)
                return
        self._walk(data)

    def _walk(self, data: bytes) -> None:
        scanner = self.scanner
        before = (scanner.remaining, scanner.fragmented, scanner.size, scanner.messages, scanner.octets)
        try:
            end = scanner.feed(data)
        except FrameError:
            scanner.rewind(before)
            self._sift(data)
            return
        messages, octets = scanner.messages - before[3], scanner.octets - before[4]
        if not self._meter.take(messages, octets) and not self._take_by_now(messages, octets):
            scanner.rewind(before)
            self._sift(data)
        elif end == len(data) and not self._controls:
            self._write(data)
        else:
            self._pass(data, [(0, end)])
            self._after(data, end)
        if len(data) >= A_TURN and not self._is_closing and self._waiting_for is None:
            self._stop_before(None)

    def pause_writing(self) -> None:
        self.relay.stalled(self)
        if not self.other.muted:
            self.other.brake(BUFFER_FULL)

    def resume_writing(self) -> None:
        self.stalled_at = 0.0
        self.other.release(BUFFER_FULL)

    def brake(self, reason: int) -> None:
        """Stop reading from this side, for `reason` (a bit)."""
        if not self.brakes and not self.gone:
            self.transport.pause_reading()
        self.brakes |= reason

    def release(self, reason: int) -> None:
        """Read again, once there is no reason left not to."""
        before, self.brakes = self.brakes, self.brakes & ~reason
        if before and not self.brakes and not self.gone and not self.eof:
            self.transport.resume_reading()

    # --- the slower ways --------------------------------------------------------------------------------------

    def _oddly(self, data: bytes) -> None:
        """Put what was held back in front, and take the way that is open."""
        if self._waiting_for is not None:
            self._held += data
            return
        if self._held:
            data, self._held = self._held + data, b""
        if not data or self.gone or self.scanner.closed:
            return
        if self._is_closing:
            self._look_for_close(data)
        elif self._is_skipping:
            self._sift(data)
        else:
            self._odd = False
            self.data_received(data)

    def _look_for_close(self, data: bytes) -> None:
        """Nothing more is passed on, but for the frame that is passing when a Close of ours waits behind it."""
        if self.last_frame is not None:
            self._finish_frame(data, self.last_frame)
        try:
            end = self.scanner.feed(data)
        except FrameError as error:
            self.relay.broken(self, error)
        else:
            self._after(data, end)

    def _finish_frame(self, data: bytes, last_frame: bytes) -> None:
        left = self.scanner.remaining
        self._write(data[:left])
        if len(data) >= left:
            self.last_frame = None
            self.mute()
            self.relay.said_close(self.other, last_frame)

    def _sift(self, data: bytes) -> None:
        """Pass on what the plan and the protocol allow, frame by frame; the scanner stands where `data` begins."""
        result = self._gate().filter(data, time())
        self._pass(data, result.parts)
        if result.error:
            self.relay.broken(self, result.error)
        elif result.blocked is None and not result.is_cut:
            self._odd = self._is_skipping
            self._after(data, result.end)
        else:
            self._controls.clear()
            self._held = data[result.end :]
            self._odd = True
            self._stop_before(result.blocked)

    def _take_by_now(self, messages: int, octets: int) -> bool:
        """Whether the plan lets it pass after all, now that it has been told the time."""
        self._meter.refresh(time())
        return self._meter.take(messages, octets)

    def _stop_before(self, blocked: Blocked | None) -> None:
        """Hold this side until what stands in the way is gone; where nothing does, until others have had their turn."""
        if isinstance(blocked, LimitExceeded):
            self.relay.exhausted(self, blocked.sentence)
            self._oddly(b"")
            return
        self._waiting_for = blocked.source if blocked else NEXT_TURN
        self.brake(RATE)
        self._waiting_for.hold(self._resume)

    def _resume(self) -> None:
        """The plan may let something pass again. Called by what held this side, so nothing may be raised."""
        self._waiting_for = None
        try:
            self._go_on()
            if self._waiting_for is None:
                self.release(RATE)
        except Exception:
            log.exception("A connection that its plan had held could not go on.")
            self.relay.abort()

    def _go_on(self) -> None:
        """Pass on more of what is held. Where only little of it may pass, the rest is not even looked at again."""
        size = len(self._held)
        if self._is_closing or self._meter.has_room(size // SHORTEST_FRAME + 1, size):
            self._oddly(b"")
        elif size:
            held, self._held = self._held, b""
            self._sift(held)

    def stop_waiting(self) -> None:
        """Whatever the plan says: nothing is going to be passed on, so what was held is only looked through."""
        if self._waiting_for is None:
            return
        self._waiting_for.forget(self._resume)
        self._waiting_for = None
        self.release(RATE)
        if self._held:
            asyncio.get_running_loop().call_soon(self._oddly, b"")

    def _gate(self) -> FrameLimiter:
        if self._limiter is None:
            may_skip = self.relay.options.may_skip(self.is_client)
            self._limiter = FrameLimiter(self.scanner, self._meter, may_skip=may_skip)
        return self._limiter

    def _pass(self, data: bytes, parts: Sequence[tuple[int, int]]) -> None:
        """Pass on these parts of `data`, without answers that are meant for the gateway."""
        staying = (control for control in self._controls if self._stays_here(control))
        pieces, control = [], next(staying, None)
        for start, stop in parts:
            while control is not None and control.start < stop:
                pieces.append(data[start : control.start])
                start, control = control.stop, next(staying, None)
            pieces.append(data[start:stop])
        if passing := b"".join(pieces):
            self._write(passing)

    def _stays_here(self, control: ControlFrame) -> bool:
        if control.opcode == frames.CLOSE:
            return self.other.verdict is not None
        return control.opcode == frames.PONG and control.payload == OUR_PING

    def _after(self, data: bytes, end: int) -> None:
        controls = self._controls
        last: ControlFrame | None = controls[-1] if controls else None
        controls.clear()
        if self.scanner.closed and last is not None:
            self._odd = True
            self.relay.closed(self, *frames.decode_close(last.payload))
        elif end < len(data):
            self._held = data[end:]
            self._odd = True

    @property
    def _is_closing(self) -> bool:
        return self.gone or self.muted or self.last_frame is not None

    @property
    def _is_skipping(self) -> bool:
        return self._limiter is not None and self._limiter.skipping

    # --- the end ----------------------------------------------------------------------------------------------

    @property
    def passed(self) -> tuple[int, int]:
        """Messages, and bytes of their payloads, that this side sent and that were let through."""
        scanner, gate = self.scanner, self._limiter
        if self._final is not None:
            return self._final
        if gate is None:
            return scanner.messages, scanner.octets
        return scanner.messages - gate.skipped, scanner.octets - gate.skipped_octets

    @property
    def inside_frame(self) -> bool:
        """What was passed on of this side ends in the middle of a frame: nothing of ours may follow it."""
        return bool(self.scanner.remaining) and not self._is_skipping

    @property
    def masked_out(self) -> bool:
        """Frames made here for this side are masked: to a backend the gateway is a client."""
        return not self.is_client

    @property
    def is_talking(self) -> bool:
        """What this side says is passed on, and more may come."""
        return not (self.muted or self.eof or self.gone or self.last_frame is not None)

    def say(self, frame: bytes) -> None:
        """Write a frame of the gateway's own. The caller knows that a frame may stand there."""
        if not self.gone:
            self.transport.write(frame)

    def shut(self) -> None:
        """Send nothing more, but read (and drop) on: closing over unread bytes would cost the peer our last ones."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def mute(self) -> None:
        """Pass on nothing more of what this side sends."""
        self._final = self.passed
        self.muted = True
        self._odd = True
        self.stop_waiting()

    def finish_frame_with(self, frame: bytes) -> None:
        """When the frame that is passing has passed, send `frame` to the other side and mute this one."""
        self.last_frame = frame
        self._odd = True

    def eof_received(self) -> bool:
        """Keep the way out open, so that what is still on its way to this side arrives."""
        self.eof = True
        self.relay.lost(self)
        return self.transport.can_write_eof() and not self.transport.is_closing()  # TLS knows no half of a connection

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone:
            self.gone = True
            self.other.unlink()
            self.relay.lost(self)

    def unlink(self) -> None:
        """The other side is gone: write to nobody."""
        self._write = discard

    def let_go(self) -> None:
        """After the end: no circles are left for the garbage collector."""
        self.relay = self.other = cast(Any, None)


class LegEvents(Protocol):
    """What a side tells the relay that it is a side of, see `gateway.relay.splice`."""

    options: RelayOptions

    def closed(self, leg: Leg, code: int | None, reason: str) -> None: ...

    def broken(self, leg: Leg, error: FrameError) -> None: ...

    def exhausted(self, leg: Leg, sentence: str) -> None: ...

    def lost(self, leg: Leg) -> None: ...

    def stalled(self, leg: Leg) -> None: ...

    def said_close(self, leg: Leg, frame: bytes) -> None: ...

    def abort(self) -> None: ...


class _NextTurn:
    """What a side that has been looked at for long waits for."""

    def hold(self, resume: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(resume)

    def forget(self, resume: Callable[[], None]) -> None:
        """It is called all the same, and finds nothing to do."""


NEXT_TURN = _NextTurn()
