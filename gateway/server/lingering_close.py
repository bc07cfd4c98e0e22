"""The last words to a client that is refused, and how to end the connection without tearing them up."""

from __future__ import annotations

import asyncio

LINGER = 1.0  # seconds in which bytes behind a refusal are read and dropped


class LingeringClose(asyncio.Protocol):
    """Reads and drops what a refused client still sends, so that closing does not tear up the answer on its way."""

    __slots__ = ("_others", "_timer")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, others: set[LingeringClose]
    ) -> None:
        self._timer = loop.call_later(LINGER, transport.abort)
        self._others = others
        others.add(self)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._others.discard(self)


def close_after(
    transport: asyncio.Transport, response: bytes, loop: asyncio.AbstractEventLoop, lingering: set[LingeringClose]
) -> None:
    """Send a last response and end the connection; nothing that the client sent behind its request reaches anybody."""
    if transport.is_closing():
        return
    transport.write(response)
    transport.set_protocol(LingeringClose(transport, loop, lingering))
    if transport.can_write_eof():
        transport.write_eof()
        transport.resume_reading()
    else:
        transport.close()
