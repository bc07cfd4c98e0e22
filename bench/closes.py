"""`python -m bench.closes`: how long after a right has ended do its open sockets close?

Starts the gateway with two workers on a data folder of its own and opens a thousand sockets through it. Then a right is
ended by the operation that the pages use, and for each socket the time is taken from the commit of that operation to
the moment when the client has read the Close frame. Prints a line for each right and round, in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import processes
from bench.errors import BenchError

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
AT_ONCE = 32
PATIENCE = 30.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CLOSE = 0x88
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


def main(arguments: list[str]) -> int:
    """The exit code."""
    options = _options(arguments)
    processes.require_free(options.port_base + 1)
    with tempfile.TemporaryDirectory(prefix="bench-closes-") as folder:
        set_up(Path(folder), options.port_base)
        with gateway(options, Path(folder) / "log.txt"):
            asyncio.run(_measure(options))
    return 0


def set_up(folder: Path, port_base: int) -> None:
    """From now on this process and those it starts use a fresh installation of the product in `folder`."""
    ports = ("APIM_PORTAL_PORT", "APIM_GATEWAY_WS_PORT", "APIM_GATEWAY_WSS_PORT")
    os.environ.update({name: str(port_base + number) for number, name in enumerate(ports)})
    os.environ.update(
        APIM_METRICS_PORT="0",
        APIM_BACKEND_NETWORKS="127.0.0.1",
        DJANGO_SETTINGS_MODULE="apimanager.settings",
        APIM_DATA_DIR=str(folder / "var"),
    )
    setup = subprocess.run([sys.executable, "manage.py", "setup"], cwd=ROOT, capture_output=True, check=False)
    if setup.returncode:
        raise BenchError((setup.stdout + setup.stderr).decode())


@dataclass(eq=False)
class Client(asyncio.Protocol):
    """One socket: waits for the 101, then for the Close."""

    head: bytes
    opened: asyncio.Future[None]
    closed_at: float = 0.0
    code: int = 0
    _data: bytes = b""
    _transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self.head)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if self.opened.done():
            self._frame(data, now)
            return
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if end and not head.startswith(b"HTTP/1.1 101"):
            self.opened.set_exception(BenchError(head.decode("latin-1")))
        elif end:
            self.opened.set_result(None)
            if rest:
                self._frame(rest, now)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(BenchError(f"the gateway hung up: {error}"))

    def _frame(self, data: bytes, now: float) -> None:
        if data[0] == CLOSE and not self.closed_at:
            self.closed_at, self.code = now, int.from_bytes(data[2:4], "big")
            self._transport.write(b"\x88\x82\x00\x00\x00\x00" + data[2:4])
            self._transport.close()


class SilentBackend(asyncio.Protocol):
    """Accepts, keeps quiet, and answers a Close."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._data = b""
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        if self._is_open:
            self._transport.write(b"\x88\x00")
            self._transport.close()
            return
        self._data += data
        if b"\r\n\r\n" in self._data:
            from gateway.handshake.head import accept_for

            key = next(line for line in self._data.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
            self._transport.write(SWITCHED % accept_for(key.split(b":")[1].strip()).encode())
            self._is_open = True


@dataclass
class World:
    """What the operations act on. Each right has an API, an application and a token of its own, for each round."""

    now: Callable[[], dt.datetime]
    admin: Any
    backend: str
    count: int = 0

    def furnish(self) -> Case:
        """A published API and a subscribed application with a token."""
        from devportal import operations as developing
        from publisher import operations as publishing
        from publisher.models import Plan

        self.count += 1
        actor, name, now = self.admin, f"Bench {self.count}", self.now()
        plan = Plan.objects.get(name="Unlimited")
        api = publishing.create_api(
            name=name,
            context=f"/bench{self.count}",
            version="1",
            endpoint=self.backend,
            plans=[plan],
            publish=True,
            actor=actor,
            now=now,
        )
        application = developing.create_application(name=name, actor=actor, now=now)
        subscription = developing.subscribe(application=application, api=api, plan=plan, actor=actor, now=now)
        client = developing.generate_keys(application=application, key_type="PRODUCTION", actor=actor, now=now).client
        issued = developing.generate_token(client=client, actor=actor, now=now)
        return Case(f"/bench{self.count}/1", issued.token, issued.row, api, application, subscription)


@dataclass(frozen=True)
class Case:
    """What the sockets of one round rest on."""

    path: str
    token: str
    row: Any
    api: Any
    application: Any
    subscription: Any


def _rights(world: World) -> dict[str, Callable[[Case], object]]:
    """What ends, and how."""
    from devportal import operations as developing
    from publisher import operations as publishing
    from publisher.lifecycle import Action

    def by() -> dict[str, Any]:
        return {"actor": world.admin, "now": world.now()}

    return {
        "token revoked": lambda case: developing.revoke_token(row=case.row, **by()),
        "subscription blocked": lambda case: developing.set_subscription_state(
            subscription=case.subscription, state="BLOCKED", **by()
        ),
        "application deleted": lambda case: developing.delete_application(application=case.application, **by()),
        "API blocked": lambda case: publishing.transition_api(api=case.api, action=Action.BLOCK, **by()),
        "deny policy added": lambda case: developing.add_deny_policy(
            kind="APPLICATION", value=str(case.application.pk), **by()
        ),
    }


async def _measure(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(SilentBackend, HOST, options.port_base + 3, backlog=1024)
    world = await asyncio.to_thread(_world, f"ws://{HOST}:{options.port_base + 3}")
    print(f"{options.sockets} sockets, {options.workers} workers; milliseconds from commit to the Close at the client")
    print(f"{'right':<22} {'p50':>6} {'p99':>6} {'max':>6}  code")
    for name, end in _rights(world).items():
        for _ in range(options.rounds):
            case = await asyncio.to_thread(world.furnish)
            await asyncio.sleep(1.0)  # until the workers have heard of it
            clients = await _open(case, options)
            committed = await asyncio.to_thread(_timed, end, case)
            await _until_closed(clients)
            _tell(
                name, sorted((each.closed_at - committed) * 1000 for each in clients), {each.code for each in clients}
            )
    server.close()


async def _open(case: Case, options: argparse.Namespace) -> list[Client]:
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)
    head = (
        f"GET {case.path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {case.token}\r\n\r\n"
    ).encode()

    async def one() -> Client:
        async with gate:
            client = Client(head, loop.create_future())
            await loop.create_connection(lambda: client, HOST, options.port_base + 1)
            await client.opened
            return client

    return await asyncio.gather(*(one() for _ in range(options.sockets)))


async def _until_closed(clients: list[Client]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not all(each.closed_at for each in clients):
        if time.monotonic() > deadline:
            left = sum(not each.closed_at for each in clients)
            raise BenchError(f"{left} sockets are open {PATIENCE:g} s after the right ended.")
        await asyncio.sleep(0.05)


def _timed(end: Callable[[Case], object], case: Case) -> float:
    end(case)
    return time.time()


def _tell(name: str, times: list[float], codes: set[int]) -> None:
    def at(share: float) -> float:
        return times[min(len(times) - 1, int(share * len(times)))]

    print(f"{name:<22} {at(0.5):>6.0f} {at(0.99):>6.0f} {times[-1]:>6.0f}  {codes}", flush=True)


def _world(backend: str) -> World:
    import django

    django.setup()
    from django.utils import timezone

    from accounts.models import User

    return World(timezone.now, User.objects.get(username="admin"), backend)


@contextmanager
def gateway(options: argparse.Namespace, log: Path) -> Iterator[None]:
    """A gateway that answers, on the port after `port_base`; what it writes goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "gateway", "--workers", str(options.workers)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(options.port_base + 1, process, log)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the gateway answers. Its port is open before its workers serve it."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=5) as probe:
            probe.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if probe.recv(16).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.1)
    raise BenchError(f"The gateway does not answer on port {port}.\n{log.read_text()}")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.closes", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port-base", type=int, default=22500)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
