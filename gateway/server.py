"""The gateway's processes: listeners, workers, signals, and an end that no client takes for a fault.

`run(Plan)` binds the ports, starts the workers and keeps them running. Each worker has a listening socket of its own
per port (SO_REUSEPORT, so that the kernel spreads clients evenly), which stays open in the parent: clients that knock
while a dead worker is being replaced wait in its queue.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import uvloop
from django.db import Error as DatabaseError
from uvicorn.server import ServerState

from gateway import closing, metrics, redaction, reporting
from gateway.consumers import Door, gateway_application
from gateway.protocol import GatewayConfig, GatewayHttp, Limits
from gateway.supervision import Child, Flag, Supervisor
from gateway.wheel import Wheel

BACKLOG = 4096
DESCRIPTORS_PER_CLIENT = 2
DESCRIPTORS_KEPT = 200  # for listeners, databases, logs, dials under way

log = logging.getLogger("gateway")


class CannotServe(Exception):
    """The gateway cannot start. The text is one sentence: what is wrong, where, and the way out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `drain` is the seconds over which clients are asked to go when the gateway stops.

    Metrics are served on `metrics_port` of this machine, unless it is 0, out of what workers put into `metrics_folder`.
    """

    hosts: Sequence[str]
    ws_port: int
    wss_port: int
    certificate: Path
    key: Path
    workers: int = 1
    drain: float = 5.0
    limits: Limits = field(default_factory=Limits)
    metrics_port: int = 0
    metrics_folder: Path = Path()


class Listener(NamedTuple):
    """One worker's socket for one port."""

    worker: int
    sock: socket.socket
    is_secure: bool


class ControlPlane(Protocol):
    """What a worker starts before its first client and stops after its last."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


Opener = Callable[[], tuple[Door, ControlPlane | None]]


def run(plan: Plan, open_door: Opener, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `open_door` is called in each worker. Raises CannotServe.

    On SIGHUP the workers are replaced one after the other, with the certificate of that moment; the ports stay open.
    """
    tls_context(plan.certificate, plan.key)  # so that what is wrong with it is said before anything starts
    raise_descriptor_limit()
    listeners = _bind_all(plan)
    watching = _watching(plan, listeners)
    gc.collect()
    gc.freeze()  # what is imported now is shared by the workers and never garbage
    children = [_worker(number, plan, listeners, open_door) for number in range(plan.workers)]
    supervisor = Supervisor([*children, *watching], say=say, on_stop=lambda: _close(listeners))
    return supervisor.run(renew_on=signal.SIGHUP)


def _worker(number: int, plan: Plan, listeners: Sequence[Listener], open_door: Opener) -> Child:
    ready = Flag()
    deed = partial(work, number, plan, listeners, open_door, ready.set)
    return Child(f"gateway worker {number + 1}", deed, grace=plan.drain + 5, ready=ready)


def _watching(plan: Plan, listeners: Sequence[Listener]) -> list[Child]:
    """The process that answers scrapes, if there is to be one."""
    if not plan.metrics_port:
        return []
    (sock,) = bind("127.0.0.1", plan.metrics_port, "APIM_METRICS_PORT")
    reporting.clear(plan.metrics_folder)

    def watch() -> int:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _close(listeners)
        return metrics.serve(sock, plan.metrics_folder)

    return [Child("gateway metrics", watch)]


def work(
    number: int, plan: Plan, listeners: Sequence[Listener], open_door: Opener, on_ready: Callable[[], None]
) -> int:
    """One worker, in its own process, until it is told to stop; the exit code. `on_ready` is called once it serves."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    redaction.install()
    _close(listeners, except_worker=number)
    try:
        tls = tls_context(plan.certificate, plan.key)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            mine = [each for each in listeners if each.worker == number]
            runner.run(_work(plan, mine, tls, open_door, on_ready))
    except CannotServe as error:
        log.error("%s", error)
        return 1
    return 0


class Worker:
    """The listeners and connections of one process. Also what tests run, in their own loop, on their own sockets."""

    def __init__(self, door: Door, *, limits: Limits | None = None, drain: float = 5.0, tick: float = 0.5) -> None:
        self._loop = asyncio.get_running_loop()
        self._door = door
        self._drain_seconds = drain
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []
        self.config = GatewayConfig(gateway_application(door), wheel=Wheel(self._loop, tick), limits=limits)
        self.config.on_refusal = door.observer.refused
        self.config.load()

    async def listen(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take clients from a bound socket. With `tls` half of the time for the head is for the TLS handshake."""
        seconds = self.config.limits.head_seconds / 2
        server = await self._loop.create_server(
            lambda: GatewayHttp(self.config, self._state, {}, self._loop),
            sock=sock,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=seconds if tls else None,
            ssl_shutdown_timeout=2.0 if tls else None,
        )
        self._servers.append(server)

    async def stop(self) -> None:
        """Take no more clients, ask those here to go one after the other over the drain time, then cut the rest.

        A client whose connection was taken but whose handshake is still on its way is let in as long as there is time:
        while workers are renewed nobody is to notice.
        """
        self._door.not_ready = lambda: closing.stopping().description
        for server in self._servers:
            server.close()
        deadline = self._loop.time() + self._drain_seconds
        await self._ask_to_go(self._drain_seconds)
        while self._state.connections and self._loop.time() < deadline:
            await asyncio.sleep(0.02)
        self._door.is_stopping = True
        await self._ask_to_go(0.0)
        await self._until_gone(1.0)
        for relay in list(self.config.relays):
            relay.finish()
        await self._until_gone(0.5)
        for relay in list(self.config.relays):
            relay.abort()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await self._until_gone(0.2)

    async def _ask_to_go(self, seconds: float) -> None:
        lines = list(self._door.connections)
        pause = seconds / len(lines) if lines else 0.0
        begun = self._loop.time()
        for number, line in enumerate(lines):
            go = line.passing.leave if line.passing else line.close
            go(closing.RESTARTING.code, closing.RESTARTING.reason)
            ahead = begun + pause * number - self._loop.time()
            if ahead > 0:
                await asyncio.sleep(ahead)

    async def _until_gone(self, seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while (self.config.relays or self._state.connections) and self._loop.time() < deadline:
            await asyncio.sleep(0.02)


async def _work(
    plan: Plan, listeners: Sequence[Listener], tls: ssl.SSLContext, open_door: Opener, on_ready: Callable[[], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    door, control = open_door()
    if control:
        await _start(control)
    worker = Worker(door, limits=_with_room(plan.limits), drain=plan.drain)
    try:
        for listener in listeners:
            await worker.listen(listener.sock, tls if listener.is_secure else None)
        on_ready()
        await stopping.wait()
        await worker.stop()
    finally:
        if control:
            await control.stop()


async def _start(control: ControlPlane) -> None:
    try:
        await control.start()
    except DatabaseError as error:
        raise CannotServe(
            f"The gateway cannot read the database ({type(error).__name__}): "
            "check DATABASE_URL, and prepare it with `manage.py setup`."
        ) from error


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context for this pair of PEM files. Raises CannotServe when they cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise CannotServe(
            f"The TLS certificate {certificate} and key {key} cannot be used ({_why(error)}): "
            "correct APIM_TLS_CERTIFICATE and APIM_TLS_KEY, or unset both to have a certificate made."
        ) from error
    return context


def raise_descriptor_limit() -> int:
    """Allow this process as many descriptors as it may have; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def bind(host: str, port: int, setting: str, count: int = 1) -> list[socket.socket]:
    """`count` sockets that share one port. Raises CannotServe when somebody else has it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with _socket(family, kind, protocol) as probe:  # a shared port would also be shared with a stranger
            probe.bind(address)
        return [_shared(family, kind, protocol, address) for _ in range(count)]
    except OSError as error:
        raise CannotServe(_port_sentence(host, port, setting, error)) from error


def _bind_all(plan: Plan) -> list[Listener]:
    ports = ((plan.ws_port, "APIM_GATEWAY_WS_PORT", False), (plan.wss_port, "APIM_GATEWAY_WSS_PORT", True))
    return [
        Listener(worker, sock, is_secure)
        for port, setting, is_secure in ports
        for host in plan.hosts
        for worker, sock in enumerate(bind(host, port, setting, plan.workers))
    ]


def _close(listeners: Iterable[Listener], except_worker: int | None = None) -> None:
    for listener in listeners:
        if listener.worker != except_worker:
            listener.sock.close()


def _with_room(limits: Limits) -> Limits:
    """No more clients than there are descriptors for."""
    room = (raise_descriptor_limit() - DESCRIPTORS_KEPT) // DESCRIPTORS_PER_CLIENT
    return Limits(limits.head_seconds, limits.head_bytes, max(1, min(limits.connections, room)))


def _socket(family: int, kind: int, protocol: int) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def _shared(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    sock = _socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(address)
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def _port_sentence(host: str, port: int, setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program: stop that program or choose another port with {setting}."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has: choose a port above 1023 with {setting}."
    return f"Port {port} on {host} cannot be listened on ({_why(error)}): check APIM_BIND and {setting}."


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _no_password() -> str:
    raise ValueError("the key is encrypted")
