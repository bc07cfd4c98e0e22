"""Try an endpoint: one real handshake from this server, told in words. Nothing is sent after it."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from publisher import ssrf
from publisher.endpoint import EndpointOptions

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
    trust = None
    if urlsplit(url).scheme.lower() == "wss":
        trust = ssl.create_default_context(cadata=options.ca_certificate or None)
        if not options.verify_tls:
            trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    return connect(
        url,
        sock=_connected(*ssrf.host_and_port(url), patience),
        ssl=trust,
        additional_headers=dict(options.headers),
        open_timeout=patience,
        close_timeout=1,
        ping_interval=None,
        proxy=None,
    )


def _connected(host: str, port: int, patience: float) -> socket.socket:
    """A socket to the first address that may be dialled and can be. Raises Forbidden, OSError."""
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
