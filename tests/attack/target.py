"""A worker of the gateway in a process of its own, so that its memory, descriptors and faults are its own.

`target(backend, **given)` forks it (see `tests.forks`) and gives a `Target`, which can be asked for a `Report` of how
the process is.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests import forks
from tests.environment import PATIENCE

PAGE = os.sysconf("SC_PAGE_SIZE")


class Report(NamedTuple):
    """How the process is: resident `memory` and `peak` since the last report (bytes), what is open, what went wrong.

    Where the kernel does not let a peak be forgotten, it is that of the whole life. `turns` is how often the engine has
    looked at its sockets, where there is one.
    """

    memory: int
    peak: int
    tasks: int
    descriptors: int
    relays: int
    connections: int
    faults: list[str]
    turns: int


@dataclass
class Target:
    """The process, from outside."""

    process: forks.Process
    port: int
    wss_port: int

    @property
    def url(self) -> str:
        """Where a client of version 1.0.0 connects."""
        return f"ws://127.0.0.1:{self.port}/echo/1.0.0"

    async def report(self) -> Report:
        """How it is now, after it has tidied up."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"report\n")
        async with asyncio.timeout(PATIENCE):
            return Report(**json.loads(await self.process.stdout.readline()))

    async def quiet(self) -> Report:
        """How it is once the last connection has ended."""
        async with asyncio.timeout(PATIENCE):
            while (report := await self.report()).relays or report.connections:
                await asyncio.sleep(0.05)
        return report


@asynccontextmanager
async def target(backend: str, **given: Any) -> AsyncIterator[Target]:
    """A gateway before this backend. `given`: stall, handshake, ping, head_seconds (seconds), certificate and key."""
    process = await forks.start("tests.attack.target", json.dumps({"backend": backend, **given}), asked=True)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            ports = json.loads(await process.stdout.readline())
        yield Target(process, *ports)
    finally:
        process.kill()
        await process.wait()


# --- inside the process ---------------------------------------------------------------------------------------


class Faults(logging.Handler):
    """Everything logged as an error, and everything the loop caught because nobody else did."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))

    def caught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """For `set_exception_handler`."""
        self.seen.append(f"{context.get('message')}: {context.get('exception')!r}")


def main(given: dict[str, Any]) -> None:
    """Serve until killed."""
    from gateway.native.loop import new_event_loop

    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(given))


async def _serve(given: dict[str, Any]) -> None:
    from gateway.server.acceptor import raise_descriptor_limit
    from gateway.server.config import ServerLimits
    from gateway.server.worker import Worker
    from publisher.endpoint import EndpointOptions

    raise_descriptor_limit()
    faults = Faults()
    logging.getLogger().addHandler(faults)
    asyncio.get_running_loop().set_exception_handler(faults.caught)
    context = _context(given, EndpointOptions(ping_interval=given.get("ping", 0)))
    worker = Worker(context, limits=ServerLimits(head_seconds=given.get("head_seconds", 10.0)), tick=0.05)
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=4096) for _ in range(2)]
    await worker.listen(sockets[0])
    if "certificate" in given:
        from gateway.server import listeners

        tls = listeners.tls_context(Path(given["certificate"]), Path(given["key"]))
        await worker.listen(sockets[1], tls)
    _say([sock.getsockname()[1] for sock in sockets])
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        gc.collect()
        _say(_report(worker, faults.seen)._asdict())


def _context(given: dict[str, Any], options: Any) -> Any:
    import time

    from gateway.connections.registry import ConnectionRegistry
    from gateway.routing.table import RouteTable
    from gateway.server.context import GatewayContext
    from publisher.endpoint import Endpoint
    from tests.gateway import builders
    from tests.wire.gateway_under_test import TOKEN, FixedRouting

    deployment = builders.deployment(endpoints={"PRODUCTION": Endpoint(given["backend"])}, options=options)
    grants = {TOKEN: builders.grant(expires_at=time.time() + 86400)}
    return GatewayContext(
        routing=FixedRouting(RouteTable([deployment]), grants),
        connections=ConnectionRegistry(),
        stall=given.get("stall", 30.0),
        handshake=given.get("handshake", 1.0),
    )


def _report(worker: Any, faults: list[str]) -> Report:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the next peak begins here
    return Report(
        memory=int(Path("/proc/self/statm").read_text().split()[1]) * PAGE,
        peak=int(status["VmHWM"].split()[0]) * 1024,
        tasks=len(asyncio.all_tasks()),
        descriptors=len(os.listdir("/proc/self/fd")),
        relays=len(worker.config.relays),
        connections=len(list(worker.context.connections)),
        faults=faults,
        turns=getattr(getattr(asyncio.get_running_loop(), "engine", None), "turns", 0),
    )


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
