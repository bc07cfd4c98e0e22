"""The opening handshake with a backend (RFC 6455 §4.1): what is asked, what may be answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast
from urllib.parse import SplitResult

import httptools

from gateway import native, refusals
from gateway.handshake.extensions import extension_names
from gateway.handshake.head import accept_for
from gateway.handshake.request import is_own_cookie, plain_name
from gateway.refusals import Refusal
from publisher.endpoint import EndpointOptions

MAXIMUM_ANSWER = 32 * 1024  # bytes of status lines and headers from a backend, interim answers and all
MAXIMUM_INTERIM = 8  # answers of 1xx in front of the real one (RFC 9110 §15.2)
PASSED_REFUSALS = frozenset({401, 403, 404, 429, 503})

# Header fields of a backend's answer that are not the client's business: those of one hop, and those by which a
# browser would take the backend's word for every API and portal on the gateway's host.
_NOT_FOR_CLIENTS = frozenset(
    b"connection content-length date keep-alive proxy-authenticate proxy-connection server te trailer "
    b"transfer-encoding upgrade "
    b"accept-ch alt-svc clear-site-data critical-ch expect-ct nel origin-agent-cluster origin-trial public-key-pins "
    b"public-key-pins-report-only report-to reporting-endpoints service-worker-allowed set-cookie2 "
    b"strict-transport-security".split()
)
_NOT_FOR_CLIENTS_PREFIXES = (b"sec-websocket-", b"x-apim-")


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """What every address is asked: the client's offers, and all other header lines in the order of sending."""

    subprotocols: Sequence[str]
    extensions: str
    headers: Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class BackendConnection:
    """A backend that said yes. `early` is what it sent behind its 101; `headers` what else its answer held."""

    transport: asyncio.Transport
    subprotocol: str | None
    extensions: str
    headers: tuple[tuple[bytes, bytes], ...]
    early: bytes


@dataclass(frozen=True, slots=True)
class HandshakeResponse:
    """A backend's answer to the handshake; header names in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]


class BackendError(Exception):
    """One address did not accept the connection. `is_final`: it works, and would answer another try the same."""

    def __init__(self, refusal: Refusal, *, is_final: bool = False) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal
        self.is_final = is_final


class AwaitedAnswer(Protocol):
    """What waits for an answer: a future, or what needs it at once."""

    def done(self) -> bool: ...

    def set_result(self, answer: HandshakeResponse, /) -> None: ...

    def set_exception(self, error: BackendError, /) -> None: ...


class HandshakeProtocol(asyncio.Protocol):
    """Sends the request and reads the answer's head, then stops reading: the rest belongs to the relay.

    `answer` (a future, where none is given) is told the one that counts, after any interim ones, once `early` holds
    what came behind a 101.
    """

    __slots__ = ("_found", "_headers", "_interim", "_parser", "_request", "_size", "answer", "early", "transport")

    transport: asyncio.Transport

    def __init__(self, request: bytes, answer: AwaitedAnswer | None = None) -> None:
        self._request = request
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._found: HandshakeResponse | None = None
        self._size = self._interim = 0
        self.answer = answer or asyncio.get_running_loop().create_future()
        self.early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.answer.done():
            self.early += data
            return
        if not self._size and (read := native.read_switch(data, MAXIMUM_ANSWER)):
            self._found, self.early = HandshakeResponse(101, read[0]), data[read[1] :]
        elif not self._size and not data.startswith(b"H"):  # the parser would pass over empty lines
            self._fail("The backend's answer was not HTTP.")
        else:
            self._parser = self._parser or httptools.HttpResponseParser(self)
            self._size += len(data)
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self.early = data[upgrade.args[0] :]
            except httptools.HttpParserError:
                if not self._found:  # else it is too late to matter: the head was in order
                    self._fail("The backend's answer was not HTTP.")
        if self._found:
            self._parser = None  # it and its callbacks refer to each other
            self.answer.set_result(self._found)
            if self.transport.get_protocol() is self:  # nobody has taken it over yet
                self.transport.pause_reading()
        elif self._size > MAXIMUM_ANSWER:
            self._fail("The backend's answer was too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        parser, headers = self._parser, tuple(self._headers)
        if parser is None or self._found or self.answer.done():
            return
        self._headers.clear()
        status = parser.get_status_code()
        if status < 100 or parser.get_http_version() not in ("1.0", "1.1"):
            self._fail("The backend's answer was not HTTP/1.1.")
        elif status == 101 or status >= 200:
            self._found = HandshakeResponse(status, headers)
        elif self._interim == MAXIMUM_INTERIM:
            self._fail("The backend sent one interim answer after another.")
        else:
            self._interim += 1

    def eof_received(self) -> bool:
        self._fail("The backend closed the connection before it answered.")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("The connection was lost before the backend answered.")
        self._parser = None

    def _fail(self, description: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(BackendError(refusals.backend_refused(description)))


def write_request(url: SplitResult, key: bytes, upgrade: UpgradeRequest, options: EndpointOptions) -> bytes:
    """The request's head. `url` is ASCII, as `publisher.uris.ascii_url` makes it."""
    lines = [b"%bSec-WebSocket-Key: %b" % (_opening(url, options.host), key), b"Sec-WebSocket-Version: 13"]
    if upgrade.subprotocols:
        lines.append(b"Sec-WebSocket-Protocol: %b" % ", ".join(upgrade.subprotocols).encode("latin-1"))
    if upgrade.extensions:
        lines.append(b"Sec-WebSocket-Extensions: %b" % upgrade.extensions.encode("latin-1"))
    lines += [b"%b: %b" % header for header in without_configured(upgrade.headers, options)]
    lines += [b"%b: %b" % (name.lower().encode(), value.encode()) for name, value in options.headers.items()]
    return b"\r\n".join((*lines, b"", b""))


