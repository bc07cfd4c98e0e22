"""An event loop whose selector is the engine: connections of the gateway are served inside of `select`.

Everything else is asyncio's own loop of selectors: timers, threads, other descriptors. What passes from one spliced
connection to the other does not come up to Python at all.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import ssl as tls
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import uvloop

from gateway import native
from gateway.native import twins

P = TypeVar("P", bound=asyncio.BaseProtocol)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop that a worker runs on: with the extension this one, without it uvloop."""
    return uvloop.new_event_loop() if native.REASON else NativeLoop()


class EngineSelector(selectors._BaseSelectorImpl):
    """Watches the loop's descriptors as the library's own selectors do, and serves the engine's on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = native.Engine()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a descriptor that was not watched."""
        key = super().register(fileobj, events, data)
        try:
            self.engine.watch(key.fd, events, False)
        except BaseException:
            super().unregister(fileobj)
            raise
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Watch it no longer."""
        key = super().unregister(fileobj)
        self.engine.watch(key.fd, 0, True)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch it for something else: for the poller one step, so that nothing is missed."""
        before = self.get_key(fileobj)
        if events != before.events:
            self.engine.watch(before.fd, events, True)
        super().unregister(fileobj)
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; connections of the engine are served meanwhile."""
        ready = self.engine.select(timeout)
        if not ready:
            return []
        keys = self.get_map()
        found = ((keys.get(fd), events) for fd, events in ready)
        return [(key, events & key.events) for key, events in found if key]

    def close(self) -> None:
        """Cut what the engine still serves."""
        super().close()
        self.engine.close()


class NativeLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, with two ways more to a connection: `connect_accepted_socket` and `dial`."""

    def __init__(self) -> None:
        selector = EngineSelector()
        super().__init__(selector)
        self.engine = selector.engine
        self.engine.serve(self)

    async def connect_accepted_socket(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], P],
        sock: socket.socket,
        *,
        ssl: tls.SSLContext | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> tuple[Any, P]:
        """As asyncio's own; where the extension does not know the context, that is what is called."""
        twin = twins.of(ssl)
        if ssl and not twin:
            return await super().connect_accepted_socket(
                protocol_factory,
                sock,
                ssl=ssl,
                ssl_handshake_timeout=ssl_handshake_timeout,
                ssl_shutdown_timeout=ssl_shutdown_timeout,
            )
        async with asyncio.timeout(ssl_handshake_timeout):
            return await self._made(protocol_factory(), partial(self.engine.adopt, sock.detach()), twin, None)

    async def dial(
        self,
        protocol_factory: Callable[[], P],
        host: str = "",
        port: int = 0,
        *,
        sock: socket.socket | None = None,
        ssl: tls.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> tuple[Any, P]:
        """As `create_connection`, to one IP address or over a connected socket."""
        twin = twins.of(ssl)
        if ssl and not twin:
            where = {"sock": sock} if sock else {"host": host, "port": port}
            return await self.create_connection(protocol_factory, ssl=ssl, server_hostname=server_hostname, **where)
        begin = partial(self.engine.adopt, sock.detach()) if sock else partial(self.engine.connect, host, port)
        name = server_hostname.encode("idna").decode() if ssl and server_hostname else None
        return await self._made(protocol_factory(), begin, twin, name)

    async def _made(self, protocol: P, begin: Callable[..., Any], twin: Any, name: str | None) -> tuple[Any, P]:
        """Begin a connection, and wait until its protocol has it or the exception says why not."""
        waiter = self.create_future()

        def settle(error: BaseException | None) -> None:
            if waiter.done():
                return
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

        transport = begin(protocol, twin, name, settle)
        try:
            await waiter
        except BaseException:
            transport.abort()
            raise
        return transport, protocol
