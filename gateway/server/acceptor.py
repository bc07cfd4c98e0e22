"""Takes clients from a listening socket, and never more at a time than there is room for.

The loop's own server takes all who connect at once, and when no descriptor is left it cuts them off without a word.
Here those who are still being greeted (TLS, the head of a request, a refusal on its way out) are counted by the caller,
and while there is no room for more of them the others wait in the kernel's queue.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import cast

from core.client_address import TrustedProxies
from core.enums import at_hand
from gateway import native
from gateway.native import twins
from gateway.native.loop import NativeLoop
from gateway.server.config import GreetedByAddress, ServerLimits
from gateway.server.listeners import CannotServe
from gateway.server.proxy_protocol import LONGEST, BadHeader, parse

PAUSE_SECONDS = 0.02
TLS_SHUTDOWN_SECONDS = 2.0
HEADER_SECONDS = 5.0  # for a proxy to say for whom it speaks
AT_ONCE = 16  # clients that are taken before others have their turn
DESCRIPTORS_OF_A_CLIENT = 2  # its own and its backend's
DESCRIPTORS_KEPT = 128  # for listeners, databases, files, look-ups of names
GREETED = 8  # one in so many of the rest is for clients who are being greeted
FEWEST_OF_AN_ADDRESS = 64  # who come back at once behind one router
FEWEST = DESCRIPTORS_KEPT + 32

log = logging.getLogger("gateway.acceptor")


MakeProtocol = Callable[[tuple[str, int] | None, Callable[[], None] | None], asyncio.Protocol]
"""Makes a client's protocol, given whom a proxy speaks for, if it says so, and what to call when it is greeted."""


@at_hand
class AcceptorState(Enum):
    """What a listening socket is to those who come."""

    TAKING = "they are taken one after the other"
    RESTING = "they wait in the kernel's queue for a moment"
    CLOSED = "somebody else takes them, or nobody"


NEXT: dict[AcceptorState, set[AcceptorState]] = {
    AcceptorState.TAKING: {AcceptorState.RESTING, AcceptorState.CLOSED},
    AcceptorState.RESTING: {AcceptorState.TAKING, AcceptorState.CLOSED},
    AcceptorState.CLOSED: set(),
}
"""What may become of an acceptor. It begins at rest."""


