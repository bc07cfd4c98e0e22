"""Two transports spliced, in one module because the states of a closing connection are one subject.

What a client sends goes to its backend and back, byte for byte, at the speed of the sockets.
A `Relay` owns both transports from the moment it is made. Each has a `Leg` (`gateway.relay.side`), an asyncio protocol
that scans the frames it receives and writes them to the other. The relay adds what a plain pipe has not: Close and Ping
frames between frames, an honest Close to one side when the other is lost, limits on silence, age and slowness, and an
end that waits for both closing handshakes, but not for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

from gateway import close_codes, native
from gateway.close_codes import Close
from gateway.quotas.meter import FREE, Meter
from gateway.relay import frames
from gateway.relay.frames import FrameError
from gateway.relay.graceful_close import GracefulClose
from gateway.relay.side import BUFFER_FULL, OUR_PING, RATE, Leg
from gateway.relay.states import CloseState, LegState
from gateway.relay.timer_wheel import TimerWheel
from gateway.relay.types import CloseInfo, RelayOptions, Traffic
from gateway.relay.writer import direct_write

HIGH_WATER, LOW_WATER = 64 * 1024, 16 * 1024  # bytes waiting in one leg's write buffer


class CloseCause(NamedTuple):
    """How a relay ended. `by` is client, backend or gateway; 1005 and 1006 as RFC 6455 §7.1.5 has them."""

    by: str
    code: int
    reason: str


class Relay:
    """A client and a backend, joined. Made by the protocol that held the client; ended by either side or by `close`.

    `meters` are what the client's messages draw from and what the backend's do, out of the plans of the connection.
    `on_end(relay)` is called once, when both transports are gone. Totals and `cause` are then final. `make_leg` makes
    each of its sides.
    """

    __slots__ = (
        "_cause",
        "_closing_at",
        "_graceful_close",
        "_on_end",
        "backend",
        "client",
        "due",
        "loop",
        "options",
        "started_at",
        "wheel",
    )

    def __init__(
        self,
        client: asyncio.Transport,
        backend: asyncio.Transport,
        *,
        options: RelayOptions,
        wheel: TimerWheel,
        loop: asyncio.AbstractEventLoop,
        meters: tuple[Meter, Meter] = (FREE, FREE),
        on_end: Callable[[Relay], None],
        make_leg: Callable[..., Leg] = Leg,
    ) -> None:
        now = loop.time()
        self.loop = loop
        self.wheel = wheel
        self._on_end = on_end
        self._closing_at = 0.0
        self._graceful_close: GracefulClose | None = None
        self.options = options
        self.due = 0
        self.started_at = now
        self._cause: CloseCause | None = None
        self.client = make_leg(client, is_client=True, options=options, meter=meters[0], now=now)
        self.backend = make_leg(backend, is_client=False, options=options, meter=meters[1], now=now)
        for leg, other in ((self.client, self.backend), (self.backend, self.client)):
            leg.relay, leg.other, leg.write = self, other, direct_write(other.transport)

    def start(self, from_client: bytes = b"", from_backend: bytes = b"") -> None:
        """Take the transports over. What either side sent with its handshake goes first."""
        for leg in (self.client, self.backend):
            leg.transport.set_protocol(leg)
            if leg.transport.is_closing():
                self.loop.call_soon(leg.connection_lost, None)
            else:
                leg.transport.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)
        if from_backend:
            self.backend.data_received(from_backend)
        if from_client:
            self.client.data_received(from_client)
        for leg in (self.client, self.backend):
            leg.splice()
            if not leg.paused_for and not leg.transport.is_closing():
                leg.transport.resume_reading()
        if (delay := self._next_look(self.started_at)) is not None:
            self.wheel.watch(self, delay)

    @property
    def cause(self) -> CloseCause | None:
        """Why it ends, None while it does not. Who asks has the relay see to the end itself, if the engine did."""
        if self.client.is_ahead:
            native.take_over(self.client.transport)
        return self._cause

    @property
    def seconds(self) -> float:
        """How long it has been open."""
        return self.loop.time() - self.started_at

    def close(self, code: int, reason: str) -> None:
        """End it: the client gets this code and reason, the backend 1001. Does nothing when it is ending already."""
        if self.cause is None:
            self.leave(code, reason)
            self.finish()

    def leave(self, code: int, reason: str) -> None:
        """End it as `close` does, but let the backend still have what the client sends before it answers.

        A client that does not answer in time is given up by `finish`.
        """
        if self.cause is None:
            self._end("gateway", code, reason)
            self._queue_close(self.client, Close(code, reason, close_codes.Reconnect.MAYBE))

    def retire(self, code: int, reason: str, seconds: float) -> None:
        """End it as `leave` does, once the client has had the answers to what was passed on, or after so long.

        What it asks after it has had all of them is not passed on any more: nobody could answer.
        """
        if self.cause is None and self._graceful_close is None:
            self._graceful_close = GracefulClose(self.client, self.backend, partial(self.leave, code, reason), seconds)

    def finish(self) -> None:
        """Wait no longer for the client's answer: tell the backend too."""
        native.take_over(self.client.transport)
        self._queue_close(self.backend, close_codes.GATEWAY_CLOSED)

    def limit_messages(self, octets: int | None, frame: int | None = None) -> None:
        """From now on the client's messages and frames may be so long, in bytes as sent; None: as long as it likes."""
        self.client.scanner.limit(octets or 0, frame or 0)

    def traffic(self) -> Traffic:
        """What has come from either side so far."""
        return Traffic(*self.client.passed, *self.backend.passed)

    def waits(self) -> str:
        """What keeps one of the sides from being read: `plan`, `backpressure` of the other side, or nothing."""
        paused = self.client.paused_for | self.backend.paused_for
        return "plan" if paused & RATE else "backpressure" if paused & BUFFER_FULL else ""

    def close_info(self) -> CloseInfo:
        """How it ended; final once `on_end` is called."""
        cause = self.cause or CloseCause("gateway", 1006, "")
        return CloseInfo(cause.by, self.client.code or 1006, self.backend.code or 1006, cause.reason)

    def abort(self) -> None:
        """Cut both connections now."""
        for leg in (self.client, self.backend):
            if leg.state is not LegState.GONE:
                leg.transport.abort()

    # --- what the legs report ---------------------------------------------------------------------------------

    def closed(self, leg: Leg, code: int | None, reason: str) -> None:
        """A Close came from `leg` (and has been passed on, unless nothing of it is)."""
        self._end("client" if leg.is_client else "backend", 1005 if code is None else code, reason)
        other = leg.other
        leg.code = leg.code or code or 1005
        if other.closing is CloseState.REPLACING and other.pending:
            self._queue_close(other, other.pending)
        elif leg.passes_on:
            other.closing = CloseState.SENT
            other.code = other.code or code or 1005
        leg.enter(LegState.IGNORED)
        leg.resume_reading(BUFFER_FULL | RATE)
        if other.state is LegState.GONE and leg.closing is not CloseState.SENT:
            self._queue_close(leg, self._echo())
        self._settle()

    def broken(self, leg: Leg, error: FrameError) -> None:
        """`leg` broke the protocol: it is told so, and the other side that it is gone.

        It first gets what the other side has to say before its answer: all that came before the fault is in order.
        """
        leg.scanner.controls.clear()
        self._end("gateway", error.code, error.reason)
        self._queue_close(leg.other, close_codes.CLIENT_GONE if leg.is_client else close_codes.BACKEND_BROKE_PROTOCOL)
        leg.enter(LegState.BROKEN)
        leg.scanner.closed = True  # where its next frame begins is unknown, so its Close cannot be found either
        protocol_error = Close(error.code, error.reason, close_codes.Reconnect.NO)
        if leg.other.passes_on and leg.closing is not CloseState.SENT:
            leg.closing, leg.pending = CloseState.REPLACING, protocol_error
        else:
            self._queue_close(leg, protocol_error)
        self._settle()

    def exhausted(self, leg: Leg, sentence: str) -> None:
        """The plan lets nothing more of `leg` pass, and ends the connection; `sentence` says which limit it was."""
        if self.cause is None:
            self.close(close_codes.PLAN_EXHAUSTED.code, sentence)
        else:
            self._queue_close(leg.other, close_codes.GATEWAY_CLOSED if leg.is_client else self._echo())
        leg.enter(LegState.IGNORED)

    def lost(self, leg: Leg, state: LegState) -> None:
        """`leg` sends nothing more (ENDED), or is gone altogether (GONE)."""
        other, is_cut = leg.other, leg.is_cut
        leg.enter(state)
        leg.code = leg.code or 1006
        self._end("client" if leg.is_client else "backend", 1006, "")
        if is_cut and other.closing is not CloseState.SENT:
            self._hang_up(other)  # in the middle of a frame nothing else can be said
        else:
            lost = close_codes.CLIENT_GONE if leg.is_client else close_codes.BACKEND_LOST
            self._queue_close(other, other.pending or lost)
        if state is LegState.GONE:
            other.enter(LegState.IGNORED)
            other.resume_reading(BUFFER_FULL | RATE)
        self._settle()

    def take_over(self, first: Leg, begun: float, code: int, reason: str) -> None:
        """A Close came from `first`, and the engine has seen to what followed until now."""
        self.closed(first, code, reason)
        self._closing_at = begun + self.options.handshake
        self.wheel.watch(self, max(0.0, self._closing_at - self.loop.time()))

    def over(self, first: Leg, code: int, reason: str) -> None:
        """The same, until both sides were gone."""
        self._end("client" if first.is_client else "backend", code, reason, is_over=True)
        for leg in (first, first.other):
            leg.state, leg.closing, leg.code = LegState.GONE, CloseState.SENT, code
        self._leave_all()

    # --- closing ----------------------------------------------------------------------------------------------

    def _end(self, by: str, code: int, reason: str, *, is_over: bool = False) -> None:
        """The first reason to end is the one that is remembered; the clock of the closing handshake starts."""
        if self.cause is None:
            if self._graceful_close:
                self._graceful_close.over()
                self._graceful_close = None
            self._cause = CloseCause(by, code, reason)
            if not is_over:
                self._closing_at = self.loop.time() + self.options.handshake
                self.wheel.watch(self, self.options.handshake)

    def _queue_close(self, leg: Leg, close: Close) -> None:
        """Send a Close to `leg` at the next place where a frame may stand, and pass nothing on to it after that."""
        if leg.closing is CloseState.SENT or leg.state is LegState.GONE:
            return
        leg.code = leg.code or close.code
        leg.pending = close
        if leg.other.is_cut:
            leg.other.enter(LegState.FINISHING)
        else:
            leg.other.enter(LegState.IGNORED)
            self.send_close(leg)

    def send_close(self, leg: Leg) -> None:
        """Write the pending Close to `leg`. What its other side sends from now on is only read for the Close in it."""
        close = leg.pending or close_codes.GATEWAY_CLOSED
        if leg.state is not LegState.GONE:  # masked for a backend, to which the gateway is a client
            leg.transport.write(frames.encode_close(close.code, close.reason, masked=not leg.is_client))
        leg.closing = CloseState.SENT
        leg.other.resume_reading(BUFFER_FULL | RATE)
        self._settle()

    def _settle(self) -> None:
        """Close each transport whose closing handshake is done. The server's side closes first (RFC 6455 §7.1.1)."""
        client, backend = self.client, self.backend
        for leg in (client, backend):
            state = leg.state
            if leg.closing is not CloseState.SENT or state is LegState.GONE or leg.transport.is_closing():
                continue
            if state is LegState.BROKEN and leg.transport.can_write_eof():
                leg.transport.write_eof()  # and read on: closing over unread bytes would cost the peer our last ones
            elif state >= LegState.BROKEN or (leg.is_client and leg.scanner.closed):
                leg.transport.close()
        if client.state is backend.state is LegState.GONE:
            self._leave_all()

    def _leave_all(self) -> None:
        on_end, self._on_end = self._on_end, lambda relay: None
        self.wheel.forget(self)
        on_end(self)
        for leg in (self.client, self.backend):  # no circles are left for the garbage collector
            leg.relay = leg.other = cast(Any, None)

    def _echo(self) -> Close:
        """An answer to a Close whose own answer did not come."""
        code = self.cause.code if self.cause and frames.is_sendable(self.cause.code) else close_codes.GOING_AWAY.code
        return Close(code, "", close_codes.Reconnect.MAYBE)

    def _hang_up(self, leg: Leg) -> None:
        """Close the connection after what is buffered, without a Close frame."""
        leg.closing = CloseState.SENT
        leg.code = leg.code or 1006
        leg.other.enter(LegState.IGNORED)
        if leg.state is not LegState.GONE and not leg.transport.is_closing():
            leg.transport.close()

    # --- the clock --------------------------------------------------------------------------------------------

    def look(self, now: float) -> float | None:
        """Called by the wheel: pings, time limits, and the end of patience."""
        if self.client.state is self.backend.state is LegState.GONE:
            return None
        if self.cause:
            return self._look_at_closing(now)
        self._look_at_limits(now)
        interval = self.options.ping_interval
        for leg in (self.client, self.backend) if interval and not self.cause else ():
            activity = leg.activity
            if leg.paused_for or activity.stalled_at or now - activity.heard_at < interval:
                continue
            if activity.pinged_at and now - activity.pinged_at >= interval:
                self._end("gateway", 1006, "The client stopped answering." if leg.is_client else "")
                self._queue_close(leg.other, close_codes.CLIENT_GONE if leg.is_client else close_codes.BACKEND_SILENT)
                leg.transport.abort()
            elif not activity.pinged_at and not leg.other.inside_frame:
                activity.pinged_at = now
                leg.transport.write(frames.encode_control(frames.PING, OUR_PING, masked=not leg.is_client))
        return self.options.handshake if self.cause else self._next_look(now)

    def _next_look(self, now: float) -> float | None:
        options = self.options
        delays = [options.ping_interval / 4, options.idle_timeout / 4]
        if options.maximum_duration:
            delays.append(max(self.started_at + options.maximum_duration - now, self.wheel.tick))
        if self.client.activity.stalled_at or self.backend.activity.stalled_at:
            delays.append(options.stall / 4)
        return min(filter(None, delays), default=None)

    def _look_at_limits(self, now: float) -> None:
        options = self.options
        for leg in (self.client, self.backend):
            activity = leg.activity
            if leg.paused_for & RATE:  # it has something to say, and its plan lets it wait
                leg.heard, activity.heard_at = True, now
            elif leg.heard:
                leg.heard, activity.heard_at, activity.pinged_at = False, now, 0.0
            if activity.stalled_at and options.stall and now - activity.stalled_at >= options.stall:
                self._end("gateway", close_codes.TOO_SLOW.code, close_codes.TOO_SLOW.reason)
                if leg.other.inside_frame and leg.other.scanner.remaining > HIGH_WATER:
                    self._hang_up(leg)
                else:
                    self._queue_close(leg, close_codes.TOO_SLOW)
                    leg.other.resume_reading(BUFFER_FULL)  # for the rest of the frame that is passing
                slow = close_codes.CLIENT_GONE if leg.is_client else close_codes.BACKEND_SLOW
                return self._queue_close(leg.other, slow)
        if options.maximum_duration and now - self.started_at >= options.maximum_duration:
            return self.close(close_codes.TOO_OLD.code, close_codes.TOO_OLD.reason)
        heard_at = max(self.client.activity.heard_at, self.backend.activity.heard_at)
        if options.idle_timeout and now - heard_at >= options.idle_timeout:
            return self.close(close_codes.IDLE.code, close_codes.IDLE.reason)
        return None

    def _look_at_closing(self, now: float) -> float | None:
        """Past the time for the closing handshake: hang up once, and cut what is still there after as long again."""
        late = now - self._closing_at
        if late < 0:
            return -late
        living = [leg for leg in (self.client, self.backend) if leg.state is not LegState.GONE]
        if late >= self.options.handshake:
            self.abort()
            return self.options.handshake
        for leg in living:
            may_speak = not leg.other.inside_frame
            if leg.closing is CloseState.REPLACING and leg.pending and may_speak:
                self._queue_close(leg, leg.pending)
                continue  # it may still be sending, and is to read why it should not
            if leg.scanner.closed and may_speak:
                self._queue_close(leg, self._echo())
            self._hang_up(leg)
        return self.options.handshake
