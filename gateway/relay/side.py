"""One side of a relay, one module because its fast way and its slow ways share all of its state.

What its transport receives is scanned, metered and written to the other side's transport.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gateway import native
from gateway.close_codes import Close
from gateway.native import LegBase
from gateway.quotas.clock import clock as time
from gateway.quotas.meter import LimitExceeded, LimitSource, Meter
from gateway.relay import frames
from gateway.relay.frames import FrameError, FrameScanner
from gateway.relay.states import NEXT, CloseState, LegState
from gateway.relay.throttle import FrameLimiter
from gateway.relay.timer_wheel import TimerWheel, Watched
from gateway.relay.types import RelayOptions
from gateway.relay.writer import discard

BUFFER_FULL, RATE = 1, 2  # why a leg is not being read
SHORTEST_FRAME = 2  # bytes
LONGEST_READ = 256_000  # bytes that uvloop reads at most in one go; where it reads so many, it goes on reading at once
OUR_PING = os.urandom(8)  # tells the answers to our own pings from everybody else's

log = logging.getLogger("gateway.relay")


@dataclass(slots=True)
class Activity:
    """When a side was last heard of, was pinged without an answer yet, and ceased to take what is written (0: not)."""

    heard_at: float
    pinged_at: float = 0.0
    stalled_at: float = 0.0


class Leg(LegBase, asyncio.Protocol):
    """One side of a relay. `meter` says what may pass of what this side sends; `write` takes it to the `other` side.

    `state` says what becomes of what it sends, `closing` what it has been told of the end; all else that can be asked
    follows from these two and from the scanner. `pending` is the Close that is sent to it when the frame has passed, or
    the other side's Close has come, that has to come first. `code` is of the first Close that went either way, 1006
    when there was none at its end. `paused_for` are the reasons why it is not being read, as bits.
    """

    __slots__ = (
        "_final",
        "_held",
        "_limiter",
        "_stop_waiting",
        "activity",
        "closing",
        "code",
        "is_client",
        "other",
        "paused_for",
        "pending",
        "relay",
        "state",
        "transport",
        "write",
    )

    meter: Meter
    scanner: FrameScanner
    relay: LegEvents
    other: Leg

    def __init__(
        self, transport: asyncio.Transport, *, is_client: bool, options: RelayOptions, meter: Meter, now: float
    ) -> None:
        self.transport = transport
        self.is_client = is_client
        limit, frame = (options.limit, options.frame_limit) if is_client else (0, 0)
        self.scanner = FrameScanner(masked=is_client, rsv=options.rsv, limit=limit, frame=frame, awaited=OUR_PING)
        self.meter = meter
        self._limiter: FrameLimiter | None = None
        self.write: Callable[[bytes], None] = discard
        self._held = b""
        self._stop_waiting: Callable[[], object] | None = None  # where nothing more passes until `_resume`
        self._final: tuple[int, int] | None = None
        self.state = LegState.FLOWING
        self.flows = True
        self.closing = CloseState.OPEN
        self.pending: Close | None = None
        self.code = 0
        self.paused_for = 0
        self.heard = False  # since `activity` was last brought up to date
        self.activity = Activity(now)

    def splice(self) -> None:
        """From now on what may pass goes to the other side without coming up here, where the extension can do that.

        Call `native.unsplice` before `write` leads elsewhere.
        """
        native.splice(self, self.transport, self.other.transport)

    # --- the frame path: no log, no await, no allocation that grows -------------------------------------------

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self.passes(data):
            self.write(data)
            return
        if self.state:
            self._take_slow_way(data)
            return
        scanner = self.scanner
        before = (scanner.remaining, scanner.fragmented, scanner.size, scanner.messages, scanner.octets)
        try:
            end = scanner.feed(data)
        except FrameError:
            scanner.rewind(before)
            self._filter(data)
            return
        messages, octets = scanner.messages - before[3], scanner.octets - before[4]
        may_pass = self.meter.take(messages, octets)
        if not may_pass:  # perhaps it may, once the plan has been told the time
            self.meter.refresh(time())
            may_pass = self.meter.take(messages, octets)
        if not may_pass:
            scanner.rewind(before)
            self._filter(data)
        elif end == len(data) and not scanner.controls:
            self.write(data)
        elif end == len(data) and scanner.closed and len(scanner.controls) == 1 and not self.other.closing:
            self.write(data)  # with its Close, and no answer to a Ping of ours
            self._after(data, end)
        else:
            self._pass(data, [(0, end)])
            self._after(data, end)
        if len(data) >= LONGEST_READ and self.passes_on and self._stop_waiting is None:
            self._wait_for(None)

    def pause_writing(self) -> None:
        relay = self.relay
        self.activity.stalled_at = relay.loop.time()
        if relay.options.stall:
            relay.wheel.watch(relay, relay.options.stall)
        if self.other.state < LegState.IGNORED:
            self.other.pause_reading(BUFFER_FULL)

    def resume_writing(self) -> None:
        self.activity.stalled_at = 0.0
        self.other.resume_reading(BUFFER_FULL)

    def pause_reading(self, reason: int) -> None:
        """Stop reading from this side, for `reason` (a bit)."""
        if not self.paused_for and self.state is not LegState.GONE:
            self.transport.pause_reading()
        self.paused_for |= reason

    def resume_reading(self, reason: int) -> None:
        """Read again, once there is no reason left not to."""
        before, self.paused_for = self.paused_for, self.paused_for & ~reason
        if before and not self.paused_for and self.state < LegState.ENDED:
            self.transport.resume_reading()

    # --- the slower ways --------------------------------------------------------------------------------------

    def _take_slow_way(self, data: bytes) -> None:
        """Put what was held back in front, and take the way that is open."""
        if self._stop_waiting is not None:
            self._held += data
            return
        if self._held:
            data, self._held = self._held + data, b""
        if not data or self.state is LegState.GONE or self.scanner.closed:
            return
        if self.passes_on:
            if self.is_skipping:
                self._filter(data)
            else:
                self.enter(LegState.FLOWING)
                Leg.data_received(self, data)  # whoever looks at what comes has seen this when it came
            return
        if self.state is LegState.FINISHING:  # only the rest of the frame that is passing, and then our Close
            left = self.scanner.remaining
            self.write(data[:left])
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
            keeps_context = self.relay.options.keeps_context[0 if self.is_client else 1]
            self._limiter = FrameLimiter(self.scanner, self.meter, may_skip=not keeps_context)
        result = self._limiter.filter(data, time())
        self._pass(data, result.parts)
        if result.error:
            self.relay.broken(self, result.error)
        elif result.blocked is None and not result.is_cut:
            self.enter(LegState.HOLDING if self.is_skipping else LegState.FLOWING)
            self._after(data, result.end)
        else:
            self.scanner.controls.clear()
            self._held = data[result.end :]
            self.enter(LegState.HOLDING)
            if isinstance(result.blocked, LimitExceeded):
                self.relay.exhausted(self, result.blocked.sentence)
                self._take_slow_way(b"")
            else:
                self._wait_for(result.blocked.source if result.blocked else None)

    def _wait_for(self, source: LimitSource | None) -> None:
        """Hold this side until `source` lets it go on; without one, until other connections have had their turn."""
        self.enter(LegState.HOLDING)
        self.pause_reading(RATE)
        if source is None:
            self._stop_waiting = asyncio.get_running_loop().call_soon(self._resume).cancel
        else:
            self._stop_waiting = partial(source.waiting.pop, self._resume, None)
            source.hold(self._resume)

    def _resume(self) -> None:
        """The plan may let something pass again. Called by what held this side, so nothing may be raised."""
        self._stop_waiting = None
        try:
            size = len(self._held)
            if not self.passes_on or self.meter.has_room(size // SHORTEST_FRAME + 1, size):
                self._take_slow_way(b"")
            elif size:  # only a little of it may pass, so the rest is not even looked at again
                held, self._held = self._held, b""
                self._filter(held)
            if self._stop_waiting is None:
                self.resume_reading(RATE)
        except Exception:
            log.exception("A connection that its plan had held could not go on.")
            self.transport.abort()
            self.other.transport.abort()

    def _pass(self, data: bytes, parts: Sequence[tuple[int, int]]) -> None:
        """Pass on these parts of `data`, without answers that are meant for the gateway."""
        is_replacing = self.other.closing is CloseState.REPLACING  # its Close, by one of the gateway's
        staying = (
            control
            for control in self.scanner.controls
            if (control.opcode == frames.PONG and control.payload == OUR_PING)
            or (control.opcode == frames.CLOSE and is_replacing)
        )
        pieces, control = [], next(staying, None)
        for start, stop in parts:
            while control is not None and control.start < stop:
                pieces.append(data[start : control.start])
                start, control = control.stop, next(staying, None)
            pieces.append(data[start:stop])
        if passing := b"".join(pieces):
            self.write(passing)

    def _after(self, data: bytes, end: int) -> None:
        controls = self.scanner.controls
        last = controls[-1] if controls else None
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
        self.flows = not state  # else every chunk needs a closer look
        if was_passing and self._stop_waiting is not None:
            # Whatever the plan says: nothing is going to be passed on, so what was held is only looked through.
            self._stop_waiting()
            self._stop_waiting = None
            self.resume_reading(RATE)
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
        return bool(self.scanner.remaining) and not self.is_skipping

    @property
    def is_skipping(self) -> bool:
        """A message is being left out: the other side gets nothing of it."""
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

    def eof_received(self) -> bool:
        """Keep the way out open, so that what is still on its way to this side arrives."""
        self.relay.lost(self, LegState.ENDED)
        return self.transport.can_write_eof() and not self.transport.is_closing()  # TLS knows no half of a connection

    def take_over(self, told: tuple[float, bool, bool, bool, int, str]) -> None:
        """The engine has passed on this side's Close, and the relay goes on from there.

        When it came, whether the other side has answered it, whether client and backend are gone; its code and reason.
        """
        begun, is_answered, is_client_gone, is_backend_gone, code, reason = told
        relay = self.relay
        relay.take_over(self, begun, code, reason)
        if is_answered:
            relay.closed(self.other, code, reason)
        for leg, is_gone in ((relay.client, is_client_gone), (relay.backend, is_backend_gone)):
            if is_gone:
                leg.connection_lost(None)

    def over(self, told: tuple[int, str]) -> None:
        """Both sides have closed and are gone; this one's Close came first, with this code and reason."""
        self.relay.over(self, *told)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.state is not LegState.GONE:
            self.other.write = discard
            self.relay.lost(self, LegState.GONE)


class LegEvents(Watched, Protocol):
    """What a side tells the relay that it is a side of, see `gateway.relay.splice`."""

    options: RelayOptions
    loop: asyncio.AbstractEventLoop
    wheel: TimerWheel
    client: Leg
    backend: Leg

    @property
    def cause(self) -> object: ...

    def closed(self, leg: Leg, code: int | None, reason: str) -> None: ...

    def broken(self, leg: Leg, error: FrameError) -> None: ...

    def exhausted(self, leg: Leg, sentence: str) -> None: ...

    def lost(self, leg: Leg, state: LegState) -> None: ...

    def send_close(self, leg: Leg) -> None: ...

    def take_over(self, first: Leg, begun: float, code: int, reason: str) -> None: ...

    def over(self, first: Leg, code: int, reason: str) -> None: ...
