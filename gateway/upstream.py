"""Dials a backend and makes the opening handshake with it (RFC 6455 §4.1), within time, address after address.

`Upstreams.dial` returns a `Dialled` whose transport has answered 101 and is not being read, or raises `DialFailed` with
the refusal for the client. Nothing is ever tunnelled to a backend that did not answer 101. Longer than most modules
here, because every way in which a dial can fail is told apart in one place.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Protocol, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from gateway import closing
from gateway.authorization import Refuse
from gateway.health import Health, OwnHealth
from gateway.suspension import SuspensionOptions
from gateway.terms import extension_names

T = TypeVar("T")

log = logging.getLogger("gateway.upstream")

MAXIMUM_ANSWER = 32 * 1024  # bytes of status line and headers from a backend

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_NOT_FOR_CLIENTS = frozenset(
    b"connection content-length date keep-alive proxy-authenticate proxy-connection server te trailer "
    b"transfer-encoding upgrade".split()
)


class DialOptions(SuspensionOptions, Protocol):
    """The part of an endpoint's advanced configuration that is obeyed here; durations in seconds."""

    @property
    def connect_timeout(self) -> float: ...
    @property
    def retries(self) -> int: ...
    @property
    def retry_delay(self) -> float: ...
    @property
    def verify_tls(self) -> bool: ...
    @property
    def ca_certificate(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """What every address is asked: the client's offers, and all other header lines in the order of sending."""

    subprotocols: Sequence[str]
    extensions: str
    headers: Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Address:
    """Where to dial: the whole URL, and the configured address that its health is remembered under."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Dialled:
    """A backend that said yes. `early` is what it sent behind its 101; `headers` what else its answer held."""

    transport: asyncio.Transport
    subprotocol: str | None
    extensions: str
    headers: tuple[tuple[bytes, bytes], ...]
    early: bytes


class DialFailed(Exception):
    """No address accepted the connection. `refusal` is the answer for the client."""

    def __init__(self, refusal: Refuse) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal


class Upstreams:
    """Dials for one worker, and asks `health` about each address first.

    `refuse(host, ip, port)` says why a resolved address may not be connected to, or nothing. It is asked about each
    address in turn, and the connection is then made to that very address: a name that changes meanwhile gains nothing.
    """

    def __init__(
        self,
        *,
        health: Health | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        refuse: Callable[[str, str, int], str] | None = None,
    ) -> None:
        self._health = health or OwnHealth()
        self._sleep = sleep
        self._refuse = refuse or _refuse_none

    async def dial(self, addresses: Sequence[Address], ask: Ask, options: DialOptions) -> Dialled:
        """Connect to the first address that accepts. Raises DialFailed."""
        return await self.first(addresses, partial(self._dial_one, ask=ask, options=options), options)

    async def first(
        self, addresses: Sequence[Address], call: Callable[[Address], Awaitable[T]], options: DialOptions
    ) -> T:
        """What `call` makes of the first address for which it succeeds; all again for each retry. Raises DialFailed.

        `call` may raise OSError, TimeoutError and Unwilling; it is cancelled at the connect timeout.
        """
        failure: Unwilling | None = None
        for _ in range(1 + options.retries):
            waits = []
            for address in addresses:
                if wait := await self._health.begin(address.key, options):
                    waits.append(wait)
                    continue
                if failure is not None:
                    await self._pause(address, options)
                try:
                    return await self._try(address, call, options)
                except Unwilling as error:
                    failure = error
                    if error.is_final:
                        raise DialFailed(error.refusal) from None
            if len(waits) == len(addresses):
                break
        raise DialFailed(failure.refusal if failure else closing.backend_suspended(min(waits)))

    async def _pause(self, address: Address, options: DialOptions) -> None:
        try:
            await self._sleep(options.retry_delay)
        except asyncio.CancelledError:
            self._health.abandoned(address.key)
            raise

    async def _try(self, address: Address, call: Callable[[Address], Awaitable[T]], options: DialOptions) -> T:
        try:
            result = await self._in_time(address, call, options)
        except Unwilling as error:
            if error.is_final:
                self._health.succeeded(address.key)
            else:
                self._health.failed(address.key, options)
            raise
        except BaseException:
            self._health.abandoned(address.key)
            raise
        self._health.succeeded(address.key)
        return result

    async def _in_time(self, address: Address, call: Callable[[Address], Awaitable[T]], options: DialOptions) -> T:
        """The connect timeout covers name, TCP, TLS and the answer."""
        try:
            async with asyncio.timeout(options.connect_timeout):
                return await call(address)
        except TimeoutError:
            raise Unwilling(closing.backend_timed_out(options.connect_timeout)) from None
        except ssl.SSLCertVerificationError as error:
            raise Unwilling(
                closing.backend_refused(f"The backend's certificate was not accepted: {error.verify_message}.")
            ) from None
        except ssl.SSLError:
            raise Unwilling(closing.backend_refused("The backend did not complete the TLS handshake.")) from None
        except OSError as error:
            raise Unwilling(closing.backend_refused(_explain(error))) from None

    async def _dial_one(self, address: Address, ask: Ask, options: DialOptions) -> Dialled:
        url = urlsplit(address.url)
        key = base64.b64encode(os.urandom(16))
        caller = await self._connect(url, _request(url, key, ask, options), options)
        try:
            head = await caller.answer
            return _check(caller, read_answer(head), key, ask)
        except BaseException:
            caller.hang_up()
            raise

    async def _connect(self, url: SplitResult, request: bytes, options: DialOptions) -> _Caller:
        loop = asyncio.get_running_loop()
        host = url.hostname or ""
        secure = tls_context(options.verify_tls, options.ca_certificate) if url.scheme == "wss" else None

        async def call(ip: str, port: int) -> _Caller:
            _, caller = await loop.create_connection(
                lambda: _Caller(request, loop.create_future()),
                ip,
                port,
                ssl=secure,
                server_hostname=host if secure else None,
            )
            return caller

        return await self.reach(url, call, options)

    async def reach(self, url: SplitResult, call: Callable[[str, int], Awaitable[T]], options: DialOptions) -> T:
        """What `call(ip, port)` makes of the first of a backend's IP addresses that it can connect to.

        A silent one leaves time for the others. Raises OSError, and Unwilling when the policy forbids all of them.
        """
        loop = asyncio.get_running_loop()
        port = url.port or (443 if url.scheme == "wss" else 80)
        deadline = loop.time() + options.connect_timeout
        ips = await self._allowed(loop, url.hostname or "", port)
        problem: OSError = ConnectionRefusedError()
        for left, ip in zip(range(len(ips) - 1, -1, -1), ips, strict=True):
            now = loop.time()
            try:
                async with asyncio.timeout_at(now + (deadline - now) / (left + 1) if left else None):
                    return await call(ip, port)
            except ssl.SSLError:
                raise
            except OSError as error:  # TimeoutError is one
                problem = error
        raise problem

    async def _allowed(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[str]:
        ips = [host] if _is_ip(host) else await _resolve(loop, host, port)
        allowed = [ip for ip in ips if not self._refuse(host, ip, port)]
        if not allowed:
            log.warning("A backend was not dialled. %s", self._refuse(host, ips[0], port))
            raise Unwilling(closing.backend_refused("The gateway's policy does not allow this backend's address."))
        return allowed


@dataclass(frozen=True, slots=True)
class Answer:
    """A backend's answer to the handshake; header names in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]

    def all(self, name: bytes) -> str:
        """Every value of one header, joined as RFC 9110 §5.3 says."""
        return ", ".join(value.decode("latin-1") for key, value in self.headers if key == name)


def read_answer(head: bytes) -> Answer:
    """Read a response head without its empty line. Raises Unwilling when it breaks the rules of HTTP."""
    first, *lines = head.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    fields = [_HEADER.fullmatch(line) for line in lines]
    if status is None or None in fields:
        raise Unwilling(closing.backend_refused("The backend's answer was not HTTP."))
    return Answer(int(status[1]), tuple((field[1].lower(), field[2]) for field in fields if field))


def accept_for(key: bytes) -> str:
    """The only right `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode()


class Unwilling(Exception):
    """One address did not accept the connection. `is_final`: it works, and would answer another try the same."""

    def __init__(self, refusal: Refuse, *, is_final: bool = False) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal
        self.is_final = is_final


class _Caller(asyncio.Protocol):
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
            self.answer.set_exception(Unwilling(closing.backend_refused(description)))


def _request(url: SplitResult, key: bytes, ask: Ask, options: DialOptions) -> bytes:
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
    if ask.subprotocols:
        lines.append(b"Sec-WebSocket-Protocol: %b" % ", ".join(ask.subprotocols).encode("latin-1"))
    if ask.extensions:
        lines.append(b"Sec-WebSocket-Extensions: %b" % ask.extensions.encode("latin-1"))
    lines += [b"%b: %b" % (name, value) for name, value in ask.headers if name.lower() not in own]
    lines += [b"%b: %b" % (name, value) for name, value in own.items()]
    return b"\r\n".join((*lines, b"", b""))


def _check(caller: _Caller, answer: Answer, key: bytes, ask: Ask) -> Dialled:
    """Is this the 101 that was asked for (RFC 6455 §4.1, last list)?"""
    if answer.status != 101:
        text = f"The backend answered {answer.status} instead of accepting the WebSocket."
        raise Unwilling(closing.backend_refused(text), is_final=answer.status < 500)
    if answer.all(b"upgrade").lower() != "websocket" or "upgrade" not in _tokens(answer.all(b"connection")):
        raise Unwilling(closing.backend_refused("The backend's answer did not switch to WebSocket."))
    if answer.all(b"sec-websocket-accept") != accept_for(key):
        raise Unwilling(closing.backend_refused("The backend did not prove that it read the handshake."))
    chosen = answer.all(b"sec-websocket-protocol")
    if chosen and chosen not in ask.subprotocols:
        raise Unwilling(closing.backend_refused("The backend chose a subprotocol that was not offered."), is_final=True)
    extensions = answer.all(b"sec-websocket-extensions")
    if not set(extension_names(extensions)) <= set(extension_names(ask.extensions)):
        raise Unwilling(closing.backend_refused("The backend chose an extension that was not offered."), is_final=True)
    return Dialled(caller.transport, chosen or None, extensions, tuple(_for_client(answer)), caller.early)


def _for_client(answer: Answer) -> Iterable[tuple[bytes, bytes]]:
    for name, value in answer.headers:
        if name not in _NOT_FOR_CLIENTS and not name.startswith((b"sec-websocket-", b"x-apim-")):
            yield name, value


def _tokens(value: str) -> set[str]:
    return {token.strip().lower() for token in value.split(",")}


def _explain(error: OSError) -> str:
    match error:
        case ConnectionRefusedError():
            return "Nothing listens at the backend's address."
        case ConnectionResetError() | BrokenPipeError():
            return "The backend reset the connection."
        case _ if type(error).__name__ == "gaierror":
            return "The name of the backend could not be resolved."
        case _:
            return "The backend could not be reached."


@lru_cache(maxsize=1024)
def _is_ip(host: str) -> bool:
    """Whether this is an address as the resolver would write it. Any other spelling is left to the resolver."""
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return False


async def _resolve(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[str]:
    """Every address of a host, in the resolver's order. Raises OSError when there is none."""
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _refuse_none(host: str, ip: str, port: int) -> str:
    return ""


@lru_cache(maxsize=256)
def tls_context(verify: bool, ca_certificate: str) -> ssl.SSLContext:
    """A context for calling backends; a CA of the endpoint's own stands in for the system's."""
    context = ssl.create_default_context(cadata=ca_certificate or None)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
