"""Try an endpoint: one real handshake from this server, told in words. Nothing is sent after it."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from publisher import ssrf
from publisher.client_tls import client_context
from publisher.endpoint import EndpointOptions
from publisher.outward_proxy import LONGEST_ANSWER, NoTunnel, OutwardProxy, is_open

LONGEST = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class EndpointCheck:
    """Whether the backend switched protocols, and what to say about it."""

    answered: bool
    sentence: str


def try_endpoint(url: str, options: EndpointOptions) -> EndpointCheck:
    """Shake hands with `url`, which must be a clean endpoint address, in at most LONGEST seconds.

    The handshake carries `options.headers` and no secret that is stored; what the backend answered is told with their
    names.
    """
    patience = min(options.connect_timeout, LONGEST)
    started = time.perf_counter()
    sent = f"with {', '.join(options.headers)}" if options.headers else "without extra headers"
    try:
        with dial(url, options, patience) as connection:
            milliseconds = max(1, round((time.perf_counter() - started) * 1000))
            protocol = f"subprotocol {connection.subprotocol}" if connection.subprotocol else "no subprotocol"
            return EndpointCheck(True, f"Answered 101 in {milliseconds} ms · {protocol} · {sent}")
    except Forbidden as error:
        return EndpointCheck(False, str(error))
    except Exception as error:  # whatever a foreign server makes of a handshake is told, never raised
        refused = error.__cause__ if isinstance(error.__cause__, InvalidStatus) else error
        sentence = _explain(refused, url, patience)
        return EndpointCheck(False, f"{sentence} Tried {sent}." if isinstance(refused, InvalidStatus) else sentence)


class Forbidden(Exception):
    """The policy forbids every address that the host has now. `str(error)` is the sentence."""


def dial(url: str, options: EndpointOptions, patience: float) -> ClientConnection:
    """A connection over a socket of our own: the library follows no redirect and resolves no name a second time."""
    parts = urlsplit(url)
    secure: dict[str, Any] = {}
    if parts.scheme.lower() == "wss":
        given = (options.verify_tls, options.ca_certificate, options.client_certificate, options.secret_key)
        secure = {"ssl": client_context(*given), "server_hostname": options.server_name or parts.hostname}
    query = "&".join(filter(None, (parts.query, urlencode(options.secret_query))))
    connection: ClientConnection = connect(
        parts._replace(netloc=options.host or parts.netloc, query=query).geturl(),
        sock=_connected(*ssrf.host_and_port(url), patience),
        **secure,
        additional_headers=dict(options.headers),
        open_timeout=patience,
        close_timeout=1,
        ping_interval=None,
        proxy=None,
    )
    return connection


def _connected(host: str, port: int, patience: float) -> socket.socket:
    """A socket to the first address that may be dialled and can be. Raises Forbidden, OSError."""
    proxy: OutwardProxy | None = settings.BACKEND_PROXY
    if proxy and proxy.is_for(host):
        return _tunnel(proxy, host, port, patience)
    rules = ssrf.policy()
    refusals = {address: rules.refuse(host, address, port) for address in ssrf.resolve(host, port)}
    allowed = [address for address, why in refusals.items() if not why]
    if not allowed:
        raise Forbidden(next(iter(refusals.values())))
    problem: OSError | None = None
    for address in allowed:
        try:
            return socket.create_connection((address, port), timeout=patience / len(allowed))
        except OSError as error:
            problem = error
    raise problem or ConnectionRefusedError


def _tunnel(proxy: OutwardProxy, host: str, port: int, patience: float) -> socket.socket:
    """The same through the installation's proxy. Raises Forbidden, OSError."""
    with suppress(socket.gaierror):
        refusals = [ssrf.policy().refuse(host, address, port) for address in ssrf.resolve(host, port)]
        if all(refusals):
            raise Forbidden(refusals[0])
    sock = socket.create_connection((proxy.host, proxy.port), timeout=patience)
    try:
        sock.sendall(proxy.request(host, port))
        answer = b""
        while not is_open(answer):
            answer += sock.recv(LONGEST_ANSWER) or b"\r\n\r\n"  # it hung up: what there is, is all
    except BaseException:
        sock.close()
        raise
    return sock


def _explain(error: Exception, url: str, patience: float) -> str:
    parts = urlsplit(url)
    place = parts.hostname + (f":{parts.port}" if parts.port else "") if parts.hostname else url
    match error:
        case InvalidStatus():
            status = error.response.status_code
            return f"Answered {status} instead of 101. Check the path; the backend may also want a header."
        case InvalidMessage() | EOFError():
            return f"{place} answers, but not as HTTP. Check the port, and whether it wants ws:// or wss://."
        case InvalidHandshake():
            return f"{place} answered 101, but not as a WebSocket server must: {error}."
        case NoTunnel():
            return str(error)
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of {place} is not trusted: {error.verify_message}. Add its CA under Endpoint "
                "Advanced Configurations."
            )
        case ssl.SSLError():
            return f"{place} does not speak TLS as expected. Check the port, and whether it wants ws:// or wss://."
        case ConnectionRefusedError():
            return f"Nothing listens at {place}: connection refused. Start the backend or check the port."
        case socket.gaierror():
            return f"No host is called {parts.hostname}. Check the spelling and this server's name service."
        case TimeoutError():
            return f"No answer from {place} within {patience:g} s."
        case ConnectionResetError() | WebSocketException():
            return f"{place} hung up during the handshake."
        case _:
            return f"{place} cannot be reached: {getattr(error, 'strerror', None) or error}."
