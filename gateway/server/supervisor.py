"""Child processes kept alive: start, restart with back-off, renew, and stop together. Knows nothing of what they do.

`Supervisor([Child("portal", [sys.executable, "manage.py", "portal"]), ...]).run()` blocks until SIGTERM or SIGINT
and returns the exit code for `sys.exit`. A child is a command line (its own interpreter) or a callable (a fork of this
process: make no threads, loops or database connections before `run`).
"""

from __future__ import annotations

import math
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from types import FrameType

from gateway.server.processes import ASKED, Child, Handle, ending, send, spawn

LOOK_SECONDS, CALM_SECONDS = 0.1, 10.0  # between two looks at children of whom something is awaited, or nothing
STARTING_SECONDS = 30.0  # for a new process to say that it works
MISSING_SECONDS = 2.0  # for one in place of a process that has died


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a dead child stays dead, in seconds. One that ran for `healthy` starts again from `initial`."""

    initial: float = 0.1
    factor: float = 2.0
    maximum: float = 10.0
    healthy: float = 10.0

    def delay(self, failures: int) -> float:
        """The pause before the next start, after `failures` deaths in a row."""
        return float(min(self.initial * self.factor ** min(max(failures - 1, 0), 64), self.maximum))


class Supervisor:
    """Keeps `children` running until a signal, then stops them all.

    A child that ends by itself is started again after the back-off. One that fails (exit code not 0) within `settle`
    seconds of its very first start cannot work at all, a port in use for example: it has said why, so everything is
    stopped and `run` returns 1. `say` is called with one sentence per event; `on_start` with each child's name and
    process id; `on_stop` once, before the children are told to stop; `on_missing` with the name of a child that has
    died and whose successor does not say that it works within `MISSING_SECONDS`.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        backoff: Backoff | None = None,
        grace: float = 10.0,
        settle: float = 3.0,
        say: Callable[[str], None] | None = None,
        on_start: Callable[[str, int], None] | None = None,
        on_stop: Callable[[], None] | None = None,
        on_missing: Callable[[str], None] | None = None,
    ) -> None:
        self._backoff = backoff or Backoff()
        self._settle = settle
        self._say = say or (lambda sentence: print(sentence, file=sys.stderr, flush=True))  # noqa: T201
        self._on_start = on_start or (lambda name, pid: None)
        self._on_stop = on_stop or (lambda: None)
        self._on_missing = on_missing or (lambda name: None)
        self._slots = [_Slot(child, grace if child.grace is None else child.grace) for child in children]
        # Ends a wait early. A pipe, because a lock could be held by the very code that a signal handler interrupts.
        self._alarm, self._bell = socket.socketpair()
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._stopping = False
        self._code = 0

    def run(self, *, renew_on: signal.Signals | None = None) -> int:
        """Starts the children, watches them, stops them on SIGTERM, SIGINT or `stop()`. Once, in the main thread.

        On the signal `renew_on` each child that can be is replaced: new processes are started one after the other, and
        when all of them say that they work the old ones are told to stop. So nobody who is asked to go by an old one
        comes to another old one, and has to go again. One that does not come to work leaves its old one be.
        """
        with self._signals(renew_on):
            try:
                while not self._stopping:
                    self._look_after_all(time.monotonic())
                    if not self._stopping:
                        self._renew(time.monotonic())
                    if not self._stopping:
                        # The end of a child rings; for all else that is awaited somebody has to look.
                        is_calm = all(slot.is_calm for slot in self._slots)
                        select.select([self._alarm], [], [], CALM_SECONDS if is_calm else LOOK_SECONDS)
                        with suppress(BlockingIOError):
                            self._alarm.recv(4096)
            finally:
                self._on_stop()
                for is_last in (False, True):
                    self._stop_all([slot for slot in self._slots if slot.child.last is is_last])
                self._alarm.close()
                self._bell.close()
        return self._code

    def stop(self) -> None:
        """Asks `run` to stop everything and return; safe from a signal handler or another thread."""
        self._stopping = True
        self._ring()

    def renew(self) -> None:
        """Asks `run` to replace the children that can be; safe from a signal handler.

        One that is being replaced at this moment is replaced again: it may have begun before what is new was there.
        """
        for slot in self._slots:
            slot.is_wanted_new = slot.child.ready is not None
        self._ring()

    def _ring(self) -> None:
        with suppress(OSError):  # full, which rings too; or closed
            self._bell.send(b"!")

    def _look_after_all(self, now: float) -> None:
        for slot in self._slots:
            if self._stopping:
                return
            if slot.handle is None and slot.next is not None:
                slot.take_over(now)
            elif slot.handle is None:
                if now >= slot.due:
                    slot.started = now
                    slot.starts += 1
                    slot.handle = spawn(slot.child)
                    self._on_start(slot.child.name, slot.handle.pid)
            elif (code := slot.handle.poll()) is not None:
                self._bury(slot, code, now)
            if slot.missing_at and slot.child.ready:
                slot.missing_at = 0.0
            elif slot.missing_at and now >= slot.missing_at:
                slot.missing_at = math.inf
                self._on_missing(slot.child.name)

    def _bury(self, slot: _Slot, code: int, now: float) -> None:
        slot.handle = None
        if code == 0 and slot.child.once:
            slot.due = math.inf
            return
        age = now - slot.started
        if slot.starts == 1 and code > 0 and age < self._settle:
            self._say(f"{slot.child.name} could not start (exit code {code}); stopping.")
            self._code = 1
            self.stop()
            return
        slot.failures = 1 if age >= self._backoff.healthy else slot.failures + 1
        delay = self._backoff.delay(slot.failures)
        slot.due = now + delay
        if slot.child.ready is not None:
            if slot.next is None:
                slot.child.ready.set(False)
            slot.missing_at = slot.missing_at or now + MISSING_SECONDS
        self._say(f"{slot.child.name} ended ({ending(code)}); starting it again in {delay:.1f} s.")

    def _renew(self, now: float) -> None:
        """One step at a time."""
        for slot in self._slots:
            self._look_at_both(slot, now)
        phases = {slot.phase for slot in self._slots}
        if _Phase.STARTING in phases:
            return
        if _Phase.WAITING in phases:
            slot = next(slot for slot in self._slots if slot.phase is _Phase.WAITING)
            if slot.handle is None or slot.child.ready is None:  # it died, and is about to be started anyway
                slot.phase = _Phase.STEADY
                return
            slot.child.ready.set(False)
            slot.next, slot.since, slot.phase = spawn(slot.child), now, _Phase.STARTING
            self._on_start(slot.child.name, slot.next.pid)
        elif _Phase.STARTED in phases:
            for slot in self._slots:
                if slot.phase is _Phase.STARTED and (old := slot.handle):
                    slot.leaving, slot.since = old, now
                    slot.take_over(now, _Phase.LEAVING)
                    send(old, signal.SIGTERM)
        elif _Phase.LEAVING not in phases:
            for slot in self._slots:
                if slot.is_wanted_new and slot.handle is not None:  # else it is about to be started anyway
                    slot.phase = _Phase.WAITING
                slot.is_wanted_new = False

    def _look_at_both(self, slot: _Slot, now: float) -> None:
        """At the process that leaves, or the one that is to take over."""
        if slot.leaving:
            if slot.leaving.poll() is not None:
                slot.leaving, slot.phase = None, _Phase.STEADY
                self._say(f"{slot.child.name} was renewed.")
            elif now - slot.since > slot.grace:
                send(slot.leaving, signal.SIGKILL)
        elif slot.handle and slot.next:  # else the old one has died by itself, and the next takes over
            if (code := slot.next.poll()) is not None:
                self._say(f"{slot.child.name} could not be renewed ({ending(code)}); the old one goes on.")
                slot.next, slot.phase = None, _Phase.STEADY
            elif slot.child.ready:
                slot.phase = _Phase.STARTED
            elif now - slot.since > STARTING_SECONDS:
                send(slot.next, signal.SIGKILL)

    def _stop_all(self, slots: Sequence[_Slot]) -> None:
        living = [(slot, each) for slot in slots for each in (slot.handle, slot.next, slot.leaving) if each is not None]
        living = [(slot, handle) for slot, handle in living if handle.poll() is None]
        for _, handle in living:
            send(handle, signal.SIGTERM)
        begun = time.monotonic()
        while living := [(slot, handle) for slot, handle in living if handle.poll() is None]:
            for slot, handle in living:
                if time.monotonic() - begun > slot.grace:
                    self._say(f"{slot.child.name} did not stop within {slot.grace:.0f} s; killed.")
                    send(handle, signal.SIGKILL)
                    handle.wait()
            time.sleep(0.02)

    @contextmanager
    def _signals(self, renew_on: signal.Signals | None) -> Iterator[None]:
        handlers: dict[signal.Signals, Callable[[], None]] = {
            **dict.fromkeys(ASKED, self.stop),
            signal.SIGCHLD: self._ring,
        }
        if renew_on is not None:
            handlers[renew_on] = self.renew

        def heard(number: int, frame: FrameType | None) -> None:
            handlers[signal.Signals(number)]()

        before = {number: signal.signal(number, heard) for number in handlers}
        # A signal rings by itself too: one that comes just before a wait begins would be heard only after it.
        others = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(others)
            for number, handler in before.items():
                signal.signal(number, handler)


