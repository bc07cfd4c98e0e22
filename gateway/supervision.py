"""Child processes kept alive: start, restart with back-off, and stop together. Knows nothing of what they do.

`Supervisor([Child("portal", [sys.executable, "manage.py", "portal"]), ...]).run()` blocks until SIGTERM or SIGINT
and returns the exit code for `sys.exit`. A child is a command line (its own interpreter) or a callable (a fork of this
process: make no threads, loops or database connections before `run`).
"""

import ctypes
import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

PR_SET_PDEATHSIG = 1  # prctl(2)
_ASKED = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep alive.

    `command` is an argument list, or a callable run in a fork whose return value (None is 0) is the exit code.
    `environment` is added to this process's own. `grace` is the seconds between SIGTERM and SIGKILL; None takes the
    supervisor's. A child that is `once` is done when it ends with 0, and is not started again.
    """

    name: str
    command: Sequence[str] | Callable[[], int | None]
    environment: Mapping[str, str] | None = None
    grace: float | None = None
    once: bool = False


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
        self._wake = _Alarm()
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Starts the children, watches them, stops them on SIGTERM, SIGINT or `stop()`. Once, in the main thread."""
        with self._signals():
            try:
                while not self._stopping:
                    self._look_after_all(time.monotonic())
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

    def _look_after_all(self, now: float) -> None:
        for slot in self._slots:
            if self._stopping:
                return
            if slot.handle is None:
                if now >= slot.due:
                    self._start(slot, now)
            elif (code := slot.handle.poll()) is not None:
                self._bury(slot, code, now)

    def _start(self, slot: "_Slot", now: float) -> None:
        slot.started = now
        slot.starts += 1
        slot.handle = _spawn(slot.child)
        self._on_start(slot.child.name, slot.handle.pid)

    def _bury(self, slot: "_Slot", code: int, now: float) -> None:
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
        living = [slot for slot in self._slots if slot.handle is not None and slot.handle.poll() is None]
        for slot in living:
            _signal_group(slot, signal.SIGTERM)
        begun = time.monotonic()
        while living := [slot for slot in living if slot.handle is not None and slot.handle.poll() is None]:
            for slot in living:
                grace = self._grace if slot.child.grace is None else slot.child.grace
                if time.monotonic() - begun > grace:
                    self._say(f"{slot.child.name} did not stop within {grace:.0f} s; killed.")
                    _signal_group(slot, signal.SIGKILL)
                    slot.handle.wait() if slot.handle else None
            time.sleep(0.02)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def asked(number: int, frame: FrameType | None) -> None:
            self.stop()

        def child_ended(number: int, frame: FrameType | None) -> None:
            self._wake.ring()

        handlers = {signal.SIGTERM: asked, signal.SIGINT: asked, signal.SIGCHLD: child_ended}
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

    __slots__ = ("child", "due", "failures", "handle", "started", "starts")

    def __init__(self, child: Child) -> None:
        self.child = child
        self.handle: _Handle | None = None
        self.started = 0.0
        self.starts = 0
        self.failures = 0
        self.due = 0.0


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
        for number in (*_ASKED, signal.SIGCHLD):
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


def _signal_group(slot: _Slot, number: signal.Signals) -> None:
    """SIGTERM goes to the child, which knows its own children; SIGKILL to its whole process group."""
    assert slot.handle is not None  # noqa: S101 - narrowed by the caller
    with suppress(ProcessLookupError):
        (os.killpg if number == signal.SIGKILL else os.kill)(slot.handle.pid, number)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
