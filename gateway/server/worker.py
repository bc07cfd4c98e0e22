"""One worker process: its listening sockets, its connections, and an end that no client takes for a fault."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from django.db import Error as DatabaseError
from uvicorn.server import ServerState

from core.client_address import TrustedProxies
from gateway import close_codes, native, refusals
from gateway.control.plane import ControlPlane
from gateway.logging import redaction
from gateway.native.loop import NativeLoop, new_event_loop
from gateway.observability import access_log
from gateway.observability.refusal_log import RefusedRequest
from gateway.refusals import Refusal
from gateway.relay.splice import Relay
from gateway.relay.timer_wheel import TimerWheel
from gateway.server import listeners
from gateway.server.acceptor import Acceptor, with_room
from gateway.server.asgi import gateway_application
from gateway.server.config import ServerConfig, ServerLimits, WorkerConfig
from gateway.server.context import GatewayContext
from gateway.server.http import GatewayHttp
from gateway.server.listeners import CannotServe, Listener
from gateway.server.memory_guard import MemoryGuard, control_group_memory
from gateway.server.processes import Flag, cores
from gateway.server.quick import QuickEntry, QuickWay
from gateway.server.websocket import PendingWebSocket

ANSWER_SECONDS, FLUSH_SECONDS, CUT_SECONDS = 0.7, 0.2, 0.1  # what of it the last clients have
ASKING_SHARE = 0.6  # of the drain time, over which clients are asked to go; the rest is for answers
YOUNG = 5000  # objects between two looks of the collector: those of a hundred handshakes, whom it mostly finds alive
HANDOVER_SHARE = 0.04  # of the drain time, for workers that are renewed at once to close their ports, all of them

log = logging.getLogger("gateway")

Opener = Callable[[], tuple[GatewayContext, ControlPlane | None]]
"""Makes what one worker needs, in its own process and event loop. The control plane, if any, is yet to be started."""


@dataclass(slots=True)
class Inheritance:
    """What every child has from the master that forked it.

    `is_ending` is set once a worker that is told to stop has no successor. `of_others` are open sockets that no worker
    serves.
    """

    config: ServerConfig
    open_context: Opener
    listeners: Sequence[Listener]
    is_ending: Flag = field(default_factory=Flag)
    of_others: list[socket.socket] = field(default_factory=list)


def work(inheritance: Inheritance, number: int, on_ready: Callable[[], None]) -> int:
    """One worker, in its own process, until it is told to stop; the exit code. `on_ready` is called once it serves."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    redaction.install()
    listeners.close(inheritance.listeners, except_worker=number)
    for sock in inheritance.of_others:
        sock.close()
    try:
        config = inheritance.config
        tls = listeners.tls_context(config.certificate, config.key, config.key_password)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_work(inheritance, number, tls, on_ready))
    except CannotServe as error:
        log.error("%s", error)
        return 1
    return 0