@lru_cache(maxsize=4096)
def _opening(url: SplitResult, host: str) -> bytes:
    """The lines that are the same in each request to an address."""
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        b"GET %b HTTP/1.1" % target.encode("ascii"),
        b"Host: %b" % (host or url.netloc.rpartition("@")[2]).encode("ascii"),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"",
    ]
    return b"\r\n".join(lines)


def without_configured(
    headers: Iterable[tuple[bytes, bytes]], options: EndpointOptions
) -> Iterable[tuple[bytes, bytes]]:
    """The headers for a backend without those that the endpoint itself sets, however they are spelled."""
    if not options.headers:
        return headers
    own = {plain_name(name.encode()) for name in options.headers}
    return (header for header in headers if plain_name(header[0]) not in own)


def check_response(
    protocol: HandshakeProtocol,
    answer: HandshakeResponse,
    key: bytes,
    upgrade: UpgradeRequest,
    options: EndpointOptions,
) -> BackendConnection:
    """Is this the 101 that was asked for (RFC 6455 §4.1, last list)? Raises BackendError when it is not."""
    if answer.status != 101:
        raise status_refused(answer.status, answer.headers, options)
    fields = dict[bytes, str]()
    for name, value in answer.headers:  # every value of each header, joined as RFC 9110 §5.3 says
        text = value.decode("latin-1")
        fields[name] = f"{fields[name]}, {text}" if name in fields else text
    connection = [token.strip().lower() for token in fields.get(b"connection", "").split(",")]
    if fields.get(b"upgrade", "").lower() != "websocket" or "upgrade" not in connection:
        raise BackendError(refusals.backend_refused("The backend's answer did not switch to WebSocket."))
    if fields.get(b"content-length", "").strip("0") or fields.get(b"transfer-encoding"):  # RFC 9110 §8.6, RFC 9112 §6.1
        raise BackendError(refusals.backend_refused("The backend's answer had a body, which a 101 has not."))
    if fields.get(b"sec-websocket-accept") != accept_for(key):
        raise BackendError(refusals.backend_refused("The backend did not prove that it read the handshake."))
    chosen, extensions = fields.get(b"sec-websocket-protocol", ""), fields.get(b"sec-websocket-extensions", "")
    if chosen and chosen not in upgrade.subprotocols:
        raise BackendError(
            refusals.backend_refused("The backend chose a subprotocol that was not offered."), is_final=True
        )
    if extensions and not set(extension_names(extensions)) <= set(extension_names(upgrade.extensions)):
        raise BackendError(
            refusals.backend_refused("The backend chose an extension that was not offered."), is_final=True
        )
    headers = tuple(
        (name, value)
        for name, value in answer.headers
        if name not in _NOT_FOR_CLIENTS
        and not name.startswith(_NOT_FOR_CLIENTS_PREFIXES)
        and not (name == b"set-cookie" and is_own_cookie(value))
    )
    return BackendConnection(protocol.transport, chosen or None, extensions, headers, protocol.early)


def status_refused(status: int, headers: Iterable[tuple[bytes, bytes]], options: EndpointOptions) -> BackendError:
    """What a backend that answered `status` instead of 101 comes to; header names in lower case.

    502, unless the API lets such refusals pass: then the status is the backend's, with its Retry-After and challenge.
    """
    text = f"The backend answered {status} instead of accepting the WebSocket."
    is_final = status < 500
    if not options.pass_refusals or status not in PASSED_REFUSALS:
        return BackendError(refusals.backend_refused(text), is_final=is_final)
    kept = tuple((_PASSED_HEADERS[name], value.decode("latin-1")) for name, value in headers if name in _PASSED_HEADERS)
    return BackendError(refusals.backend_refused(text, status, kept), is_final=is_final)


_PASSED_HEADERS = {b"retry-after": "Retry-After", b"www-authenticate": "WWW-Authenticate"}
