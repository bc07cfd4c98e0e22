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
from gateway.quotas.meter import LimitExceeded, LimitSource, Meter
from gateway.relay import frames
from gateway.relay.frames import ControlFrame, FrameError, FrameScanner
from gateway.relay.states import NEXT, CloseState, LegState
from gateway.relay.throttle import FrameLimiter
from gateway.relay.types import RelayOptions
from gateway.relay.writer import direct_write, discard

BUFFER_FULL, RATE = 1, 2  # why a leg is not being read
SHORTEST_FRAME = 2  # bytes
A_TURN = 256_000  # bytes that uvloop reads at most in one go; where it reads so many, it goes on reading at once
OUR_PING = os.urandom(8)  # tells the answers to our own pings from everybody else's

log = logging.getLogger("gateway.relay")


class Activity:
    """When a side was last heard of, was pinged without an answer yet, and ceased to take what is written (0: not)."""

    __slots__ = ("heard_at", "pinged_at", "stalled_at")

    def __init__(self, now: float) -> None:
        self.heard_at = now
        self.pinged_at = 0.0
        self.stalled_at = 0.0


class Leg(asyncio.Protocol):
    """One side of a relay, which `join` makes two of them. `meter` says what may pass of what this side sends.

    `state` says what becomes of what it sends, `closing` what it has been told of the end; all else that can be asked
    follows from these two and from the scanner. `pending` is the Close that is sent to it when the frame has passed, or
    the other side's Close has come, that has to come first. `code` is of the first Close that went either way, 1006
    when there was none at its end.
    """

    __slots__ = (
        "_final",
        "_held",
        "_limiter",
        "_meter",
        "_plain",
        "_waiting_for",
        "_write",
        "activity",
        "brakes",
        "closing",
        "code",
        "heard",
        "is_client",
        "other",
        "pending",
        "relay",
        "scanner",
        "state",
        "transport",
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
        self._plain: Callable[[bytes], int] = self.scanner.plain
        self._meter = meter
        self._limiter: FrameLimiter | None = None
        self._write: Callable[[bytes], None] = discard
        self._held = b""
        self._waiting_for: LimitSource | _NextTurn | None = None  # nothing more of this side passes until it resumes
        self._final: tuple[int, int] | None = None
        self.state = LegState.FLOWING
        self.closing = CloseState.OPEN
        self.pending: Close | None = None
        self.code = 0
        self.brakes = 0
        self.heard = False  # since `activity` was last brought up to date
        self.activity = Activity(now)

    def join(self, relay: LegEvents, other: Leg) -> None:
        """Begin to pass on to `other`."""
        self.relay = relay
        self.other = other
        self._write = direct_write(other.transport)

    # --- the frame path: no log, no await, no allocation that grows -------------------------------------------

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if messages := self._plain(data):  # never, unless the state is FLOWING
            scanner = self.scanner
            octets = len(data) - messages * scanner.overhead
            if self._meter.take(messages, octets):
                scanner.messages += messages
                scanner.octets += octets
                self._write(data)
                return
        if self.state:
            self._take_slow_way(data)
        else:
            self._walk(data)

    def _walk(self, data: bytes) -> None:
        scanner = self.scanner
        before = (scanner.remaining, scanner.fragmented, scanner.size, scanner.messages, scanner.octets)
        try:
            end = scanner.feed(data)
        except FrameError:
            scanner.rewind(before)
            self._filter(data)
            return
        messages, octets = scanner.messages - before[3], scanner.octets - before[4]
        if not self._meter.take(messages, octets) and not self._take_by_now(messages, octets):
            scanner.rewind(before)
            self._filter(data)
        elif end == len(data) and not scanner.controls:
            self._write(data)
        else:
            self._pass(data, [(0, end)])
            self._after(data, end)
        if len(data) >= A_TURN and self.passes_on and self._waiting_for is None:
            self._wait_for(NEXT_TURN)

    def pause_writing(self) -> None:
        self.relay.stalled(self)
        if self.other.state < LegState.IGNORED:
            self.other.brake(BUFFER_FULL)

    def resume_writing(self) -> None:
        self.activity.stalled_at = 0.0
        self.other.release(BUFFER_FULL)

    def brake(self, reason: int) -> None:
        """Stop reading from this side, for `reason` (a bit)."""
        if not self.brakes and self.state is not LegState.GONE:
            self.transport.pause_reading()
        self.brakes |= reason

    def release(self, reason: int) -> None:
        """Read again, once there is no reason left not to."""
        before, self.brakes = self.brakes, self.brakes & ~reason
        if before and not self.brakes and self.state < LegState.ENDED:
            self.transport.resume_reading()

    # --- the slower ways --------------------------------------------------------------------------------------

    def _take_slow_way(self, data: bytes) -> None:
        """Put what was held back in front, and take the way that is open."""
        if self._waiting_for is not None:
            self._held += data
            return
        if self._held:
            data, self._held = self._held + data, b""
        if not data or self.state is LegState.GONE or self.scanner.closed:
            return
        if not self.passes_on:
            self._look_for_close(data)
        elif self._is_skipping:
            self._filter(data)
        else:
            self.enter(LegState.FLOWING)
            self.data_received(data)

    def _look_for_close(self, data: bytes) -> None:
        """Nothing more is passed on, but for the frame that is passing when a Close of ours waits behind it."""
        if self.state is LegState.FINISHING:
            left = self.scanner.remaining
            self._write(data[:left])
            if len(data) >= left:
                self.enter(LegState.IGNORED)
                self.relay.send_close(self.other)
        try:
            end = self.scanner.feed(data)
        except FrameError as error:
            self.relay.broken(self, error)
        else:
            self._after(data, end)

    def _filter(self, data: bytes) -> None:
        """Pass on what the plan and the protocol allow, frame by frame; the scanner stands where `data` begins."""
        if self._limiter is None:
            may_skip = self.relay.options.may_skip(self.is_client)
            self._limiter = FrameLimiter(self.scanner, self._meter, may_skip=may_skip)
        result = self._limiter.filter(data, time())
        self._pass(data, result.parts)
        if result.error:
            self.relay.broken(self, result.error)
        elif result.blocked is None and not result.is_cut:
            self.enter(LegState.HOLDING if self._is_skipping else LegState.FLOWING)
            self._after(data, result.end)
        else:
            self.scanner.controls.clear()
            self._held = data[result.end :]
            self.enter(LegState.HOLDING)
            if isinstance(result.blocked, LimitExceeded):
                self.relay.exhausted(self, result.blocked.sentence)
                self._take_slow_way(b"")
            else:
                self._wait_for(result.blocked.source if result.blocked else NEXT_TURN)

    def _take_by_now(self, messages: int, octets: int) -> bool:
        """Whether the plan lets it pass after all, now that it has been told the time."""
        self._meter.refresh(time())
        return self._meter.take(messages, octets)

    def _wait_for(self, source: LimitSource | _NextTurn) -> None:
        """Hold this side until `source` lets it go on; `NEXT_TURN` does when other connections have had theirs."""
        self.enter(LegState.HOLDING)
        self._waiting_for = source
        self.brake(RATE)
        source.hold(self._resume)

    def _resume(self) -> None:
        """The plan may let something pass again. Called by what held this side, so nothing may be raised."""
        self._waiting_for = None
        try:
            size = len(self._held)
            if not self.passes_on or self._meter.has_room(size // SHORTEST_FRAME + 1, size):
                self._take_slow_way(b"")
            elif size:  # only a little of it may pass, so the rest is not even looked at again
                held, self._held = self._held, b""
                self._filter(held)
            if self._waiting_for is None:
                self.release(RATE)
        except Exception:
            log.exception("A connection that its plan had held could not go on.")
            self.relay.abort()

    def _pass(self, data: bytes, parts: Sequence[tuple[int, int]]) -> None:
        """Pass on these parts of `data`, without answers that are meant for the gateway."""
        staying = (control for control in self.scanner.controls if self._stays_here(control))
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
            return self.other.closing is CloseState.REPLACING
        return control.opcode == frames.PONG and control.payload == OUR_PING

    def _after(self, data: bytes, end: int) -> None:
        controls = self.scanner.controls
        last: ControlFrame | None = controls[-1] if controls else None
        controls.clear()
        if self.scanner.closed and last is not None:
            self.relay.closed(self, *frames.decode_close(last.payload))
        elif end < len(data):
            self._held = data[end:]
            self.enter(LegState.HOLDING)

    # --- the end ----------------------------------------------------------------------------------------------

    def enter(self, state: LegState) -> None:
        """Go on to `state` where the table leads there. What comes too late, or again, changes nothing."""
        if state not in NEXT[self.state]:
            return
        was_passing = self.state < LegState.IGNORED <= state
        if was_passing:
            self._final = self.passed
        self.state = state
        self._plain = _nothing_is_plain if state else self.scanner.plain
        if was_passing and self._waiting_for is not None:
            # Whatever the plan says: nothing is going to be passed on, so what was held is only looked through.
            self._waiting_for.forget(self._resume)
            self._waiting_for = None
            self.release(RATE)
            if self._held:
                asyncio.get_running_loop().call_soon(self._take_slow_way, b"")

    @property
    def passes_on(self) -> bool:
        """What this side says is passed on, and more may come."""
        return self.state < LegState.FINISHING

    @property
    def is_cut(self) -> bool:
        """The other side has had part of a frame of this one and still gets the rest: no frame of ours may follow."""
        return self.inside_frame and self.state < LegState.IGNORED

    @property
    def inside_frame(self) -> bool:
        """What was passed on of this side ends in the middle of a frame."""
        return bool(self.scanner.remaining) and not self._is_skipping

    @property
    def _is_skipping(self) -> bool:
        return self._limiter is not None and self._limiter.skipping

    @property
    def passed(self) -> tuple[int, int]:
        """Messages, and bytes of their payloads, that this side sent and that were let through."""
        scanner, limiter = self.scanner, self._limiter
        if self._final is not None:
            return self._final
        if limiter is None:
            return scanner.messages, scanner.octets
        return scanner.messages - limiter.skipped, scanner.octets - limiter.skipped_octets

    def write_own(self, frame: bytes) -> None:
        """Write a frame of the gateway's own. The caller knows that a frame may stand there."""
        if self.state is not LegState.GONE:
            self.transport.write(frame)

    def shut(self) -> None:
        """Send nothing more, but read (and drop) on: closing over unread bytes would cost the peer our last ones."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def eof_received(self) -> bool:
        """Keep the way out open, so that what is still on its way to this side arrives."""
        self.relay.lost(self, LegState.ENDED)
        return self.transport.can_write_eof() and not self.transport.is_closing()  # TLS knows no half of a connection

    def connection_lost(self, exc: Exception | None) -> None:
        if self.state is not LegState.GONE:
            self.other.unlink()
            self.relay.lost(self, LegState.GONE)

    def unlink(self) -> None:
        """The other side is gone: write to nobody."""
        self._write = discard

    def let_go(self) -> None:
        """After the end: no circles are left for the garbage collector."""
        self.relay = self.other = cast(Any, None)


def _nothing_is_plain(data: bytes) -> int:
    """Stands in for the quick look at a chunk where a closer one is needed."""
    return 0


class LegEvents(Protocol):
    """What a side tells the relay that it is a side of, see `gateway.relay.splice`."""

    options: RelayOptions

    def closed(self, leg: Leg, code: int | None, reason: str) -> None: ...

    def broken(self, leg: Leg, error: FrameError) -> None: ...

    def exhausted(self, leg: Leg, sentence: str) -> None: ...

    def lost(self, leg: Leg, state: LegState) -> None: ...

    def stalled(self, leg: Leg) -> None: ...

    def send_close(self, leg: Leg) -> None: ...

    def abort(self) -> None: ...


class _NextTurn:
    """What a side that has been looked at for long waits for."""

    def hold(self, resume: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(resume)

    def forget(self, resume: Callable[[], None]) -> None:
        """It is called all the same, and finds nothing to do."""


NEXT_TURN = _NextTurn()
