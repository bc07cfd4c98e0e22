"""Dials a backend and makes the opening handshake with it (RFC 6455 §4.1), within time, address after address.

`Dialer.dial` returns a `BackendConnection` whose transport has answered 101 and is not being read, or raises
`DialFailed` with the refusal for the client. Nothing is ever tunnelled to a backend that did not answer 101. Longer
than most modules here, because every way in which a dial can fail is told apart in one place.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from gateway import refusals
from gateway.refusals import Refusal
from gateway.upstream.breaker import Breaker, LocalBreaker
from gateway.upstream.handshake import (
    BackendConnection,
    BackendError,
    HandshakeProtocol,
    UpgradeRequest,
    check_response,
    write_request,
)
from publisher.endpoint import EndpointOptions
from publisher.uris import ascii_url

T = TypeVar("T")

log = logging.getLogger("gateway.upstream")


@dataclass(frozen=True, slots=True)
class BackendAddress:
    """Where to dial: the whole URL, and the configured address that the breaker knows it by."""

    url: str
    key: str


class DialFailed(Exception):
    """No address accepted the connection. `refusal` is the answer for the client."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal


class Dialer:
    """Dials for one worker, and asks `breaker` about each address first.

    `refuse(host, ip, port)` says why a resolved address may not be connected to, or nothing. It is asked about each
    address in turn, and the connection is then made to that very address: a name that changes meanwhile gains nothing.
    """

    def __init__(
        self,
        *,
        breaker: Breaker | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        refuse: Callable[[str, str, int], str] = lambda host, ip, port: "",
    ) -> None:
        self._breaker = breaker or LocalBreaker()
        self._sleep = sleep
        self._refuse = refuse

    async def dial(
        self, addresses: Sequence[BackendAddress], upgrade: UpgradeRequest, options: EndpointOptions
    ) -> BackendConnection:
        """Connect to the first address that accepts. Raises DialFailed."""
        return await self.first(addresses, partial(self._dial_one, upgrade=upgrade, options=options), options)

    async def first(
        self,
        addresses: Sequence[BackendAddress],
        call: Callable[[BackendAddress], Awaitable[T]],
        options: EndpointOptions,
    ) -> T:
        """What `call` makes of the first address for which it succeeds; all again for each retry. Raises DialFailed.

        `call` may raise OSError, TimeoutError and BackendError; it is cancelled at the connect timeout.
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
                    return await self._try(address, call, options)
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
        self, address: BackendAddress, call: Callable[[BackendAddress], Awaitable[T]], options: EndpointOptions
    ) -> T:
        try:
            result = await self._in_time(address, call, options)
        except BackendError as error:
            if error.is_final:
                self._breaker.succeeded(address.key)
            else:
                self._breaker.failed(address.key, options)
            raise
        except BaseException:
            self._breaker.abandoned(address.key)
            raise
        self._breaker.succeeded(address.key)
        return result

    async def _in_time(
        self, address: BackendAddress, call: Callable[[BackendAddress], Awaitable[T]], options: EndpointOptions
    ) -> T:
        """The connect timeout covers name, TCP, TLS and the answer."""
        try:
            async with asyncio.timeout(options.connect_timeout):
                return await call(address)
        except TimeoutError:
            raise BackendError(refusals.backend_timed_out(options.connect_timeout)) from None
        except ssl.SSLCertVerificationError as error:
            raise BackendError(
                refusals.backend_refused(f"The backend's certificate was not accepted: {error.verify_message}.")
            ) from None
        except ssl.SSLError:
            raise BackendError(refusals.backend_refused("The backend did not complete the TLS handshake.")) from None
        except OSError as error:
            raise BackendError(refusals.backend_refused(_explain(error))) from None

    async def _dial_one(
        self, address: BackendAddress, upgrade: UpgradeRequest, options: EndpointOptions
    ) -> BackendConnection:
        url = split(address)
        key = base64.b64encode(os.urandom(16))
        caller = await self._connect(url, write_request(url, key, upgrade, options), options)
        try:
            return check_response(caller, await caller.answer, key, upgrade, options)
        except BaseException:
            caller.hang_up()
            raise

    async def _connect(self, url: SplitResult, request: bytes, options: EndpointOptions) -> HandshakeProtocol:
        loop = asyncio.get_running_loop()
        host = url.hostname or ""
        secure = tls_context(options.verify_tls, options.ca_certificate) if url.scheme == "wss" else None

        async def call(ip: str, port: int) -> HandshakeProtocol:
            _, caller = await loop.create_connection(
                lambda: HandshakeProtocol(request, loop.create_future()),
                ip,
                port,
                ssl=secure,
                server_hostname=host if secure else None,
            )
            return caller

        return await self.reach(url, call, options)

    async def reach(self, url: SplitResult, call: Callable[[str, int], Awaitable[T]], options: EndpointOptions) -> T:
        """What `call(ip, port)` makes of the first of a backend's IP addresses that it can connect to.

        A silent one leaves time for the others. Raises OSError, and BackendError when the policy forbids all of them.
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
            raise BackendError(refusals.backend_refused("The gateway's policy does not allow this backend's address."))
        return allowed


def split(address: BackendAddress) -> SplitResult:
    """The parts of an address as they are dialled, in ASCII. Raises BackendError where there is no such address."""
    try:
        return urlsplit(ascii_url(address.url))
    except ValueError:
        raise BackendError(refusals.backend_refused("The backend's address is none that can be dialled.")) from None


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
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or too long
        raise socket.gaierror from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@lru_cache(maxsize=256)
def tls_context(verify: bool, ca_certificate: str) -> ssl.SSLContext:
    """A context for calling backends; a CA of the endpoint's own stands in for the system's."""
    context = ssl.create_default_context(cadata=ca_certificate or None)
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
