"""Processes that need the product imported, forked from one that has done so: importing takes more than a second.

`await start("tests.wire.served", argument)` stands for `python -m tests.wire.served argument` with the settings of the
tests; what it gives has of `asyncio.subprocess.Process` what tests use. `Worker` is the same for tests without a loop.
Who gives an `environment` runs with the product's own settings, as that environment makes them.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cache
from importlib import import_module
from typing import IO, Any

from tests.environment import PATIENCE, ROOT

SETTINGS = "tests.settings"
PRODUCT_SETTINGS = "apimanager.settings"
IMPORTED = ("gateway.server.master", "gateway.quotas.stores", "tests.wire.gateway_under_test")
LONGEST_ORDER = 65536  # bytes


class Process:
    """A process that was forked; `stdin` is its pipe's transport, `stdout` and `stderr` are read as asyncio's are."""

    def __init__(self, pid: int, status: asyncio.StreamReader, pipes: list[asyncio.BaseTransport]) -> None:
        self.pid = pid
        self.pipes = pipes
        self.returncode: int | None = None
        self.stdin: asyncio.WriteTransport | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._ended = asyncio.create_task(self._watch(status))

    async def wait(self) -> int:
        """Its exit code, once it has ended and its pipes are closed; minus the number of the signal that killed it."""
        code = await asyncio.shield(self._ended)
        for pipe in self.pipes:
            pipe.close()
        await asyncio.sleep(0.001)  # for the loop to have closed them
        return code

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for the end; what it has written to standard output and error."""
        read = [pipe.read() for pipe in (self.stdout, self.stderr) if pipe]
        written = iter(await asyncio.gather(*read))
        await self.wait()
        return next(written) if self.stdout else b"", next(written) if self.stderr else b""

    def send_signal(self, number: int) -> None:
        """As `os.kill`, while it lives."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def _watch(self, status: asyncio.StreamReader) -> int:
        self.returncode = int(await status.readline())
        return self.returncode


async def start(
    module: str,
    argument: str,
    *,
    asked: bool = False,
    heard: bool = False,
    environment: Mapping[str, str] | None = None,
    log: IO[Any] | None = None,
) -> Process:
    """Run a module as a program. Who is `asked` reads pipes, else nothing; what is `heard` of it is standard error.

    Standard error that is not heard goes into the `log`, if there is one.
    """
    ours: dict[str, int] = {}
    theirs = [os.open(os.devnull, os.O_RDWR) for _ in range(2)] + [os.dup(log.fileno() if log else 2)]
    for name, number, wanted in (("stdin", 0, asked), ("stdout", 1, asked), ("stderr", 2, heard)):
        if wanted:
            os.close(theirs[number])
            read, write = os.pipe()
            ours[name], theirs[number] = (write, read) if name == "stdin" else (read, write)
    pipes: list[asyncio.BaseTransport] = []
    status = await _reader(_order([module, argument], theirs, environment), pipes)
    process = Process(int(await status.readline()), status, pipes)
    if asked:
        process.stdout = await _reader(ours["stdout"], pipes)
        pipe = os.fdopen(ours["stdin"], "wb", buffering=0)
        process.stdin, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.BaseProtocol, pipe)
        pipes.append(process.stdin)
    if heard:
        process.stderr = await _reader(ours["stderr"], pipes)
    return process


class Worker:
    """A process that was forked, for tests without a loop: of `subprocess.Popen` what they use.

    It reads nothing and writes where the tests do, unless it is given `files` for its input, output and errors.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        files: tuple[IO[Any] | None, IO[Any], IO[Any]] | None = None,
    ) -> None:
        given = [os.open(os.devnull, os.O_RDWR), os.dup(1), os.dup(2)]
        for number, file in enumerate(files or ()):
            if file:
                os.dup2(file.fileno(), given[number])
        self._status = os.fdopen(_order([module, *arguments], given, environment), "rb", buffering=0)
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def poll(self, timeout: float = 0.0) -> int | None:
        """Its exit code as `Process.wait` gives it, None while it runs."""
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(self._status.readline())
            self._status.close()
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        """Its exit code. Raises TimeoutError."""
        code = self.poll(timeout)
        if code is None:
            raise TimeoutError
        return code

    def send_signal(self, number: int) -> None:
        """As `os.kill`, while it lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _order(command: list[str], pipes: list[int], environment: Mapping[str, str] | None) -> int:
    """Have a module run with these as its standard input, output and error; where its number and its end are told."""
    status, told = os.pipe()
    order = json.dumps([command, dict(environment) if environment is not None else None]).encode()
    assert len(order) < LONGEST_ORDER
    socket.send_fds(_mother(), [order], [*pipes, told])
    for each in (*pipes, told):
        os.close(each)
    return status


async def _reader(descriptor: int, pipes: list[asyncio.BaseTransport]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    pipes.append(transport)
    return reader


@cache
def _mother() -> socket.socket:
    """Where the process that forks takes orders; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forks", str(theirs.fileno())],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": SETTINGS},
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# --- inside the process that forks ------------------------------------------------------------------------------------


