"""Autobahn's test suite: finding it a Python 2.7, installing it, running its fuzzing client and server, reading both.

The suite speaks CPython 2.7 and nothing newer, so it lives in a folder of its own, `.tools/autobahn`, with what
`autobahn.lock` beside this file names. `PYTHON27` names an interpreter that is not on the PATH and not pyenv's.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from websockets.asyncio.client import connect

from tests.conformance import echo
from tests.environment import PATIENCE, ROOT, Missing, free_ports

LOCK = Path(__file__).with_name("autobahn.lock")
HOME = ROOT / ".tools" / "autobahn"
INSTALL = ("-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-cache-dir", "--no-compile")
RUN = "import site, sys; site.addsitedir(sys.argv.pop(1)); from autobahntestsuite.wstest import run; run()"
QUICK_TO_COMPILE = {"CFLAGS": "-O0 -g0"}
ATTEMPTS = 2  # an installation that went wrong is made once more from nothing
USUAL = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
LONG = ("9.*", "12.*", "13.*")


class Verdict(NamedTuple):
    """What the suite says about one case."""

    behavior: str
    behavior_close: str
    remote_close_code: int | None


Verdicts = dict[str, Verdict]


@cache
def find_python() -> str | None:
    """The path of a CPython 2.7 that works: what PYTHON27 names, else one on the PATH, else pyenv's."""
    pyenv = map(str, sorted(Path.home().glob(".pyenv/versions/2.7.*/bin/python")))
    candidates = [os.environ.get("PYTHON27"), shutil.which("python2.7"), *pyenv]
    return next((each for each in candidates if each and _is_2_7(each)), None)


def ensure() -> list[str]:
    """The suite's command, installed if it is not there yet. Raises Missing when it cannot be had."""
    python = find_python()
    if python is None:
        raise Missing("Autobahn's test suite needs CPython 2.7: install one and name it with PYTHON27=/path/to/python.")
    if not _is_installed():
        with _nobody_else():
            if not _is_installed():
                _install(python)
    return [python, "-s", "-c", RUN, str(HOME)]


async def fuzz(targets: Mapping[str, str], cases: Sequence[str], folder: Path, seconds: float) -> dict[str, Verdicts]:
    """Let the fuzzing client attack each address; the verdicts by the address's name and the case."""
    servers = [{"agent": name, "url": url} for name, url in targets.items()]
    given = {"outdir": str(folder), "servers": servers, "cases": list(cases), "exclude-cases": []}
    async with _wstest("fuzzingclient", given, folder) as process, asyncio.timeout(seconds):
        await process.wait()
    return _read(folder, targets)


@asynccontextmanager
async def fuzzing_server(cases: Sequence[str], folder: Path) -> AsyncIterator[str]:
    """The suite as a backend, which attacks whoever connects; its address."""
    (port,) = free_ports(1)
    url = f"ws://127.0.0.1:{port}"
    given = {"url": url, "outdir": str(folder), "cases": list(cases), "exclude-cases": []}
    async with _wstest("fuzzingserver", given, folder, "-u", "0"):
        await _until_listening(port)
        yield url


async def suffer(
    bases: Mapping[str, str], headers: Mapping[str, str], folder: Path, seconds: float, *, compresses: bool
) -> dict[str, Verdicts]:
    """Be an echoing client of the fuzzing server by each of these addresses, case after case; its verdicts."""
    async with asyncio.timeout(seconds):
        for agent, base in bases.items():
            for number in range(1, await _count(base, headers) + 1):
                await echo.client(f"{base}/runCase?case={number}&agent={agent}", headers, compresses=compresses)
        async with connect(f"{bases['direct']}/updateReports?agent=direct", open_timeout=PATIENCE) as last:
            await last.wait_closed()
    return _read(folder, bases)


def differences(direct: Verdicts, through: Verdicts) -> dict[str, tuple[Verdict | None, Verdict | None]]:
    """The cases on which the two do not agree, in the suite's order."""
    names: Iterable[str] = sorted(direct.keys() | through.keys(), key=lambda name: [int(n) for n in name.split(".")])
    return {name: (direct.get(name), through.get(name)) for name in names if direct.get(name) != through.get(name)}


def _is_2_7(python: str) -> bool:
    asked = [python, "-c", "import sys, pip; sys.exit(sys.version_info[:2] != (2, 7))"]
    with suppress(OSError):
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return False


def _is_installed() -> bool:
    """Whether the folder is complete, which it is if it is there at all, and what the lock now names."""
    with suppress(OSError):
        return (HOME / LOCK.name).read_bytes() == LOCK.read_bytes()
    return False


@contextmanager
def _nobody_else() -> Iterator[None]:
    """Held by one process at a time, and let go when that process ends in whatever way."""
    HOME.parent.mkdir(exist_ok=True)
    with HOME.with_suffix(".busy").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(python: str) -> None:
    """Build it aside, with nothing that others write to at the same time, and put it into its place in one move."""
    for attempt in range(1, ATTEMPTS + 1):
        with tempfile.TemporaryDirectory(prefix="autobahn-", dir=HOME.parent) as folder:
            built = Path(folder) / "built"
            command = [python, *INSTALL, "--target", str(built), "--requirement", str(LOCK)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=os.environ | QUICK_TO_COMPILE
            )
            if done.returncode == 0:
                shutil.copy(LOCK, built)
                shutil.rmtree(HOME, ignore_errors=True)
                built.rename(HOME)
                return
            if attempt == ATTEMPTS:
                last = (done.stderr.strip().splitlines() or ["no output"])[-1]
                raise Missing(f"Autobahn's test suite could not be installed: {last}")


@asynccontextmanager
async def _wstest(
    mode: str, given: Mapping[str, object], folder: Path, *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / "spec.json"
    spec.write_text(json.dumps(given))
    with (folder / "wstest.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *ensure(), "-m", mode, "-s", str(spec), *arguments, stdout=log, stderr=log, cwd=folder
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def _count(base: str, headers: Mapping[str, str]) -> int:
    async with connect(f"{base}/getCaseCount", additional_headers=headers, open_timeout=PATIENCE) as connection:
        return int(await connection.recv())


def _read(folder: Path, agents: Iterable[str]) -> dict[str, Verdicts]:
    index = json.loads((folder / "index.json").read_text())
    return {
        agent: {
            case: Verdict(found["behavior"], found["behaviorClose"], found["remoteCloseCode"])
            for case, found in index[agent].items()
        }
        for agent in agents
    }
