"""`python -m bench.closes`: how long after a right has ended do its open sockets close?

Starts the gateway with two workers on a data folder of its own and opens a thousand sockets through it. Then a right is
ended by the operation that the pages use, and for each socket the time is taken from the commit of that operation to
the moment when the client has read the Close frame. Prints a line for each right and round, in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
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
PATIENCE = 60.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CLOSE = 0x88
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.closes", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--settle", type=float, default=1.0, help="seconds for the workers to hear of a change (1)")
    parser.add_argument("--port-base", type=int, default=22500)
    options = parser.parse_args(arguments)
    processes.require_free(options.port_base + 1)
    with tempfile.TemporaryDirectory(prefix="bench-closes-") as folder:
        set_up(Path(folder), options.port_base)
        with gateway(options, Path(folder) / "log.txt"):
            asyncio.run(measure(options))
    return 0


def set_up(folder: Path, port_base: int) -> None:
    """From now on this process and those it starts use the installation of the product in `folder`, a fresh one where
    there is none yet."""
    ports = ("APIM_PORTAL_PORT", "APIM_GATEWAY_WS_PORT", "APIM_GATEWAY_WSS_PORT")
    os.environ.update({name: str(port_base + number) for number, name in enumerate(ports)})
    os.environ.update(
        APIM_METRICS_PORT="0",
        APIM_BACKEND_NETWORKS="127.0.0.1",
        DJANGO_SETTINGS_MODULE="apimanager.settings",
        APIM_DATA_DIR=str(folder / "var"),
    )
    if Path(folder, "var").exists():
        return
    setup = subprocess.run([sys.executable, "manage.py", "setup"], cwd=ROOT, capture_output=True, check=False)
    if setup.returncode:
        raise BenchError((setup.stdout + setup.stderr).decode())


class Peer(asyncio.Protocol):
    """One end of a socket: shakes hands, and then has `read` look at `data` whenever more of it has come.

    The client's end sends `head`. That of a backend has none, and accepts whatever it is asked.
    """

    def __init__(self, head: bytes = b"") -> None:
        self.head = head
        self.data = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.transport.write(self.head)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.opened.done():
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end:
                return
            if self.head and not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(BenchError(head.decode("latin-1")))
                return
            if not self.head:
                from gateway.handshake.head import accept_for

                key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
                self.transport.write(SWITCHED % accept_for(key.split(b":")[1].strip()).encode())
            self.opened.set_result(None)
            self.data = rest
        if self.data:
            self.read()

    def connection_lost(self, error: Exception | None) -> None:
        if self.head and not self.opened.done():
            self.opened.set_exception(BenchError(f"the gateway hung up: {error}"))

    def read(self) -> None:
        """Take from `data` what can be used."""
        self.data = b""


class Client(Peer):
    """Waits for the Close."""

    closed_at = 0.0
    code = 0

    def read(self) -> None:
        data, self.data = self.data, b""
        if data[0] == CLOSE and not self.closed_at:
            self.closed_at, self.code = time.time(), int.from_bytes(data[2:4], "big")
            self.transport.write(b"\x88\x82\x00\x00\x00\x00" + data[2:4])
            self.transport.close()


class SilentBackend(Peer):
    """Keeps quiet, and answers a Close."""

    def read(self) -> None:
        self.transport.write(b"\x88\x00")
        self.transport.close()


@dataclass(frozen=True)
class Case:
    """What the sockets of one round rest on. Each right has an API, an application and a token of its own, for each
    round."""

    path: str
    token: str
    row: Any
    api: Any
    application: Any
    subscription: Any

    @property
    def head(self) -> bytes:
        """The upgrade request of a client."""
        return (
            f"GET {self.path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        ).encode()


def furnish(name: str, port: int, limits: dict[str, Any] | None = None) -> Case:
    """A published API called `name` in front of the backend on `port`, and a subscribed application with a token. Its
    plan has these limits, or none."""
    from django.utils import timezone

    from accounts.models import User
    from devportal import operations as developing
    from publisher import operations as publishing
    from publisher.models import Plan

    by: dict[str, Any] = {"actor": User.objects.get(username="admin"), "now": timezone.now()}
    if limits is not None:
        plan = publishing.create_plan(fields={"name": name, **limits}, **by)
    else:
        plan = Plan.objects.get(name="Unlimited")
    context, endpoint = f"/{name.lower()}", f"ws://{HOST}:{port}"
    api = publishing.create_api(
        name=name, context=context, version="1", endpoint=endpoint, plans=[plan], publish=True, **by
    )
    application = developing.create_application(name=name, **by)
    subscription = developing.subscribe(application=application, api=api, plan=plan, **by)
    client = developing.generate_keys(application=application, key_type="PRODUCTION", **by).client
    issued = developing.generate_token(client=client, **by)
    return Case(f"{context}/1", issued.token, issued.row, api, application, subscription)


async def open_sockets(clients: list[Peer], port: int) -> None:
    """Connect all of them, `AT_ONCE` at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def connect(client: Peer) -> None:
        async with gate, asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().create_connection(lambda: client, HOST, port)
            await client.opened

    await asyncio.gather(*(connect(client) for client in clients))


