"""Child processes: started as a command line or as a fork of this process, told to stop, and killed. Nothing else."""

from __future__ import annotations

import ctypes
import logging
import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ASKED = (signal.SIGTERM, signal.SIGINT)
PR_SET_PDEATHSIG = 1  # prctl(2)

log = logging.getLogger("gateway.processes")


def cores(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """How many cores this process may use: those that it is bound to, as far as control groups (version 2) let it."""
    found = float(len(os.sched_getaffinity(0)))
    with suppress(OSError):
        places = [line.removeprefix("0::/") for line in own.read_text().splitlines() if line.startswith("0::/")]
        for folder in [each for place in places for each in (root / place, *(root / place).parents)]:
            with suppress(OSError, ValueError):  # at the top nothing is said, and "max" is no limit
                quota, period = (folder / "cpu.max").read_text().split()
                found = min(found, int(quota) / int(period))
    return found


@dataclass(eq=False, repr=False)
class Flag:
    """A yes or no that a process shares with those that it forks from then on."""

    _shared: mmap.mmap = field(default_factory=partial(mmap.mmap, -1, 1), init=False)

    def __bool__(self) -> bool:
        return self._shared[0] == 1

    def set(self, value: bool = True) -> None:
        """Say yes, or no, to all of them."""
        self._shared[0] = value


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep alive.

    `command` is an argument list, or a callable run in a fork whose return value (None is 0) is the exit code.
    `environment` is added to this process's own. `grace` is the seconds between SIGTERM and SIGKILL; None takes the
    supervisor's. A child that is `once` is done when it ends with 0, and is not started again. One that sets `ready`
    once it works can be renewed, see `Supervisor.run`. One that is `last` is told to stop when the others have.
    """

    name: str
    command: Sequence[str] | Callable[[], int | None]
    environment: Mapping[str, str] | None = None
    grace: float | None = None
    once: bool = False
    ready: Flag | None = None
    last: bool = False


class Fork:
    """A fork that does `work` and ends with the code it returns, with the part of Popen's interface that is used here.

    `environment` is added to this process's own.
    """

    def __init__(self, work: Callable[[], int | None], environment: Mapping[str, str]) -> None:
        self._code: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, ASKED)
        self.pid = os.fork()
        if self.pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED)
            return
        code = 1
        try:
            os.setpgid(0, 0)
            for number in (*ASKED, signal.SIGCHLD, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKED)
            _end_with_parent()
            os.environ.update(environment)
            code = work() or 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # the child must never return into the parent's code
            log.critical("A process ended by an error of its own.", exc_info=True)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll(self, options: int = os.WNOHANG) -> int | None:
        """The exit code, None while it runs."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def wait(self) -> int:
        """The exit code, once it has ended."""
        return self.poll(0) or 0


Handle = subprocess.Popen[bytes] | Fork
"""A running process."""


def spawn(child: Child) -> Handle:
    """Start a child in a process group of its own."""
    if callable(child.command):
        return Fork(child.command, child.environment or {})
    return subprocess.Popen(  # noqa: S603 - the commands are this project's own
        list(child.command),
        env={**os.environ, **(child.environment or {})},
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_end_with_parent,
    )


def send(handle: Handle, number: signal.Signals) -> None:
    """SIGTERM goes to the child, which knows its own children; SIGKILL to its whole process group."""
    with suppress(ProcessLookupError):
        (os.killpg if number == signal.SIGKILL else os.kill)(handle.pid, number)


def ending(code: int) -> str:
    """An exit code in words."""
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _end_with_parent() -> None:
    """A killed supervisor must not leave children behind: Linux sends them SIGTERM."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
