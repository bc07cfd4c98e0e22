"""The portal in a process of its own: `portal(certificate, folder, …)`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests import forks
from tests.environment import PATIENCE, free_ports
from tests.wire.conftest import Certificate
from tests.wire.peers import raw_client


class Portal(NamedTuple):
    """The process, from outside. `log` is all that it has written."""

    process: forks.Process
    port: int
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def connections(self) -> int:
        """How many clients it has."""
        return sum(
            each.status == psutil.CONN_ESTABLISHED for each in psutil.Process(self.process.pid).net_connections()
        )


@asynccontextmanager
async def portal(
    certificate: Certificate,
    folder: Path,
    *,
    settings: dict[str, str] | None = None,
    prepared: Path | None = None,
    **given: Any,
) -> AsyncIterator[Portal]:
    """A portal with these settings and, if it needs a database, the data that are `prepared`.

    `given`: constants of its protocol, `views` to serve, how many `descriptors` it may open.
    """
    if prepared:
        shutil.copytree(prepared, folder / "var")
    (port,) = free_ports(1)
    own = {
        "APIM_DATA_DIR": str(folder / "var"),
        "APIM_PORTAL_PORT": str(port),
        "APIM_TLS_CERTIFICATE": str(certificate.certificate),
        "APIM_TLS_KEY": str(certificate.key),
        "DJANGO_SETTINGS_MODULE": "apimanager.settings",
        **(settings or {}),
    }
    with (folder / "log.txt").open("wb") as log:
        environment = {**os.environ, **own}
        process = await forks.start("tests.attack.served_portal", json.dumps(given), environment=environment, log=log)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(OSError):
                    async with raw_client(port, b""):
                        break
                assert process.returncode is None, (folder / "log.txt").read_text()
                await asyncio.sleep(0.1)
        yield Portal(process, port, folder / "log.txt")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
