"""Dials a backend and shakes hands (RFC 6455 §4.1), one module since tries, deadlines and the breaker share each step.

`Dialer.dial` returns a `BackendConnection` whose transport has answered 101 and is not being read, or raises
`DialFailed` with the refusal for the client. Nothing is ever tunnelled to a backend that did not answer 101.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from gateway import refusals
from gateway.native.loop import NativeLoop
from gateway.refusals import Refusal
from gateway.upstream.backend_token import BackendTokens
from gateway.upstream.breaker import CircuitBreaker
from gateway.upstream.handshake import (
    BackendConnection,
    BackendError,
    HandshakeProtocol,
    HandshakeResponse,
    UpgradeRequest,
    check_response,
    write_request,
)
from gateway.upstream.mock_backend import open_mock
from gateway.upstream.resolver import NameUnresolved, Resolver
from gateway.upstream.tls import TlsContexts, token_context
from publisher.endpoint import EndpointOptions
from publisher.mock import Mock
from publisher.outward_proxy import LONGEST_ANSWER, NoTunnel, OutwardProxy, is_open
from publisher.uris import ascii_url

T = TypeVar("T")

_api: ContextVar[str] = ContextVar("api", default="")
"""The id of the API whose backend is dialled, in the task that does it: what is slow there is slow for it alone."""

RESOLVE_SHARE = 0.8  # of the time for a connection: a name service that is slow is told from a backend that is

log = logging.getLogger("gateway.upstream")


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """Where to dial: the whole URL, and the configured address that the breaker knows it by; or the `mock` instead."""

    url: str
    key: str
    mock: Mock | None = None


OnDial = Callable[[str, float, Refusal | None], None]
"""Told of each dial that came to an end: the key of the address, the seconds it took, and why it failed (None: not)."""


class PlainWay(NamedTuple):
    """An address that is dialled without TLS. `ip` is empty where a name has to be looked up."""

    url: SplitResult
    host: str
    ip: str
    port: int


@lru_cache(maxsize=4096)
def plain_way(url: str) -> PlainWay | None:
    """The way to an address; None where it is not as plain as that."""
    with suppress(ValueError):
        parts = urlsplit(ascii_url(url))
        if parts.scheme == "ws" and (host := parts.hostname):
            ip = ""
            with suppress(ValueError):
                ip = str(ip_address(host))
            if ip or host[-1:].isalpha():  # else it may be an address in an unusual spelling
                return PlainWay(parts, host, ip, parts.port or 80)
    return None


class DialFailed(BackendError):
    """No address accepted the connection. `refusal` is the answer for the client."""


class Dialer:
    """Dials for one worker, and asks `breaker` about each address first.

    `refuse(host, ip, port)` says why a resolved address may not be connected to, or nothing. It is asked about each
    address in turn, and the connection is then made to that very address: a name that changes meanwhile gains nothing.
    `on_dial` is told of each dial of a backend; it must not raise.
    """

    def __init__(
        self,
        *,
        breaker: CircuitBreaker | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        refuse: Callable[[str, str, int], str] = lambda host, ip, port: "",
        proxy: OutwardProxy | None = None,
        resolver: Resolver | None = None,
        on_dial: OnDial = lambda address, seconds, refusal: None,
    ) -> None:
        self._on_dial = on_dial
        self._breaker = breaker or CircuitBreaker()
        self._sleep = sleep
        self._refuse = refuse
        self._proxy = proxy
        self.resolver = resolver or Resolver()
        self.tls = TlsContexts()
        self._tokens = BackendTokens(self._open)

    async def dial(
        self,
        addresses: Sequence[BackendAddress],
        upgrade: UpgradeRequest,
        options: EndpointOptions,
        failure: Exception | None = None,
    ) -> BackendConnection:
        """Connect to the first address that accepts. Raises DialFailed.

        `failure` is what became of a dial of the first address that was begun by `begin_quickly`: it counts as tried.
        """
        return await self.first(addresses, partial(self._dial_one, upgrade, options), options, failure)

    def plain_way(self, address: BackendAddress, options: EndpointOptions) -> PlainWay | None:
        """The way to an address that takes no more than a connection in the clear; None where it takes more."""
        way = None if address.mock or options.token_url else plain_way(address.url)
        return None if way is None or (self._proxy and self._proxy.is_for(way.host)) else way

    def begin_quickly(
        self,
        address: BackendAddress,
        way: PlainWay,
        protocol: HandshakeProtocol,
        connected: Callable[[BaseException | None], None],
    ) -> bool:
        """Dial an address at once, if nothing is known against it and its name has to be asked of nobody.

        Then `protocol` speaks with it, and `connected` hears why it cannot be connected to, or None. Its time is the
        caller's business: `end_quickly` when it has succeeded, `dial` with the failure when it has not.
        """
        loop = asyncio.get_running_loop()
        ip = way.ip or self.resolver.only_address(way.host)
        if (
            not ip
            or address.key in self._breaker.failing
            or self._refuse(way.host, ip, way.port)
            or not isinstance(loop, NativeLoop)
        ):
            return False
        try:
            protocol.transport = loop.engine.connect(ip, way.port, protocol, None, None, connected)
        except OSError as error:
            loop.call_soon(connected, error)
        return True

    def end_quickly(self, address: BackendAddress, seconds: float) -> None:
        """A dial that was begun quickly has succeeded, so many seconds later."""
        self._breaker.succeeded(address.key)
        self._on_dial(address.key, seconds, None)

    async def first(
        self,
        addresses: Sequence[BackendAddress],
        call: Callable[[BackendAddress], Awaitable[T]],
        options: EndpointOptions,
        tried: Exception | None = None,
    ) -> T:
        """What `call` makes of the first address for which it succeeds; all again for each retry. Raises DialFailed.

        `call` may raise OSError, TimeoutError and BackendError; it is cancelled at the connect timeout. Where it need
        not be called for the first address any more, `tried` is what it would raise.
        """
        failure: BackendError | None = None
        for _ in range(1 + options.retries):
            waits = []
            for address in addresses:
                if wait := await self._breaker.begin(address.key, options):
                    waits.append(wait)
                    continue
                try:
                    if failure is not None:
                        await self._sleep(options.retry_delay)
                    failed, tried = tried, None
                    return await self._try(address, call, options, failed)
                except asyncio.CancelledError:
                    self._breaker.abandoned(address.key)
                    raise
                except BackendError as error:
                    failure = error
                    if error.is_final:
                        raise DialFailed(error.refusal) from None
            if len(waits) == len(addresses):
                break
        raise DialFailed(failure.refusal if failure else refusals.backend_suspended(min(waits)))

    async def _try(
        self,
        address: BackendAddress,
        call: Callable[[BackendAddress], Awaitable[T]],
        options: EndpointOptions,
        tried: Exception | None,
    ) -> T:
        begun = time.perf_counter()
        _api.set(address.key.partition(" ")[0])
        try:
            async with asyncio.timeout(options.connect_timeout):  # for name, TCP, TLS and the answer
                if tried:
                    raise tried
                result = await call(address)
        except BackendError as error:
            failure = error
        except TimeoutError:
            failure = BackendError(refusals.backend_timed_out(options.connect_timeout))
        except OSError as error:
            match error:
                case NoTunnel():
                    problem = str(error)
                case ssl.SSLCertVerificationError():
                    problem = f"The backend's certificate was not accepted: {error.verify_message}."
                case ssl.SSLError():
                    problem = "The backend did not complete the TLS handshake."
                case ConnectionRefusedError():
                    problem = "Nothing listens at the backend's address."
                case ConnectionResetError() | BrokenPipeError():
                    problem = "The backend reset the connection."
                case NameUnresolved():
                    problem = "The name of the backend could not be resolved."
                case _:
                    problem = "The backend could not be reached."
            failure = BackendError(refusals.backend_refused(problem))
            if isinstance(error, NameUnresolved):  # the name service's trouble with this machine, not the backend's
                self._breaker.abandoned(address.key)
                raise failure from None
        except BaseException:
            self._breaker.abandoned(address.key)
            raise
        else:
            self._breaker.succeeded(address.key)
            if not address.mock:
                self._on_dial(address.key, time.perf_counter() - begun, None)
            return result
        if failure.is_final:
            self._breaker.succeeded(address.key)
        else:
            self._breaker.failed(address.key, options)
        if not address.mock:
            self._on_dial(address.key, time.perf_counter() - begun, failure.refusal)
        raise failure

    async def _dial_one(
        self, upgrade: UpgradeRequest, options: EndpointOptions, address: BackendAddress
    ) -> BackendConnection:
        url, key = split(address), base64.b64encode(os.urandom(16))
        upgrade = await self.with_token(upgrade, options)
        request = write_request(url, key, upgrade, options)
        secure = await self.tls.for_backend(options) if url.scheme == "wss" else None
        loop = asyncio.get_running_loop()
        shake_hands: Callable[[], HandshakeProtocol] = partial(HandshakeProtocol, request)
        dial: Callable[..., Awaitable[tuple[Any, HandshakeProtocol]]]
        if address.mock:
            dial = loop.dial if isinstance(loop, NativeLoop) else loop.create_unix_connection
            _, protocol = await dial(shake_hands, sock=await open_mock(address.mock))
        else:
            name = (options.server_name or url.hostname or "") if secure else None
            dial = loop.dial if isinstance(loop, NativeLoop) else loop.create_connection
            dial = partial(dial, shake_hands, ssl=secure, server_hostname=name)
            _, protocol = await self.reach(url, dial, options)
        try:
            response = await cast(asyncio.Future[HandshakeResponse], protocol.answer)
            if response.status == 401:
                self._tokens.forget(options)
            return check_response(protocol, response, key, upgrade, options)
        except BaseException:
            protocol.transport.abort()
            raise

    async def with_token(self, upgrade: UpgradeRequest, options: EndpointOptions) -> UpgradeRequest:
        """The same request; where the options say where to get a token, with that and no other credential."""
        if not options.token_url:
            return upgrade
        others = (header for header in upgrade.headers if header[0].lower() != b"authorization")
        token = await self._tokens.token(options)
        return replace(upgrade, headers=(*others, (b"Authorization", f"Bearer {token}".encode())))

    async def _open(
        self, url: SplitResult, options: EndpointOptions
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        secure: dict[str, Any] = {}
        if url.scheme == "https":
            context = await self.tls.get(token_context, options.ca_certificate)
            secure = {"ssl": context, "server_hostname": url.hostname or ""}
        return await self.reach(url, partial(asyncio.open_connection, **secure), options)

    async def reach(self, url: SplitResult, call: Callable[..., Awaitable[T]], options: EndpointOptions) -> T:
        """What `call(host=ip, port=port)` makes of the first of a backend's IP addresses that it can connect to.

        A silent one leaves time for the others. Where the way leads through a proxy, `call(sock=…)` gets the tunnel.
        Raises OSError, and BackendError when the policy forbids all of them.
        """
        loop = asyncio.get_running_loop()
        port = url.port or (443 if url.scheme in ("wss", "https") else 80)
        deadline = loop.time() + options.connect_timeout
        if self._proxy and self._proxy.is_for(url.hostname or ""):
            return await call(sock=await self._tunnel(self._proxy, url.hostname or "", port, options))
        ips = await self._allowed(url.hostname or "", port, options)
        problem: OSError = ConnectionRefusedError()
        for left, ip in zip(range(len(ips) - 1, -1, -1), ips, strict=True):
            now = loop.time()
            try:
                async with asyncio.timeout_at(now + (deadline - now) / (left + 1) if left else None):
                    return await call(host=ip, port=port)
            except ssl.SSLError:
                raise
            except OSError as error:  # TimeoutError is one
                problem = error
        raise problem

    async def _tunnel(self, proxy: OutwardProxy, host: str, port: int, options: EndpointOptions) -> socket.socket:
        """A socket on which the proxy has opened the way. A name that is not known here is the proxy's to judge."""
        loop = asyncio.get_running_loop()
        with suppress(socket.gaierror):
            await self._allowed(host, port, options)
        problem: OSError = ConnectionRefusedError()
        for ip in await self._resolve(proxy.host, options):
            sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, (ip, proxy.port))
                await loop.sock_sendall(sock, proxy.request(host, port))
                answer = b""
                while not is_open(answer):
                    part = await loop.sock_recv(sock, LONGEST_ANSWER)
                    answer += part or b"\r\n\r\n"  # it hung up: what there is, is all
            except OSError as error:
                sock.close()
                problem = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise problem

    async def _resolve(self, host: str, options: EndpointOptions) -> list[str]:
        """Every address of a host; one that is an address, however it is spelled, is what the system reads in it."""
        with suppress(ValueError):
            return [str(ip_address(host))]
        with suppress(OSError, ValueError):
            return [socket.inet_ntoa(socket.inet_aton(host))]
        return await self.resolver.addresses(host, options.connect_timeout * RESOLVE_SHARE, _api.get())

    async def _allowed(self, host: str, port: int, options: EndpointOptions) -> list[str]:
        ips = await self._resolve(host, options)
        allowed = [ip for ip in ips if not self._refuse(host, ip, port)]
        if not allowed:
            log.warning("A backend was not dialled. %s", self._refuse(host, ips[0], port))
            raise BackendError(refusals.backend_refused("The gateway's policy does not allow this backend's address."))
        return allowed


def split(address: BackendAddress) -> SplitResult:
    """The parts of an address as they are dialled, in ASCII. Raises BackendError where there is no such address."""
    try:
        return urlsplit(ascii_url(address.url))
    except ValueError:
        raise BackendError(refusals.backend_refused("The backend's address is none that can be dialled.")) from None