class Worker:
    """The acceptors and connections of one process. Also what tests run, in their own loop, on their own sockets."""

    def __init__(
        self,
        context: GatewayContext,
        *,
        limits: ServerLimits | None = None,
        proxies: TrustedProxies | None = None,
        proxy_protocol: bool = False,
        drain: float = 5.0,
        tick: float = 0.5,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.context = context
        self._drain_seconds = drain
        self._state = ServerState()
        self._acceptors: list[Acceptor] = []
        self.config = WorkerConfig(
            gateway_application(context),
            http=GatewayHttp,
            ws=PendingWebSocket,  # only that there is one
            wheel=TimerWheel(self._loop, tick),
            limits=limits,
            proxies=proxies,
        )
        self._proxy_protocol = proxy_protocol
        slow = partial(GatewayHttp, self.config, self._state, {}, self._loop)
        self._quick = QuickWay(context, self.config, cast("set[Any]", self._state.connections), self._loop, slow)
        self.config.on_refusal = self._refused
        self.config.load()

    async def listen(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Take clients from a bound socket. With `tls` half of the time for the head is for the TLS handshake."""
        seconds = self.config.limits.head_seconds / 2
        acceptor = Acceptor(
            sock,
            self._greet,
            self._room,
            by_address=self.config.greeted_by_address,
            proxies=self.config.proxies,
            proxy_protocol=self._proxy_protocol,
            tls=tls,
            tls_seconds=seconds,
        )
        self._acceptors.append(acceptor)

    def _greet(self, source: tuple[str, int] | None, on_greeted: Callable[[], None] | None) -> asyncio.Protocol:
        """What reads a new client's request: of one who is not known by its address alone, the one that reads any."""
        if native.REASON or source is None or on_greeted is None:
            return self._quick.slow(source, on_greeted)
        return QuickEntry(self._quick, source, on_greeted)

    async def stop(self, *, answers: bool = False) -> None:
        """Ask the clients to go one after the other over the drain time, then cut those who are still here.

        With `answers` the ports stay open until the end: newcomers are refused with 503, and so is `GET /ready`. Else
        somebody else takes clients from the same sockets, and a client that was taken here but whose handshake is still
        on its way is let in as long as there is time: nobody is to notice that a worker is renewed.
        """
        self.context.not_ready = lambda: refusals.STOPPING.description
        self.context.is_stopping = answers
        deadline = self._loop.time() + self._drain_seconds
        if not answers:
            for acceptor in self._acceptors:
                acceptor.close()
            await asyncio.sleep(self._drain_seconds * HANDOVER_SHARE)
        await self._ask_to_go(deadline)
        await self._until_gone(deadline - self._loop.time())
        self.context.is_stopping = True
        await self._ask_to_go(self._loop.time())
        await self._until_gone(ANSWER_SECONDS)
        for acceptor in self._acceptors:
            acceptor.close()
        for relay in list(self.config.relays):
            relay.finish()
        await self._until_gone(FLUSH_SECONDS)
        for relay in list(self.config.relays):
            relay.abort()
        for connection in list(self._state.connections):
            connection.transport.abort()
        for acceptor in self._acceptors:
            acceptor.cut()
        await self._until_gone(CUT_SECONDS)

    async def _ask_to_go(self, deadline: float) -> None:
        """One after the other over most of the time until then; each may wait until then for its last answers."""
        connections = list(self.context.connections)
        begun = self._loop.time()
        seconds = (deadline - begun) * ASKING_SHARE
        for number, connection in enumerate(connections):
            ahead = begun + seconds * number / len(connections) - self._loop.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
            code, reason = close_codes.RESTARTING.code, close_codes.RESTARTING.reason
            left = deadline - self._loop.time()
            match connection.relay:
                case None:
                    connection.close(code, reason)
                case Relay() as relay if left > 0:
                    relay.retire(code, reason, left)
                case relay:
                    relay.leave(code, reason)

    async def _until_gone(self, seconds: float) -> None:
        """Wait so long at most for handshakes, answers to plain requests and relays to end."""
        deadline = self._loop.time() + seconds
        while self._loop.time() < deadline:
            is_greeting = bool(self._state.connections) or any(map(len, self._acceptors))
            if not is_greeting and not self.config.relays:
                return
            await asyncio.sleep(0.02)

    def _room(self) -> int:
        """For how many more to say what they want, beside those who have not yet or are told that they cannot."""
        greeted: list[Sized] = [*self._acceptors, self.config.heads, self.config.lingering]
        return self.config.limits.greeted - sum(map(len, greeted))

    def _refused(self, refusal: Refusal, client: str, request_id: str) -> None:
        self.context.telemetry.refused(refusal, RefusedRequest(request_id, client))
        if self.context.write_access:
            access_log.turned_away(client, refusal, request_id)


async def _work(inheritance: Inheritance, number: int, tls: ssl.SSLContext, on_ready: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for asked in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asked, stopping.set)
    config = inheritance.config
    if isinstance(loop, NativeLoop):
        loop.engine.may_poll = config.workers <= cores()
    context, control = inheritance.open_context()
    try:
        if control:
            await control.start()
    except DatabaseError as error:
        raise CannotServe(
            f"The gateway cannot read the database ({type(error).__name__}): "
            "check DATABASE_URL, and prepare it with `manage.py setup`."
        ) from error
    # What is there by now stays until the end. The collector, which stops everybody, need not go through it ever again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
    worker = Worker(
        context,
        limits=with_room(config.limits, config.connections, config.greeted_per_address),
        proxies=config.proxies,
        proxy_protocol=config.proxy_protocol,
        drain=config.drain,
    )
    guard = MemoryGuard(context.connections, control_group_memory)
    is_ready, context.is_short = context.not_ready, lambda: guard.is_short
    context.not_ready = lambda: refusals.SERVER_FULL.description if guard.is_short else is_ready()
    guarding = asyncio.create_task(guard.guard(), name="gateway-memory")
    try:
        on_ready()  # first: a master that thinks the worker missing takes its sockets back only until it hears this
        listeners.resume(inheritance.listeners, number)
        for listener in inheritance.listeners:
            if listener.worker == number:
                await worker.listen(listener.sock, tls if listener.is_secure else None)
        await stopping.wait()
        await worker.stop(answers=bool(inheritance.is_ending))
    finally:
        guarding.cancel()
        if control:
            await control.stop()
