"""What of a chunk may pass, frame by frame: the slow way, for when `Meter.take` has said no. Pure.

The relay's use of it, for one direction (see the simulated relay in the tests):

    before = scanner.remaining, scanner.fragmented, scanner.size, scanner.messages, scanner.octets
    end = scanner.feed(data)
    if not limiter.skipping and meter.take(scanner.messages - before[3], scanner.octets - before[4]):
        pass on data[:end]                                  # the fast way, nearly always
    else:
        scanner.rewind(before)
        result = limiter.filter(data, now)
        pass on the parts; keep data[result.end:]; close on `error` or `LimitExceeded`; else
        `result.blocked.source.hold(resume)`

A FrameError from `feed` with `offset` above 0 goes the slow way too. When `resume` is called, or more data has come in
front of which something was kept, the same is done with what was kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.quotas.meter import Blocked, LimitExceeded, Meter
from gateway.relay.frames import MASKED, MAXIMUM_CONTROL, FrameError, FrameScanner, Mark
from publisher.plan_terms import ExceededAction

MOST_FRAMES: Final = 2000
"""At once: a few milliseconds, for a client that only sends what is left out must not keep others from their turn."""


class FilterResult(NamedTuple):
    """What becomes of a chunk: `parts` (start, stop) of it pass on; `end` bytes of it are dealt with.

    `blocked` is what stands before the next message: `LimitExceeded` closes the connection, `Wait` and `Renew` hold it.
    Without one, what lies beyond `end` is part of a header, or, where it `is_cut`, is to be filtered when other
    connections have had their turn. `error` is what the scanner said of the bytes at `end`.
    """

    parts: list[tuple[int, int]]
    end: int
    blocked: Blocked | None = None
    error: FrameError | None = None
    is_cut: bool = False


@dataclass(eq=False, repr=False, slots=True)
class FrameLimiter:
    """One direction of one connection, where its plan makes it slow down, skip messages or end.

    `skipping`: the message that the scanner stands in is being left out, so the next chunk goes the slow way too, and
    what was passed on ends with a whole message, wherever the scanner stands. `skipped` and `skipped_octets` count what
    was left out: take them off the scanner's totals. `may_skip` must be False where messages are compressed with
    context takeover (RFC 7692 §7.1.1): there each is needed to read the next, so it closes instead of dropping.
    """

    scanner: FrameScanner
    meter: Meter
    may_skip: bool = True
    skipping: bool = field(default=False, init=False)
    skipped: int = field(default=0, init=False)
    skipped_octets: int = field(default=0, init=False)

    def filter(self, data: bytes, now: float) -> FilterResult:
        """Read `data` frame by frame; the scanner must stand where it stood before it."""
        scanner, parts = self.scanner, list[tuple[int, int]]()
        self.meter.refresh(now)
        at, left = self._payload(data, 0, parts), MOST_FRAMES
        while at < len(data) and not scanner.closed:
            if not left:
                return FilterResult(parts, at, is_cut=True)
            left -= 1
            before = (scanner.remaining, scanner.fragmented, scanner.size, scanner.messages, scanner.octets)
            controls = len(scanner.controls)
            head = _head(data, at)
            try:
                if not scanner.feed(data[at : at + head]):
                    break
            except FrameError as error:
                return FilterResult(parts, at, error=error)
            if len(scanner.controls) > controls:
                scanner.controls[-1] = scanner.controls[-1]._replace(start=at, stop=at + head)
            blocked = None if data[at] & _CONTROL else self._charge(before, now)
            if blocked is not None:
                passed = scanner.controls[:]
                scanner.rewind(before)
                scanner.controls += passed
                return FilterResult(parts, at, blocked)
            if not self.skipping or data[at] & _CONTROL:
                _extend(parts, at, at + head)
            at = self._payload(data, at + head, parts)
        return FilterResult(parts, at)

    def _payload(self, data: bytes, at: int, parts: list[tuple[int, int]]) -> int:
        """Walk over what `data` holds of the present payload, which begins at `at`; where it ends."""
        scanner = self.scanner
        stop = min(at + scanner.remaining, len(data))
        scanner.remaining -= stop - at
        if not self.skipping and stop > at:
            _extend(parts, at, stop)
        if not scanner.remaining and not scanner.fragmented:
            self.skipping = False
        return stop

    def _charge(self, before: Mark, now: float) -> Blocked | None:
        """Draw the data frame that the scanner has read since `before`, or decide to skip it, or say why not."""
        begins, octets = self.scanner.messages - before[3], self.scanner.octets - before[4]
        if not begins and self.skipping:
            self.skipped_octets += octets
            return None
        while not self.meter.take(begins, octets):
            blocked = self.meter.blocked(begins, octets, now)
            if isinstance(blocked, LimitExceeded) and blocked.action is ExceededAction.DROP:
                if not begins or not self.may_skip:  # one that has begun to pass cannot be taken back
                    return blocked._replace(action=ExceededAction.CLOSE)
                self.skipping = True
                self.skipped += 1
                self.skipped_octets += octets
                return None
            if blocked is not None:
                return blocked
        return None


_CONTROL = 0x08


def _head(data: bytes, at: int) -> int:
    """How long the header at `at` is, without the mask; of a control frame, all of it. It may not be whole yet."""
    if at + 1 >= len(data):
        return 1
    length = data[at + 1] & 0x7F
    if data[at] & _CONTROL:
        return 2 + (4 if data[at + 1] & MASKED else 0) + min(length, MAXIMUM_CONTROL)
    return {126: 4, 127: 10}.get(length, 2)


def _extend(parts: list[tuple[int, int]], start: int, stop: int) -> None:
    """Add a range to `parts`, in one piece with the last where they touch."""
    if parts and parts[-1][1] == start:
        parts[-1] = (parts[-1][0], stop)
    else:
        parts.append((start, stop))
