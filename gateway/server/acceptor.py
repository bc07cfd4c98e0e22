"""Takes clients from a listening socket, and never more at a time than there is room for.

The loop's own server takes all who knock at once, and when no descriptor is left it cuts them off without a word. Here
those who are still being greeted (TLS, the head of a request, a refusal on its way out) are counted by the caller, and
while there is no room for more of them the others wait in the kernel's queue.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from gateway.server.config import ServerLimits
from gateway.server.listeners import CannotServe

PAUSE_SECONDS = 0.02
TLS_SHUTDOWN_SECONDS = 2.0
DESCRIPTORS_OF_A_CLIENT = 2  # its own and its backend's
DESCRIPTORS_KEPT = 128  # for listeners, databases, files, look-ups of names
GREETED = 8  # one in so many of the rest is for clients who are being greeted
FEWEST = DESCRIPTORS_KEPT + 32

log = logging.getLogger("gateway.acceptor")


class Acceptor:
    """One listening socket. `make` gives each client its protocol; `has_room` says whether another may come in."""

    def __init__(
        self,
        sock: socket.socket,
        make: Callable[[], asyncio.Protocol],
        has_room: Callable[[], bool],
        *,
        tls: ssl.SSLContext | None = None,
        tls_seconds: float = 5.0,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._make = make
        self._has_room = has_room
        self._tls = tls
        self._tls_seconds = tls_seconds if tls else None
        self._greeting: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._sock.setblocking(False)
        self._open()

    def __len__(self) -> int:
        """How many clients have been taken and are not connected yet."""
        return len(self._greeting)

    def close(self) -> None:
        """Take nobody more. Those who have been taken are greeted on."""
        if self._pause:
            self._pause.cancel()
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._sock.close()

    def cut(self) -> None:
        """Give up on those who are being greeted."""
        for task in self._greeting:
            task.cancel()

    def _open(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock, self._take)

    def _rest(self) -> None:
        """Let the others wait for a moment."""
        self._loop.remove_reader(self._sock)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._open)

    def _take(self) -> None:
        """One client: the loop comes again while there are more, and to the others in between."""
        if not self._has_room():
            self._rest()
            return
        try:
            client, _ = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            log.error("No client can be taken at the moment: %s", error)
            self._rest()
            return
        self._greet(client)

    def _greet(self, client: socket.socket) -> None:
        task = self._loop.create_task(self._connect(client))
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    async def _connect(self, client: socket.socket) -> None:
        with suppress(OSError):  # it has gone, or does not speak TLS
            await self._loop.connect_accepted_socket(
                self._make,
                client,
                ssl=self._tls,
                ssl_handshake_timeout=self._tls_seconds,
                ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS if self._tls else None,
            )


def with_room(limits: ServerLimits, most: int = 0) -> ServerLimits:
    """No more clients than there are descriptors for, nor than `most` unless that is 0. Raises CannotServe."""
    descriptors = raise_descriptor_limit()
    if descriptors < FEWEST:
        raise CannotServe(
            f"The gateway may open {descriptors} files only, and needs {FEWEST} for its first clients: "
            "allow it more (ulimit -n; LimitNOFILE= under systemd)."
        )
    spare = descriptors - DESCRIPTORS_KEPT
    greeted = spare // GREETED
    clients = min(limits.connections, (spare - greeted) // DESCRIPTORS_OF_A_CLIENT)
    return replace(limits, connections=min(clients, most) if most else clients, greeted=greeted)


def raise_descriptor_limit() -> int:
    """Allow this process as many descriptors as it may have; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 20 if allowed == resource.RLIM_INFINITY else allowed
