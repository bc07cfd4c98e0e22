"""The tutorial's client: the real wscat, in a terminal of its own, typed into and read as a person does."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import time
from types import TracebackType

from tests.environment import WSCAT, find_node

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CONNECTED = "Connected (press CTRL+C to quit)"
PATIENCE = 20.0  # seconds


class Wscat:
    """One run of a command line that begins with `wscat`. A context manager: the client is ended at the end."""

    def __init__(self, command: str) -> None:
        name, *arguments = shlex.split(command)
        assert name == "wscat", command
        self.terminal, inner = pty.openpty()
        self.process = subprocess.Popen(
            [find_node(), str(WSCAT), *arguments], stdin=inner, stdout=inner, stderr=inner, close_fds=True
        )
        os.close(inner)
        self.screen = ""

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self.terminal, f"{line}\n".encode())

    def read_until(self, text: str, patience: float = PATIENCE) -> str:
        """Read the screen until `text` stands there; fails with what did stand there."""
        end = time.monotonic() + patience
        while text not in self.screen:
            more = self._read(end - time.monotonic())
            assert more, f"waited for {text!r}, saw:\n{self.screen}"
            self.screen += ESCAPES.sub("", more).replace("\r", "\n")
        return self.screen

    def wait(self) -> int:
        """Wait until it ends by itself; returns its exit code."""
        while more := self._read(PATIENCE):
            self.screen += ESCAPES.sub("", more).replace("\r", "\n")
        return self.process.wait(PATIENCE)

    def _read(self, seconds: float) -> str:
        """What has come; empty at the end or when nothing comes for so long."""
        ready, _, _ = select.select([self.terminal], [], [], max(seconds, 0))
        if not ready:
            return ""
        try:
            return os.read(self.terminal, 65536).decode(errors="replace")
        except OSError:  # Linux's way to say that the other side of the terminal is closed
            return ""

    def __enter__(self) -> Wscat:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        os.close(self.terminal)