def main(orders: socket.socket) -> None:
    """Import the product, and fork for each order until nobody is left to give any."""
    import django

    known = {name: deepcopy(value) for name, value in vars(import_module(SETTINGS)).items() if name.isupper()}
    django.setup()
    for name in IMPORTED:
        import_module(name)

    _keep_what_is_imported()
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, LONGEST_ORDER, 4)
        if not order:
            return
        command, environment = json.loads(order)
        if environment is not None:
            _import_all()
        if not os.fork():
            try:
                _see_to_its_end(orders, descriptors, command, environment, known)
            finally:
                os._exit(1)
        for each in descriptors:
            os.close(each)


@cache
def _import_all() -> None:
    """All that the whole product runs, which other orders do not need."""
    from django.test import signals  # which hear of a setting that has changed
    from django.urls import get_resolver

    import_module("apimanager.launch")
    assert signals
    assert get_resolver().url_patterns
    _keep_what_is_imported()


def _keep_what_is_imported() -> None:
    gc.collect()
    gc.freeze()


def _reap(*_: object) -> None:
    """Take note of those that have ended, so that what they cost is counted as this process's."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _see_to_its_end(
    orders: socket.socket,
    descriptors: list[int],
    command: list[str],
    environment: dict[str, str] | None,
    known: dict[str, Any],
) -> None:
    """Fork the program, say its number, wait for it, say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    orders.close()
    *pipes, told = descriptors
    if not (pid := os.fork()):
        os.close(told)
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        if environment is not None:
            os.setsid()  # as a service manager starts it, whose Ctrl-C is not that of the tests
            _settle_in(environment, known)
        os._exit(_run(command))
    for pipe in (0, 1, 2, *pipes):
        os.close(pipe)
    os.write(told, f"{pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(told, f"{code}\n".encode())
    os._exit(0)


def _settle_in(environment: dict[str, str], known: dict[str, Any]) -> None:
    """Take over an environment, and each setting of the product that is other than those `known`."""
    from django.conf import settings
    from django.core.signals import setting_changed
    from django.db import connections
    from django.utils.log import configure_logging

    os.environ.clear()
    os.environ.update(environment)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    del sys.modules[PRODUCT_SETTINGS]
    for name, value in vars(import_module(PRODUCT_SETTINGS)).items():
        if name.isupper() and known.get(name) != value:
            setattr(settings, name, value)
            if name != "DATABASES":  # of which Django only says that it hears too late
                setting_changed.send(sender=main, setting=name, value=value, enter=True)
    for each in connections.all(initialized_only=True):
        del connections[each.alias]
    vars(connections).pop("settings", None)
    connections._settings = None  # type: ignore[attr-defined]  what it has read of them
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)


def _run(command: list[str]) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    module, *_ = sys.argv = list(command)
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)  # noqa: T201  as Python does
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
