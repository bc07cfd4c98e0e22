"""The gateway's listening sockets and its certificate: had, or a sentence that says why not.

Each worker has a socket of its own for each port (SO_REUSEPORT, so that the kernel spreads clients evenly). All of them
are bound before the first worker starts and stay open in the parent: who connects while a worker is replaced waits in
its queue, and no client is lost with the queue, which is what becomes of it when the last copy of a socket is closed.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.listening import TLS_12_CIPHERS, BadKeyPair, load_key_pair, port_problem, read_key
from gateway.native import twins

BACKLOG = 4096


class CannotServe(Exception):
    """The gateway cannot start. The text is one sentence: what is wrong, where, and the way out."""


class Listener(NamedTuple):
    """One worker's socket for one port."""

    worker: int
    sock: socket.socket
    is_secure: bool


def close(listeners: Iterable[Listener], *, except_worker: int | None = None) -> None:
    """Close this process's copies of the sockets."""
    for listener in listeners:
        if listener.worker != except_worker:
            listener.sock.close()


def bind(host: str, port: int, setting: str, count: int = 1) -> list[socket.socket]:
    """`count` sockets that share one port. Raises CannotServe when somebody else has it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with _socket(family, kind, protocol) as probe:  # a shared port would also be shared with a stranger
            probe.bind(address)
        shared = []
        for _ in range(count):
            sock = _socket(family, kind, protocol)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
            sock.setblocking(False)
            shared.append(sock)
    except OSError as error:
        raise CannotServe(port_problem(host, port, setting, error)) from error
    return shared


def pause(listeners: Iterable[Listener], worker: int) -> None:
    """Take a worker's sockets out of their ports, for all processes: the kernel gives new clients to the others.

    Those who wait in its queues are cut off, which is better than to wait for nobody.
    """
    for listener in listeners:
        if listener.worker == worker:
            with suppress(OSError):  # elsewhere than on Linux they stay, and clients wait
                listener.sock.shutdown(socket.SHUT_RDWR)


def resume(listeners: Iterable[Listener], worker: int) -> None:
    """Put them back. Nothing changes where they have not been taken out."""
    for listener in listeners:
        if listener.worker == worker:
            listener.sock.listen(BACKLOG)


def tls_context(certificate: Path, key: Path, password: str = "") -> ssl.SSLContext:
    """A server's context for this pair of PEM files; `password` opens an encrypted key.

    Raises CannotServe when they cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(TLS_12_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        load_key_pair(context, certificate, key, password)
        twins.add_server(context, certificate.read_bytes(), read_key(key, password))
    except (BadKeyPair, OSError) as error:  # OSError: they are being changed at this moment
        raise CannotServe(str(error)) from error
    return context


def _socket(family: int, kind: int, protocol: int) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock
