"""The shortest way out of a connection: into the socket at once, and into the transport only what does not fit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from gateway import native

Write = Callable[[bytes], None]


def direct_write(transport: asyncio.Transport) -> Write:
    """What writes to `transport`, in order with all that is written to it otherwise.

    uvloop keeps what is written until it has looked after every socket that had something to say. Handed to the kernel
    at once, the other end works on it in the meantime. Not to be called after the protocol's connection_lost: then the
    descriptor may be somebody else's. What is closing when this is asked takes nothing any more.
    """
    if transport.is_closing():
        return discard
    if native.is_engine(transport):
        return transport.write
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("ssl_object") is not None:
        return transport.write
    descriptor: int = sock.fileno()
    waiting, later, now = transport.get_write_buffer_size, transport.write, os.write

    def write(data: bytes) -> None:
        if waiting():
            later(data)
            return
        try:
            written = now(descriptor, data)
        except OSError:  # no room, or no connection: the transport finds out which, and does what is to be done
            later(data)
            return
        if written != len(data):
            later(data[written:])

    return write


def discard(data: bytes) -> None:
    """Where bytes for a side that is gone go."""
