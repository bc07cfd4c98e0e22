"""Daphne's server as the portals need it: bounded from the first byte, and with an end that loses no answer."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from http import HTTPStatus
from importlib import import_module
from typing import Any, NoReturn

from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from django.conf import settings
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.ssl import AcceptableCiphers, Certificate, CertificateOptions, PrivateCertificate, TLSVersion
from twisted.logger import globalLogBeginner
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol

from apimanager.portal.application import PortalApplication
from apimanager.portal.protocol import LiveProtocol, PortalFactory, PortalRequest
from apimanager.preflight import CannotStart
from apimanager.tls import chain_of
from core.client_address import TrustedProxies, counted
from core.listening import TLS_12_CIPHERS, read_key
from gateway.close_codes import RESTARTING
from gateway.server.acceptor import raise_descriptor_limit

BACKLOG = 1024
ANSWER_SECONDS = 120
FLUSH_SECONDS = 1.0  # for the last answers to reach their clients
LARGEST_LIVE_MESSAGE = 1024 * 1024  # bytes, either way; a page of fifty rows has 200 KiB
DESCRIPTORS_KEPT = 128  # for listeners, databases, files
DESCRIPTORS_OF_A_CLIENT = 2  # its own, and the file of a large body

access_log = logging.getLogger("apimanager.access")
reactor: Any = installed


def serve(hosts: list[str]) -> NoReturn:
    """Listen on `hosts` at the portal's port until told to stop (SIGTERM, SIGINT). Raises CannotStart.

    Ends this process, even if a thread is still at work by then.
    """
    most = (raise_descriptor_limit() - DESCRIPTORS_KEPT) // DESCRIPTORS_OF_A_CLIENT
    if most < 1:
        raise CannotStart("The portal may open too few files: allow it more (ulimit -n; LimitNOFILE= under systemd).")
    server = PortalServer(
        PortalApplication(),
        endpoints=["a factory of our own"],
        action_logger=log_request if settings.ACCESS_LOG else None,
        http_timeout=ANSWER_SECONDS,
        server_name="",
    )
    key = read_key(settings.TLS_KEY, settings.TLS_KEY_PASSWORD)
    pair = PrivateCertificate.loadPEM(settings.TLS_CERTIFICATE.read_bytes() + b"\n" + key)
    tls = CertificateOptions(
        privateKey=pair.privateKey.original,
        certificate=pair.original,
        extraCertChain=[Certificate.loadPEM(each).original for each in chain_of(settings.TLS_CERTIFICATE)[1:]],
        raiseMinimumTo=TLSVersion.TLSv1_2,
        acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(TLS_12_CIPHERS),
    )
    factory = BoundedTlsFactory(
        tls,
        PortalFactory(server),
        most=min(settings.PORTAL_CONNECTIONS or most, most),
        per_address=settings.PORTAL_CONNECTIONS_PER_ADDRESS or most,
        proxies=settings.TRUSTED_PROXIES,
    )
    for host in hosts:
        with listening_socket(host.strip("[]"), settings.PORTAL_PORT) as sock:
            reactor.adoptStreamPort(sock.fileno(), sock.family, factory)  # which keeps a copy
    import_module(settings.ROOT_URLCONF)  # all pages, so that nobody waits for them
    gc.collect()
    gc.freeze()  # what is imported now is never garbage, and looking through it holds up every page that is being made
    server.run_with(factory)
    logging.shutdown()
    os._exit(0)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket at a port that other portal processes of this user have too. Raises CannotStart.

    That nobody else has it is looked at before they start, see `apimanager.preflight`.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise CannotStart(f"The portal cannot listen on port {port}: {error.strerror}.") from error
    return sock


class BoundedTlsFactory(TLSMemoryBIOFactory):  # type: ignore[misc]  # Twisted is half typed
    """Takes clients in, TLS first: at most so many, and so many of one address unless it is a proxy of ours.

    More are cut off before they cost anything. Where all places are taken, a client of an address that has few of them
    gets one from the address that has most: of a connection that is not being answered.
    """

    def __init__(
        self,
        options: CertificateOptions,
        clients: PortalFactory,
        *,
        most: int,
        per_address: int,
        proxies: TrustedProxies,
    ) -> None:
        super().__init__(options, False, clients, reactor)
        self._most, self._per_address, self._proxies = most, per_address, proxies
        self._of_address: dict[str, dict[TLSMemoryBIOProtocol, None]] = {}  # the oldest first

    def buildProtocol(self, addr: Any) -> TLSMemoryBIOProtocol | None:  # noqa: N802
        held = len(self._of_address.get(counted(addr.host), ()))
        if held >= self._per_address and addr.host not in self._proxies:
            return None
        if len(self.protocols) >= self._most:
            crowd = max(self._of_address.values(), key=len)
            asked = (each for each in crowd if not each.wrappedProtocol._handlingRequest)
            if len(crowd) <= held + 1 or (found := next(asked, None)) is None:
                return None
            found.abortConnection()
        protocol: TLSMemoryBIOProtocol = super().buildProtocol(addr)
        return protocol

    def registerProtocol(self, p: TLSMemoryBIOProtocol) -> None:  # noqa: N802
        super().registerProtocol(p)
        self._of_address.setdefault(counted(p.getPeer().host), {})[p] = None

    def unregisterProtocol(self, p: TLSMemoryBIOProtocol) -> None:  # noqa: N802
        super().unregisterProtocol(p)
        address = counted(p.getPeer().host)
        del self._of_address[address][p]
        if not self._of_address[address]:
            del self._of_address[address]


class PortalServer(Server):  # type: ignore[misc]  # Daphne carries no types
    """Daphne's server on a factory of our own."""

    is_stopping = False
    connections: dict[PortalRequest | LiveProtocol, dict[str, Any]]

    def run_with(self, factory: BoundedTlsFactory) -> None:
        """Serve who the factory takes in until told to stop."""
        self.connections = {}
        self.ws_factory = WebSocketFactory(self, server="")
        self.ws_factory.protocol = LiveProtocol
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=False,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            maxMessagePayloadSize=LARGEST_LIVE_MESSAGE,
            maxFramePayloadSize=LARGEST_LIVE_MESSAGE,
        )
        globalLogBeginner.beginLoggingTo([lambda _: None], redirectStandardIO=False, discardBuffer=True)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        asyncio.set_event_loop(reactor._asyncioEventloop)
        end = lambda: Deferred.fromFuture(asyncio.ensure_future(self.end(factory)))  # noqa: E731
        reactor.addSystemEventTrigger("before", "shutdown", end)
        reactor.run()

    async def end(self, factory: BoundedTlsFactory) -> None:
        """Requests have the drain time to finish, then they are refused like those that came meanwhile."""
        self.is_stopping = True
        for looking in [each for each in self.connections if isinstance(each, LiveProtocol)]:
            looking.serverClose(RESTARTING.code)
        clock = asyncio.get_running_loop().time
        over = clock() + settings.PORTAL_DRAIN_SECONDS
        while self._in_flight() and clock() < over:
            await asyncio.sleep(0.02)
        for request in self._in_flight():
            request.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "The server is being restarted, and this took too long.")
        for client in list(factory.protocols):
            client.loseConnection()
        over = clock() + FLUSH_SECONDS
        while factory.protocols and clock() < over:
            await asyncio.sleep(0.02)

    def _in_flight(self) -> list[PortalRequest]:
        return [
            request
            for request, known in self.connections.items()
            if isinstance(request, PortalRequest)
            and "disconnected" not in known
            and (work := known.get("application_instance"))
            and not work.done()
        ]


def log_request(protocol: str, action: str, details: dict[str, Any]) -> None:
    """Write one line for a finished request, without its query string; none for a static file that was there, or to a
    load balancer that hears that all is well."""
    path = str(details["path"]).partition("?")[0]
    is_dull = path.startswith(settings.STATIC_URL) or path in ("/health", "/ready")
    if action != "complete" or (is_dull and details["status"] < HTTPStatus.BAD_REQUEST):
        return
    access_log.info(
        "%s %s %s %d %s bytes %.0f ms",
        str(details["client"]).rpartition(":")[0],
        details["method"],
        path,
        details["status"],
        details["size"],
        details["time_taken"] * 1000,
    )
