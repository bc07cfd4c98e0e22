"""The gateway's processes: workers, signals, and an end that no client takes for a fault.

`run(Plan)` binds the ports, starts the workers and keeps them running. A worker that dies is replaced; on SIGHUP they
are replaced one after the other, and each time the successor takes clients from the same sockets before the old worker
is told to go.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import uvloop
from django.db import Error as DatabaseError
from uvicorn.server import ServerState

from gateway import access, closing, metrics, ports, redaction, reporting
from gateway.authorization import Refuse
from gateway.consumers import Door, gateway_application
from gateway.entrance import Entrance, with_room
from gateway.ports import CannotServe
from gateway.processes import Child, Flag
from gateway.protocol import GatewayConfig, GatewayHttp, Limits
from gateway.supervision import Backoff, Supervisor
from gateway.wheel import Wheel

DYING_SECONDS = 2.0  # for a worker to end after its drain time, before it is killed
ANSWER_SECONDS, FLUSH_SECONDS, CUT_SECONDS = 0.7, 0.2, 0.1  # what of it the last clients have
GARBAGE = (5_000, 20, 20)  # for `gc.set_threshold`: a visit makes some hundred objects that are to be looked at
LONGEST_PAUSE = 1.0  # seconds before a worker that died is replaced, however often it does

log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `drain` is the seconds over which clients are asked to go when the gateway stops.

    `connections` is the most WebSockets in each worker, 0 for as many as it has descriptors for. Metrics are served on
    `metrics_port` of this machine, unless it is 0, out of what workers put into `metrics_folder`.
    """

    hosts: Sequence[str]
    ws_port: int
    wss_port: int
    certificate: Path
    key: Path
    workers: int = 1
    drain: float = 5.0
    connections: int = 0
    limits: Limits = field(default_factory=Limits)
    metrics_port: int = 0
    metrics_folder: Path | None = None


class ControlPlane(Protocol):
    """What a worker starts before its first client and stops after its last."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


Opener = Callable[[], tuple[Door, ControlPlane | None]]


def run(plan: Plan, open_door: Opener, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. `open_door` is called in each worker. Raises CannotServe.

    On SIGHUP the workers are replaced one after the other, with the certificate of that moment; the ports stay open.
    """
    ports.tls_context(plan.certificate, plan.key)  # so that what is wrong with it is said before anything starts
    with_room(plan.limits)
    house = _House(plan, open_door)
    gc.collect()
    gc.freeze()  # what is imported now is shared by the workers and never garbage
    gc.set_threshold(*GARBAGE)
    supervisor = Supervisor(house.children(), backoff=Backoff(maximum=LONGEST_PAUSE), say=say, on_stop=house.end)
    return supervisor.run(renew_on=signal.SIGHUP)


class _House:
    """What the processes share: the sockets, and whether all of this is coming to its end."""

    def __init__(self, plan: Plan, open_door: Opener) -> None:
        self.plan = plan
        self.open_door = open_door
        self.is_ending = Flag()
        self.listeners = ports.bind_for_workers(
            plan.hosts, ws_port=plan.ws_port, wss_port=plan.wss_port, workers=plan.workers
        )
        self.watched: list[socket.socket] = []

    def children(self) -> list[Child]:
        """The workers, and the process that answers scrapes if there is to be one."""
        workers = [self._worker(number) for number in range(self.plan.workers)]
        return [*workers, *self._metrics()]

    def end(self) -> None:
        """From now on a worker that is told to stop has no successor."""
        self.is_ending.set()
        ports.close(self.listeners)

    def _worker(self, number: int) -> Child:
        ready = Flag()
        deed = partial(work, self, number, ready.set)
        return Child(f"gateway worker {number + 1}", deed, grace=self.plan.drain + DYING_SECONDS, ready=ready)

    def _metrics(self) -> list[Child]:
        port, folder = self.plan.metrics_port, self.plan.metrics_folder
        if not port or folder is None:
            return []
        self.watched = ports.bind("127.0.0.1", port, "APIM_METRICS_PORT")
        reporting.clear(folder)
        return [Child("gateway metrics", partial(watch, self, folder), last=True)]


def watch(house: _House, folder: Path) -> int:
    """Answer scrapes, in a process of its own, until it is told to stop; the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ports.close(house.listeners)
    return metrics.serve(house.watched[0], folder)


def work(house: _House, number: int, on_ready: Callable[[], None]) -> int:
    """One worker, in its own process, until it is told to stop; the exit code. `on_ready` is called once it serves."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    redaction.install()
    ports.close(house.listeners, except_worker=number)
    for sock in house.watched:
        sock.close()
    try:
        tls = ports.tls_context(house.plan.certificate, house.plan.key)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(house, number, tls, on_ready))
    except CannotServe as error:
        log.error("%s", error)
        return 1
    return 0


class Worker:
    """The entrances and connections of one process. Also what tests run, in their own loop, on their own sockets."""

    def __init__(self, door: Door, *, limits: Limits | None = None, drain: float = 5.0, tick: float = 0.5) -> None:
        self._loop = asyncio.get_running_loop()
        self._door = door
        self._drain_seconds = drain
        self._state = ServerState()
        self._entrances: list[Entrance] = []
        self.config = GatewayConfig(gateway_application(door), wheel=Wheel(self._loop, tick), limits=limits)
        self.config.on_refusal = self._refused
        self.config.load()

    async def listen(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take clients from a bound socket. With `tls` half of the time for the head is for the TLS handshake."""
        seconds = self.config.limits.head_seconds / 2
        self._entrances.append(Entrance(sock, self._protocol, self._has_room, tls=tls, tls_seconds=seconds))

    async def stop(self, *, answers: bool = False) -> None:
        """Ask the clients to go one after the other over the drain time, then cut those who are still here.

        With `answers` the ports stay open until the end: newcomers are refused with 503, and so is `GET /ready`. Else
        somebody else takes clients from the same sockets, and a client that was taken here but whose handshake is still
        on its way is let in as long as there is time: nobody is to notice that a worker is renewed.
        """
        self._door.not_ready = lambda: closing.stopping().description
        self._door.is_stopping = answers
        if not answers:
            self._close()
        deadline = self._loop.time() + self._drain_seconds
        await self._ask_to_go(self._drain_seconds)
        while self._is_busy() and self._loop.time() < deadline:
            await asyncio.sleep(0.02)
        self._door.is_stopping = True
        await self._ask_to_go(0.0)
        await self._end()

    async def _ask_to_go(self, seconds: float) -> None:
        lines = list(self._door.connections)
        begun = self._loop.time()
        for number, line in enumerate(lines):
            ahead = begun + seconds * number / len(lines) - self._loop.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
            go = line.passing.leave if line.passing else line.close
            go(closing.RESTARTING.code, closing.RESTARTING.reason)

    async def _end(self) -> None:
        await self._until_gone(ANSWER_SECONDS)
        self._close()
        for relay in list(self.config.relays):
            relay.finish()
        await self._until_gone(FLUSH_SECONDS)
        for relay in list(self.config.relays):
            relay.abort()
        for connection in list(self._state.connections):
            connection.transport.abort()
        for entrance in self._entrances:
            entrance.cut()
        await self._until_gone(CUT_SECONDS)

    async def _until_gone(self, seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while (self.config.relays or self._is_busy()) and self._loop.time() < deadline:
            await asyncio.sleep(0.02)

    def _close(self) -> None:
        for entrance in self._entrances:
            entrance.close()

    def _is_busy(self) -> bool:
        """Whether handshakes, or answers to plain requests, are under way."""
        return bool(self._state.connections) or any(map(len, self._entrances))

    def _has_room(self) -> bool:
        return sum(map(len, self._entrances)) + self.config.greeted < self.config.limits.greeted

    def _protocol(self) -> GatewayHttp:
        return GatewayHttp(self.config, self._state, {}, self._loop)

    def _refused(self, refusal: Refuse, client: str, request_id: str) -> None:
        self._door.observer.refused(refusal)
        if self._door.write_access:
            access.turned_away(client, refusal, request_id)


async def _work(house: _House, number: int, tls: ssl.SSLContext, on_ready: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for asked in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asked, stopping.set)
    door, control = house.open_door()
    if control:
        await _start(control)
    worker = Worker(door, limits=with_room(house.plan.limits, house.plan.connections), drain=house.plan.drain)
    try:
        for listener in house.listeners:
            if listener.worker == number:
                await worker.listen(listener.sock, tls if listener.is_secure else None)
        on_ready()
        await stopping.wait()
        await worker.stop(answers=bool(house.is_ending))
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
