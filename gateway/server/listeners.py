"""The gateway's listening sockets and its certificate: had, or a sentence that says why not.

Each worker has a socket of its own for each port (SO_REUSEPORT, so that the kernel spreads clients evenly). All of them
are bound before the first worker starts and stay open in the parent: who connects while a worker is replaced waits in
its queue, and no client is lost with the queue, which is what becomes of it when the last copy of a socket is closed.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

BACKLOG = 4096


class CannotServe(Exception):
    """The gateway cannot start. The text is one sentence: what is wrong, where, and the way out."""


class Listener(NamedTuple):
    """One worker's socket for one port."""

    worker: int
    sock: socket.socket
    is_secure: bool


def bind_for_workers(hosts: Sequence[str], *, ws_port: int, wss_port: int, workers: int) -> list[Listener]:
    """A socket for each worker, host and port. Raises CannotServe."""
    ports = ((ws_port, "APIM_GATEWAY_WS_PORT", False), (wss_port, "APIM_GATEWAY_WSS_PORT", True))
    return [
        Listener(worker, sock, is_secure)
        for port, setting, is_secure in ports
        for host in hosts
        for worker, sock in enumerate(bind(host, port, setting, workers))
    ]


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
        return [_shared(family, kind, protocol, address) for _ in range(count)]
    except OSError as error:
        raise CannotServe(_port_sentence(host, port, setting, error)) from error


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context for this pair of PEM files. Raises CannotServe when they cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise CannotServe(
            f"The TLS certificate {certificate} and key {key} cannot be used ({_why(error)}): "
            "correct APIM_TLS_CERTIFICATE and APIM_TLS_KEY, or unset both to have a certificate made."
        ) from error
    return context


def _socket(family: int, kind: int, protocol: int) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def _shared(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    sock = _socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(address)
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def _port_sentence(host: str, port: int, setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use by another program: stop that program or choose another port with {setting}."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has: choose a port above 1023 with {setting}."
    return f"Port {port} on {host} cannot be listened on ({_why(error)}): check APIM_BIND and {setting}."


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _no_password() -> str:
    raise ValueError("the key is encrypted")
