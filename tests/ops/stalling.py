"""A TCP relay with the faults of a network: it stalls and passes on later, drops what it takes, or cuts connections."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class StallingRelay:
    """Between clients at `port` of loopback and a server at a Unix socket. It accepts whatever its state."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._flowing = threading.Event()
        self._flowing.set()
        self._drops = False
        self._ends = set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = list[threading.Thread]()
        self._begin(self._accept)

    def stall(self) -> None:
        """Fall silent; what is taken meanwhile is passed on later."""
        self._flowing.clear()

    def drop(self) -> None:
        """Fall silent; what is taken meanwhile on a connection that stands is lost, as when a route forgets it."""
        self._drops = True
        self._flowing.clear()

    def cut(self) -> None:
        """Reset every connection that stands."""
        for end in list(self._ends):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)  # which wakes the thread that reads from it, and that closes it

    def flow(self) -> None:
        """Pass on what was not lost meanwhile, and all that comes."""
        self._drops = False
        self._flowing.set()

    def close(self) -> None:
        """Take no more clients. Those that are there end with their server."""
        self.flow()
        self._listener.shutdown(socket.SHUT_RDWR)  # which also wakes the thread that accepts
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _begin(self, work: Callable[..., None], *given: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._begin(self._join, self._listener.accept()[0])

    def _join(self, client: socket.socket) -> None:
        self._flowing.wait()
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self._server))
            self._ends |= {client, server}
            answering = self._begin(self._pass, server, client)
            self._pass(client, server)
            answering.join()
            self._ends -= {client, server}

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self._drops:
                    self._flowing.wait()
                    to.sendall(data)
        self._flowing.wait()
        for end in (source, to):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay_to(server: Path) -> Iterator[StallingRelay]:
    """A relay until the end of the block."""
    relay = StallingRelay(server)
    try:
        yield relay
    finally:
        relay.close()
