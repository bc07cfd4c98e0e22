"""The last words to a client that is refused, and how to end the connection without tearing them up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LINGER = 1.0  # seconds in which bytes behind a refusal are read and dropped


class LingeringClose(asyncio.Protocol):
    """Reads and drops what a refused client still sends, so that closing does not tear up the answer on its way."""

    __slots__ = ("_on_end", "_others", "_timer")

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        others: set[LingeringClose],
        on_end: Callable[[], None],
    ) -> None:
        self._on_end = on_end
        self._timer = loop.call_later(LINGER, transport.abort)
        self._others = others
        others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._others.discard(self)
        self._on_end()


def close_after(
    transport: asyncio.Transport,
    response: bytes,
    loop: asyncio.AbstractEventLoop,
    lingering: set[LingeringClose],
    on_end: Callable[[], None],
) -> None:
    """Send a last response and end the connection; nothing that the client sent behind its request reaches anybody.

    `on_end` is called when it has ended.
    """
    if transport.is_closing():
        on_end()
        return
    transport.write(response)
    transport.set_protocol(LingeringClose(transport, loop, lingering, on_end))
    if transport.can_write_eof():
        transport.write_eof()
        transport.resume_reading()
    else:
        transport.close()
