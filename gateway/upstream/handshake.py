"""The opening handshake with a backend (RFC 6455 §4.1): what is asked, what may be answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import SplitResult

from gateway import refusals
from gateway.handshake.extensions import extension_names
from gateway.handshake.head import accept_for
from gateway.refusals import Refusal
from publisher.endpoint import EndpointOptions

MAXIMUM_ANSWER = 32 * 1024  # bytes of status line and headers from a backend


_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?")


_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")


_NOT_FOR_CLIENTS = frozenset(
    b"connection content-length date keep-alive proxy-authenticate proxy-connection server te trailer "
    b"transfer-encoding upgrade".split()
)


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

    def all(self, name: bytes) -> str:
        """Every value of one header, joined as RFC 9110 §5.3 says."""
        return ", ".join(value.decode("latin-1") for key, value in self.headers if key == name)


def read_response(head: bytes) -> HandshakeResponse:
    """Read a response head without its empty line. Raises Unwilling when it breaks the rules of HTTP."""
    first, *lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    fields = [_HEADER.fullmatch(line) for line in lines]
    if status is None or None in fields:
        raise BackendError(refusals.backend_refused("The backend's answer was not HTTP."))
    return HandshakeResponse(int(status[1]), tuple((field[1].lower(), field[2]) for field in fields if field))


class BackendError(Exception):
    """One address did not accept the connection. `is_final`: it works, and would answer another try the same."""

    def __init__(self, refusal: Refusal, *, is_final: bool = False) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal
        self.is_final = is_final


class HandshakeProtocol(asyncio.Protocol):
    """Sends the request and collects the answer's head, then stops reading: the rest belongs to the relay."""

    __slots__ = ("_buffer", "_request", "answer", "early", "transport")

    transport: asyncio.Transport

    def __init__(self, request: bytes, answer: asyncio.Future[bytes]) -> None:
        self._request = request
        self._buffer = b""
        self.answer = answer
        self.early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, early = self._buffer.partition(b"\r\n\r\n")
        if self.answer.done():
            self.early += data
        elif end:
            self.transport.pause_reading()
            self._buffer, self.early = b"", early
            self.answer.set_result(head)
        elif len(self._buffer) > MAXIMUM_ANSWER:
            self._fail("The backend's answer was too long.")

    def eof_received(self) -> bool:
        self._fail("The backend closed the connection before it answered.")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("The connection was lost before the backend answered.")

    def hang_up(self) -> None:
        """Give the connection up."""
        if not self.answer.done():
            self.answer.cancel()
        self.transport.abort()

    def _fail(self, description: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(BackendError(refusals.backend_refused(description)))


def write_request(url: SplitResult, key: bytes, upgrade: UpgradeRequest, options: EndpointOptions) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    own = {name.lower().encode(): value.encode() for name, value in options.headers.items()}
    lines = [
        b"GET %b HTTP/1.1" % target.encode("latin-1"),
        b"Host: %b" % url.netloc.rpartition("@")[2].encode("idna" if not url.netloc.isascii() else "ascii"),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: %b" % key,
        b"Sec-WebSocket-Version: 13",
    ]
    if upgrade.subprotocols:
        lines.append(b"Sec-WebSocket-Protocol: %b" % ", ".join(upgrade.subprotocols).encode("latin-1"))
    if upgrade.extensions:
        lines.append(b"Sec-WebSocket-Extensions: %b" % upgrade.extensions.encode("latin-1"))
    lines += [b"%b: %b" % (name, value) for name, value in upgrade.headers if name.lower() not in own]
    lines += [b"%b: %b" % (name, value) for name, value in own.items()]
    return b"\r\n".join((*lines, b"", b""))


def check_response(
    caller: HandshakeProtocol, answer: HandshakeResponse, key: bytes, upgrade: UpgradeRequest
) -> BackendConnection:
    """Is this the 101 that was asked for (RFC 6455 §4.1, last list)?"""
    if answer.status != 101:
        text = f"The backend answered {answer.status} instead of accepting the WebSocket."
        raise BackendError(refusals.backend_refused(text), is_final=answer.status < 500)
    if answer.all(b"upgrade").lower() != "websocket" or "upgrade" not in _tokens(answer.all(b"connection")):
        raise BackendError(refusals.backend_refused("The backend's answer did not switch to WebSocket."))
    if answer.all(b"sec-websocket-accept") != accept_for(key):
        raise BackendError(refusals.backend_refused("The backend did not prove that it read the handshake."))
    chosen = answer.all(b"sec-websocket-protocol")
    if chosen and chosen not in upgrade.subprotocols:
        raise BackendError(
            refusals.backend_refused("The backend chose a subprotocol that was not offered."), is_final=True
        )
    extensions = answer.all(b"sec-websocket-extensions")
    if not set(extension_names(extensions)) <= set(extension_names(upgrade.extensions)):
        raise BackendError(
            refusals.backend_refused("The backend chose an extension that was not offered."), is_final=True
        )
    return BackendConnection(caller.transport, chosen or None, extensions, tuple(_for_client(answer)), caller.early)


def _for_client(answer: HandshakeResponse) -> Iterable[tuple[bytes, bytes]]:
    for name, value in answer.headers:
        if name not in _NOT_FOR_CLIENTS and not name.startswith((b"sec-websocket-", b"x-apim-")):
            yield name, value


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")}