class Acceptor:
    """One listening socket. `make` gives each client its protocol; `room` says how many more may come in.

    With `proxy_protocol` each of the `proxies` has to say for whom it speaks, and nobody else can.
    """

    def __init__(
        self,
        sock: socket.socket,
        make: MakeProtocol,
        room: Callable[[], int],
        *,
        by_address: GreetedByAddress,
        proxies: TrustedProxies,
        proxy_protocol: bool = False,
        tls: ssl.SSLContext | None = None,
        tls_seconds: float = 5.0,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._make = make
        self._room = room
        self._by_address = by_address
        self._proxies = proxies
        self._proxy_protocol = proxy_protocol
        self._tls = tls
        self._tls_seconds = tls_seconds if tls else None
        self._greeting: set[asyncio.Task[None]] = set()
        self._securing: set[native.Transport] = set()
        self._twin = twins.of(tls)
        is_quick = isinstance(self._loop, NativeLoop) and (self._twin or not tls)
        self._quick = cast(NativeLoop, self._loop).engine if is_quick else None
        self._sock.setblocking(False)
        self._pause: asyncio.TimerHandle | None = None
        self.state = AcceptorState.RESTING
        self._become(AcceptorState.TAKING)

    def __len__(self) -> int:
        """How many clients have been taken and are not connected yet."""
        return len(self._greeting) + len(self._securing)

    def close(self) -> None:
        """Take nobody more, from the first call on. Those who have been taken are greeted on."""
        if self.state is not AcceptorState.CLOSED:
            self._become(AcceptorState.CLOSED)

    def cut(self) -> None:
        """Give up on those who are being greeted."""
        for task in self._greeting:
            task.cancel()
        for transport in list(self._securing):
            transport.abort()

    def _become(self, state: AcceptorState) -> None:
        if state not in NEXT[self.state]:
            raise RuntimeError(f"An acceptor that is {self.state.name} cannot become {state.name}.")
        if self.state is AcceptorState.TAKING:
            self._loop.remove_reader(self._sock)
        elif self._pause:
            self._pause.cancel()
        self.state = state
        match state:
            case AcceptorState.TAKING:
                self._loop.add_reader(self._sock, self._take)
            case AcceptorState.RESTING:
                self._pause = self._loop.call_later(PAUSE_SECONDS, self._become, AcceptorState.TAKING)
            case AcceptorState.CLOSED:
                self._sock.close()

    def _take(self) -> None:
        """One client: the loop comes again while there are more, and to the others in between."""
        if self._quick:
            self._take_quickly(self._quick)
            return
        if self._room() <= 0:
            self._become(AcceptorState.RESTING)
            return
        try:
            client, peer = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            log.error("No client can be taken at the moment: %s", error)
            self._become(AcceptorState.RESTING)
            return
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        is_proxy = address in self._proxies
        if not is_proxy and self._by_address.is_full(address):
            _reset(client)
            return
        self._greet(client, address, is_proxy)

    def _take_quickly(self, engine: native.Engine) -> None:
        """Some clients, without a task for any of them; those of a proxy are taken as ever."""
        if (room := self._room()) <= 0:
            self._become(AcceptorState.RESTING)
            return
        listening = self._sock.fileno()
        for _ in range(min(room, AT_ONCE)):
            try:
                found = engine.accept(listening)
            except OSError as error:
                log.error("No client can be taken at the moment: %s", error)
                self._become(AcceptorState.RESTING)
                return
            if found is None:
                return
            fd, peer = found
            if peer is None or peer[0] in self._proxies:
                self._greet(socket.socket(fileno=fd), str(peer[0]) if peer else "", peer is not None)
            elif self._by_address.is_full(peer[0]):
                _reset(socket.socket(fileno=fd))
            else:
                self._adopt(engine, fd, peer)

    def _adopt(self, engine: native.Engine, fd: int, peer: tuple[str, int]) -> None:
        leave = self._by_address.enter(peer[0])
        protocol = self._make(peer[:2], leave)  # of an IPv6 address there are four parts
        if not self._tls:
            try:
                engine.adopt(fd, protocol, None, None, None)
            except OSError:  # it has gone
                leave()
            return

        def settle(error: BaseException | None) -> None:
            deadline.cancel()
            self._securing.discard(transport)
            if error is not None:  # it has gone, or does not speak TLS
                leave()

        transport = engine.adopt(fd, protocol, self._twin, None, settle)
        deadline = self._loop.call_later(self._tls_seconds or 0.0, transport.abort)
        self._securing.add(transport)

    def _greet(self, client: socket.socket, address: str, is_proxy: bool) -> None:
        task = self._loop.create_task(self._connect(client, address, is_proxy))
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    async def _connect(self, client: socket.socket, address: str, is_proxy: bool) -> None:
        """Greet one client, which counts for its address until its protocol says that it is greeted."""
        source = None
        if is_proxy and self._proxy_protocol:
            try:
                source = await self._source(client)
            except (BadHeader, OSError) as error:
                log.warning("%s does not say for whom it speaks, and is refused: %s", address, error)
                client.close()
                return
            except BaseException:
                client.close()
                raise
        if source and self._by_address.is_full(source[0]):
            _reset(client)
            return
        # Who is only known to come from a proxy counts for no address: all its clients would share that one.
        leave = None if is_proxy and not source else self._by_address.enter(source[0] if source else address)
        try:
            await self._loop.connect_accepted_socket(
                partial(self._make, source, leave),
                client,
                ssl=self._tls,
                ssl_handshake_timeout=self._tls_seconds,
                ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS if self._tls else None,
            )
        except BaseException as error:
            if leave:
                leave()
            if not isinstance(error, OSError):  # it has gone, or does not speak TLS
                raise

    async def _source(self, client: socket.socket) -> tuple[str, int] | None:
        """Read the PROXY protocol's header and not a byte behind it. Raises BadHeader, OSError or TimeoutError."""
        client.setblocking(False)
        read, is_readable = b"", asyncio.Event()
        async with asyncio.timeout(HEADER_SECONDS):
            while True:
                is_readable.clear()
                self._loop.add_reader(client, is_readable.set)
                try:
                    await is_readable.wait()
                finally:
                    self._loop.remove_reader(client)
                waiting = client.recv(LONGEST, socket.MSG_PEEK)
                if not waiting:
                    raise BadHeader("The connection ended before its header did.")
                found = parse(read + waiting)
                read += client.recv(found.length - len(read) if found else len(waiting))
                if found:
                    return found.source


def _reset(client: socket.socket) -> None:
    """Let go of a client at once, without keeping its port for a minute."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def with_room(limits: ServerLimits, most: int = 0, per_address: int = 0) -> ServerLimits:
    """No more clients than there are descriptors for, nor than `most` unless that is 0. Raises CannotServe.

    Of those who are being greeted at most `per_address` come from one address: a quarter, if that is 0.
    """
    descriptors = raise_descriptor_limit()
    if descriptors < FEWEST:
        raise CannotServe(
            f"The gateway may open {descriptors} files only, and needs {FEWEST} for its first clients: "
            "allow it more (ulimit -n; LimitNOFILE= under systemd)."
        )
    spare = descriptors - DESCRIPTORS_KEPT
    greeted = spare // GREETED
    clients = min(limits.connections, (spare - greeted) // DESCRIPTORS_OF_A_CLIENT)
    return replace(
        limits,
        connections=min(clients, most) if most else clients,
        greeted=greeted,
        greeted_per_address=per_address or max(FEWEST_OF_AN_ADDRESS, greeted // 4),
    )


def raise_descriptor_limit() -> int:
    """Allow this process as many descriptors as it may have; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 20 if allowed == resource.RLIM_INFINITY else allowed
