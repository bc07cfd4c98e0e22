"""The whole product as a user starts it: `manage.py up` in a process of its own, with its own data and ports.

Its processes are forked from one that has imported the product (see `tests.forks`), unless Python itself is wanted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import psutil

from tests.environment import ROOT, free_ports
from tests.forks import Worker

READY = "The API manager is running."
ROOMS = ("apimanager", "gateway", "devportal", "publisher", "accounts", "core")
PATIENCE = 180.0  # seconds; a start takes two, unless the machine is busy
PORT_SETTINGS = (
    "APIM_PORTAL_PORT",
    "APIM_GATEWAY_WS_PORT",
    "APIM_GATEWAY_WSS_PORT",
    "APIM_SAMPLES_PORT",
    "APIM_METRICS_PORT",
)


class NotReady(Exception):
    """The product ended or stayed silent; the message is its log."""


class Product:
    """One installation. `start` and `stop` it as often as you like: its data and its ports stay.

    `portal`, `ws`, `wss` and `samples` are its addresses.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / "var"
        self.settings = dict(zip(PORT_SETTINGS, map(str, free_ports(len(PORT_SETTINGS))), strict=True)) | settings
        portal, ws, wss, samples, _ = (self.settings[name] for name in PORT_SETTINGS)
        self.portal = f"https://localhost:{portal}"
        self.ws = f"ws://localhost:{ws}"
        self.wss = f"wss://localhost:{wss}"
        self.samples = f"ws://localhost:{samples}"
        self.process: Worker | subprocess.Popen[bytes] | None = None
        self._actions: Actions | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a command of this installation needs to be run with."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("APIM_", "DJANGO_"))}
        inherited.pop("DATABASE_URL", None)
        own = {"DJANGO_SETTINGS_MODULE": "apimanager.settings", "APIM_DATA_DIR": str(self.data)}
        return {**inherited, "PYTHONUNBUFFERED": "1", **own, **self.settings}

    @property
    def trust(self) -> ssl.SSLContext:
        """For a client: to trust the certificate that this installation made, and nothing else."""
        return ssl.create_default_context(cafile=self.data / "tls" / "certificate.pem")

    def begin_with(self, prepared: Path) -> None:
        """Have the data of another installation, before the first start."""
        shutil.copytree(prepared, self.data)

    def start(self, *, anew: bool = False) -> Product:
        """Start it and wait until the banner stands; raises NotReady. By Python started `anew`, as a user does."""
        self.run_in_background(anew=anew)
        self.wait_until(lambda: READY in self.log())
        return self

    def run_in_background(self, *, anew: bool = False) -> None:
        """Start it and do not wait."""
        with self._log_file.open("wb") as log:
            if anew:
                command = [sys.executable, "manage.py", "up"]
                given: dict[str, Any] = {"cwd": ROOT, "env": self.environment, "start_new_session": True}
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **given)
            else:
                self.process = Worker("manage", "up", environment=self.environment, files=(None, log, log))

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Ask it to stop, as Ctrl-C or a service manager would; returns its exit code."""
        assert self.process
        self.close_stage()
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.process.wait(PATIENCE)

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a management command of this installation to its end."""
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            worker = Worker("manage", *command, environment=self.environment, files=(None, output, errors))
            code = worker.wait(PATIENCE)
            said = [(file.seek(0), file.read())[1] for file in (output, errors)]
        return subprocess.CompletedProcess(command, code, *said)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python itself in the environment of this installation to its end."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def act(self, action: str, /, **given: Any) -> Any:
        """Do one of `tests.product_actions` in this installation, with its database, and return what it returns."""
        self._actions = actions = self._actions or Actions(self.environment)
        actions.asked.write(json.dumps([action, given]) + "\n")
        actions.asked.flush()
        outcome, answer = json.loads(actions.answered.readline() or '["error", "the process of the actions is gone"]')
        assert outcome == "done", f"{action}: {answer}"
        return answer

    def processes(self) -> list[psutil.Process]:
        """The product's process and all that it has started."""
        assert self.process
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def log(self) -> str:
        """All that it has said since it was last started."""
        return self._log_file.read_text(errors="replace")

    def wait_until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait for a condition; raises NotReady when the product ends first or the patience does."""
        assert self.process
        end = time.monotonic() + patience
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise NotReady(f"exit code {self.process.poll()}\n{self.log()}")
            time.sleep(0.05)

    def close_stage(self) -> None:
        if self._actions:
            self._actions.end()
            self._actions = None

    @property
    def _log_file(self) -> Path:
        return self.folder / "log.txt"


class Actions:
    """The process that does `tests.product_actions` in one installation, a line for each."""

    def __init__(self, environment: dict[str, str]) -> None:
        asked, self.asked = _pipe()
        self.answered, answered = _pipe()
        with asked, answered:
            files = (asked, answered, sys.stderr)
            self._worker = Worker("tests.product_actions", environment=environment, files=files)

    def end(self) -> None:
        """Ask no more, and wait until it has gone."""
        self.asked.close()
        self._worker.wait(PATIENCE)
        self.answered.close()


def _pipe() -> tuple[TextIO, TextIO]:
    read, write = os.pipe()
    return os.fdopen(read, "r"), os.fdopen(write, "w")


Install = Callable[..., Product]


def prepare() -> Path:
    """The data of an installation that `setup` has made and nobody has used; whoever asks first has it made.

    The file `state` beside it has what was said.
    """
    folder = folder_of_this_code()
    product = Product(folder)
    with made_once(folder / "state") as state:
        if state:
            shutil.rmtree(product.data, ignore_errors=True)  # of a start that was broken off
            done = product.manage("setup")
            assert done.returncode == 0, done.stderr
            state.write(done.stdout)
    return product.data


def folder_of_this_code() -> Path:
    """Where what tests need is kept, made once: in `build/tests`, under the digest of the code that makes it."""
    digest = hashlib.sha256(sys.version.encode())
    code = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    for path in [ROOT / "requirements.lock", *code]:
        digest.update(path.read_bytes())
    folder = ROOT / "build" / "tests" / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


@contextmanager
def made_once(state: Path) -> Iterator[TextIO | None]:
    """The file to write into once something is made; None if it was made already. Others wait meanwhile."""
    with state.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield None if file.read() else file


def temporary() -> tempfile.TemporaryDirectory[str]:
    """A folder for an installation, short enough for a Unix socket's name."""
    return tempfile.TemporaryDirectory(prefix="apim-product-")