def rights() -> dict[str, Callable[..., object]]:
    """What ends, and how."""
    from devportal import operations as developing
    from publisher import operations as publishing
    from publisher.lifecycle import Action

    return {
        "token revoked": lambda case, **by: developing.revoke_token(row=case.row, **by),
        "subscription blocked": lambda case, **by: developing.set_subscription_state(
            subscription=case.subscription, state="BLOCKED", **by
        ),
        "application deleted": lambda case, **by: developing.delete_application(application=case.application, **by),
        "API blocked": lambda case, **by: publishing.transition_api(api=case.api, action=Action.BLOCK, **by),
        "deny policy added": lambda case, **by: developing.add_deny_policy(
            kind="APPLICATION", value=str(case.application.pk), **by
        ),
    }


async def measure(options: argparse.Namespace) -> None:
    """End each right in turn, and print when its sockets closed."""
    import django

    django.setup()
    from django.utils import timezone

    server = await asyncio.get_running_loop().create_server(SilentBackend, HOST, options.port_base + 3, backlog=1024)
    print(f"{options.sockets} sockets, {options.workers} workers; milliseconds from commit to the Close at the client")
    print(f"{'right':<22} {'p50':>6} {'p99':>6} {'max':>6}  code")
    for number, (name, end) in enumerate([item for item in rights().items() for _ in range(options.rounds)]):
        case = await asyncio.to_thread(furnish, f"Bench{number}", options.port_base + 3)
        await asyncio.sleep(options.settle)
        clients = [Client(case.head) for _ in range(options.sockets)]
        await open_sockets([*clients], options.port_base + 1)
        by = {"actor": case.application.owner, "now": timezone.now()}
        committed = await asyncio.to_thread(lambda end=end, case=case, by=by: (end(case, **by), time.time())[1])
        deadline = time.monotonic() + PATIENCE
        while left := sum(not each.closed_at for each in clients):
            if time.monotonic() > deadline:
                raise BenchError(f"{left} sockets are open {PATIENCE:g} s after the right ended.")
            await asyncio.sleep(0.05)
        times = sorted((each.closed_at - committed) * 1000 for each in clients)
        p50, p99 = (times[min(len(times) - 1, int(share * len(times)))] for share in (0.5, 0.99))
        print(f"{name:<22} {p50:>6.0f} {p99:>6.0f} {times[-1]:>6.0f}  { {each.code for each in clients} }", flush=True)
    server.close()


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
        port, deadline = options.port_base + 1, time.monotonic() + PATIENCE
        while True:  # its port is open before its workers serve it
            with suppress(OSError), socket.create_connection((HOST, port), timeout=5) as probe:
                probe.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if probe.recv(16).startswith(b"HTTP/1.1 200"):
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"The gateway does not answer on port {port}.\n{log.read_text()}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