class _Phase(Enum):
    """How far the replacement of a child has come. One whose old process dies by itself is STEADY again at once."""

    STEADY = "one process, or none for a moment"
    WAITING = "others are started first"
    STARTING = "the next has been started beside it"
    STARTED = "the next works, and the old one stays until all the next do"
    LEAVING = "the next works, and the old one was told to stop"


@dataclass(slots=True)
class _Slot:
    """A child and its present process, if any. `grace` is the seconds that each of its processes has for its end."""

    child: Child
    grace: float
    phase: _Phase = _Phase.STEADY
    handle: Handle | None = None
    next: Handle | None = None  # replaces it once it works
    leaving: Handle | None = None  # was replaced and told to stop
    since: float = 0.0  # when the one was started or the other told
    is_wanted_new: bool = False
    started: float = 0.0
    starts: int = 0
    failures: int = 0
    due: float = 0.0
    missing_at: float = 0.0  # when nobody works in its place; 0: somebody does, inf: it was said

    @property
    def is_calm(self) -> bool:
        """Whether its process runs, or is done, and nothing is awaited of it."""
        is_done = self.child.once and self.handle is None and self.due == math.inf
        is_steady = self.phase is _Phase.STEADY and not self.is_wanted_new and not self.missing_at
        return is_done or (self.handle is not None and is_steady)

    def take_over(self, now: float, phase: _Phase = _Phase.STEADY) -> None:
        """The next process is now the one that counts."""
        self.handle, self.next, self.started, self.phase = self.next, None, now, phase
        self.starts += 1
