"""The load generator and the echo backend are C. Where no compiler is, only what the benchmark says then is tested."""

import asyncio
import datetime as dt
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from apimanager.tls import ensure_certificate
from bench import programs
from bench.errors import BenchError
from tests.bench.peers import Wsload, wait_until_listening
from tests.environment import free_ports

collect_ignore: list[str] = []
try:
    programs.compiler()
except BenchError:
    collect_ignore += ["test_echo.py", "test_wsload.py", "test_run.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the programs runs in one process, which compiles them once."""
    for item in items:
        if "built" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("bench"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both programs, compiled from the sources as they are now."""
    folder = tmp_path_factory.mktemp("bench")
    return {name: programs.build(name, folder) for name in ("echo", "wsload")}


@pytest.fixture(scope="session")
def tls_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's, with a certificate for 127.0.0.1."""
    certificate, key = (tmp_path_factory.mktemp("tls") / name for name in ("certificate.pem", "key.pem"))
    ensure_certificate(certificate, key, "localhost", dt.datetime.now(dt.UTC), given=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.fixture
async def echo_port(built: dict[str, Path]) -> AsyncIterator[int]:
    """The port of a running echo backend."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(built["echo"], str(port))
    await wait_until_listening(port)
    yield port
    process.terminate()
    await process.wait()


@pytest.fixture
def wsload(built: dict[str, Path]) -> Wsload:
    """Runs the load generator to its end; returns its exit code and its last line of JSON (for wrong usage: {})."""

    async def run(*arguments: object) -> tuple[int, dict[str, Any]]:
        command = [str(built["wsload"]), *(str(argument) for argument in arguments)]
        output = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, stdout=output)
        told, _ = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode or 0, json.loads(told.splitlines()[-1]) if told else {}

    return run
