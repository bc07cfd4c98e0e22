"""Child processes kept alive: start, restart with back-off, and stop together. Knows nothing of what they do.

`Supervisor([Child("portal", [sys.executable, "manage.py", "portal"]), ...]).run()` blocks until SIGTERM or SIGINT
and returns the exit code for `sys.exit`. A child is a command line (its own interpreter) or a callable (a fork of this
process: make no threads, loops or database connections before `run`).
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

PR_SET_PDEATHSIG = 1  # prctl(2)
STARTING_SECONDS = 30.0  # for a new process to say that it works
_ASKED = (signal.SIGTERM, signal.SIGINT)


class Flag:
    """A yes or no that a forked child gives to its parent."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    def __bool__(self) -> bool:
        return self._shared[0] == 1

    def set(self) -> None:
        """Yes."""
        self._shared[0] = 1

    def clear(self) -> None:
        """No."""
        self._shared[0] = 0


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep alive.

    `command` is an argument list, or a callable run in a fork whose return value (None is 0) is the exit code.
    `environment` is added to this process's own. `grace` is the seconds between SIGTERM and SIGKILL; None takes the
    supervisor's. A child that is `once` is done when it ends with 0, and is not started again. One that sets `ready`
    once it works can be renewed: see `Supervisor.run`.
    """

    name: str
    command: Sequence[str] | Callable[[], int | None]
    environment: Mapping[str, str] | None = None
    grace: float | None = None
    once: bool = False
    ready: Flag | None = None


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
    process id; `on_stop` once, before the children are told to stop.
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
    ) -> None:
        self._backoff = backoff or Backoff()
        self._grace = grace
        self._settle = settle
        self._say = say or _say
        self._on_start = on_start or (lambda name, pid: None)
        self._on_stop = on_stop or (lambda: None)
        self._slots = [_Slot(child) for child in children]
        self._renewing: deque[_Slot] = deque()
        self._wake = _Alarm()
        self._stopping = False
        self._code = 0

    def run(self, *, renew_on: signal.Signals | None = None) -> int:
        """Starts the children, watches them, stops them on SIGTERM, SIGINT or `stop()`. Once, in the main thread.

        On the signal `renew_on` each child that can be is replaced, one after the other: a new process is started, and
        when it says that it works the old one is told to stop. One that does not come to work leaves the old one be.
        """
        with self._signals(renew_on):
            try:
                while not self._stopping:
                    self._look_after_all(time.monotonic())
                    self._renew(time.monotonic())
                    if not self._stopping:
                        self._wake.wait(0.1)
            finally:
                self._on_stop()
                self._stop_all()
                self._wake.close()
        return self._code

    def stop(self) -> None:
        """Asks `run` to stop everything and return; safe from a signal handler or another thread."""
        self._stopping = True
        self._wake.ring()

    def renew(self) -> None:
        """Asks `run` to replace the children that can be; safe from a signal handler."""
        renewable = (slot for slot in self._slots if slot.child.ready is not None)
        self._renewing.extend(slot for slot in renewable if slot not in self._renewing)
        self._wake.ring()

    def _look_after_all(self, now: float) -> None:
        for slot in self._slots:
            if self._stopping:
                return
            if slot.handle is None and slot.next is not None:
                slot.take_over(now)
            elif slot.handle is None:
                if now >= slot.due:
                    self._start(slot, now)
            elif (code := slot.handle.poll()) is not None:
                self._bury(slot, code, now)

    def _renew(self, now: float) -> None:
        """One step of replacing the child that is first in line."""
        if not self._renewing or self._stopping:
            return
        slot = self._renewing[0]
        if slot.leaving is not None:
            self._see_off(slot, now)
        elif slot.next is None:
            self._begin_to_renew(slot, now)
        elif (code := slot.next.poll()) is not None:
            self._say(f"{slot.child.name} could not be renewed ({_ending(code)}); the old one goes on.")
            slot.next = None
            self._renewing.popleft()
        elif slot.child.ready:
            slot.leaving, slot.left = slot.handle, now
            slot.take_over(now)
            if slot.leaving is not None:
                _signal(slot.leaving, signal.SIGTERM)
        elif now - slot.left > STARTING_SECONDS:
            _signal(slot.next, signal.SIGKILL)

    def _begin_to_renew(self, slot: _Slot, now: float) -> None:
        if slot.handle is None or slot.child.ready is None:
            self._renewing.popleft()  # it is about to be started anyway
            return
        slot.child.ready.clear()
        slot.next, slot.left = _spawn(slot.child), now
        self._on_start(slot.child.name, slot.next.pid)

    def _see_off(self, slot: _Slot, now: float) -> None:
        assert slot.leaving is not None  # noqa: S101 - narrowed by the caller
        if slot.leaving.poll() is not None:
            slot.leaving = None
            self._renewing.popleft()
            self._say(f"{slot.child.name} was renewed.")
        elif now - slot.left > self._grace_of(slot):
            _signal(slot.leaving, signal.SIGKILL)

    def _start(self, slot: _Slot, now: float) -> None:
        slot.started = now
        slot.starts += 1
        slot.handle = _spawn(slot.child)
        self._on_start(slot.child.name, slot.handle.pid)

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
        self._say(f"{slot.child.name} ended ({_ending(code)}); starting it again in {delay:.1f} s.")

    def _stop_all(self) -> None:
        living = [(slot, handle) for slot in self._slots for handle in slot.handles() if handle.poll() is None]
        for _, handle in living:
            _signal(handle, signal.SIGTERM)
        begun = time.monotonic()
        while living := [(slot, handle) for slot, handle in living if handle.poll() is None]:
            for slot, handle in living:
                if time.monotonic() - begun > self._grace_of(slot):
                    self._say(f"{slot.child.name} did not stop within {self._grace_of(slot):.0f} s; killed.")
                    _signal(handle, signal.SIGKILL)
                    handle.wait()
            time.sleep(0.02)

    def _grace_of(self, slot: _Slot) -> float:
        return self._grace if slot.child.grace is None else slot.child.grace

    @contextmanager
    def _signals(self, renew_on: signal.Signals | None) -> Iterator[None]:
        def asked(number: int, frame: FrameType | None) -> None:
            self.stop()

        def child_ended(number: int, frame: FrameType | None) -> None:
            self._wake.ring()

        def renewal_asked(number: int, frame: FrameType | None) -> None:
            self.renew()

        handlers = {signal.SIGTERM: asked, signal.SIGINT: asked, signal.SIGCHLD: child_ended}
        if renew_on is not None:
            handlers[renew_on] = renewal_asked
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Alarm:
    """Ends a wait early. A pipe, because a lock could be held by the very code that a signal handler interrupts."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def ring(self) -> None:
        with suppress(OSError):  # full, which rings too; or closed
            self._writer.send(b"!")

    def wait(self, seconds: float) -> None:
        select.select([self._reader], [], [], seconds)
        with suppress(BlockingIOError):
            self._reader.recv(4096)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class _Handle(Protocol):
    """What the supervisor needs of a running process; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...


class _Slot:
    """A child and its present process, if any."""

    __slots__ = ("child", "due", "failures", "handle", "leaving", "left", "next", "started", "starts")

    def __init__(self, child: Child) -> None:
        self.child = child
        self.handle: _Handle | None = None
        self.next: _Handle | None = None  # replaces it once it works
        self.leaving: _Handle | None = None  # was replaced and told to stop
        self.left = 0.0  # when the one was started or the other told
        self.started = 0.0
        self.starts = 0
        self.failures = 0
        self.due = 0.0

    def take_over(self, now: float) -> None:
        """The next process is now the one that counts."""
        self.handle, self.next, self.started = self.next, None, now

    def handles(self) -> list[_Handle]:
        """Every process of this child that may live."""
        return [each for each in (self.handle, self.next, self.leaving) if each is not None]


class _Fork:
    """A forked child, with the part of Popen's interface that is used here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        return self._collect(os.WNOHANG)

    def wait(self) -> int:
        code = self._collect(0)
        return 0 if code is None else code

    def _collect(self, options: int) -> int | None:
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


def _spawn(child: Child) -> _Handle:
    if callable(child.command):
        return _fork(child.command, child.environment or {})
    return subprocess.Popen(  # noqa: S603 - the commands are this project's own
        list(child.command),
        env={**os.environ, **(child.environment or {})},
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_end_with_parent,
    )


def _fork(work: Callable[[], int | None], environment: Mapping[str, str]) -> _Handle:
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED)
        return _Fork(pid)
    code = 1
    try:
        os.setpgid(0, 0)
        for number in (*_ASKED, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED)
        _end_with_parent()
        os.environ.update(environment)
        code = work() or 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:  # the child must never return into the parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent() -> None:
    """A killed supervisor must not leave children behind: Linux sends them SIGTERM."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal(handle: _Handle, number: signal.Signals) -> None:
    """SIGTERM goes to the child, which knows its own children; SIGKILL to its whole process group."""
    with suppress(ProcessLookupError):
        (os.killpg if number == signal.SIGKILL else os.kill)(handle.pid, number)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
