"""The portals, OAuth and REST: the Django application on Daphne, over HTTPS, in this process.

Daphne and Twisted leave three things open that this module closes: a request whose headers never end, a body without
bounds, and query strings (which may hold credentials) in the access log.
"""

import logging
import warnings
from http import HTTPStatus
from pathlib import Path
from typing import Any

from daphne.http_protocol import WebRequest
from daphne.server import Server
from django.conf import settings
from django.core.asgi import get_asgi_application
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IDelayedCall
from twisted.web.http import HTTPChannel, _GenericHTTPChannelProtocol

from apimanager.preflight import CannotStart
from apimanager.tls import chain_of

HEADER_SECONDS = 10.0
IDLE_SECONDS = 60
LARGEST_BODY = 8 * 1024 * 1024  # bytes
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
access_log = logging.getLogger("apimanager.access")


def serve(hosts: list[str]) -> None:
    """Listen on `hosts` at the portal's port until told to stop (SIGTERM, SIGINT). Raises CannotStart."""
    # Static files are small and their threads our own, so reading them whole is what we want.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
    chain = _write_chain(settings.TLS_CERTIFICATE, settings.DATA_DIR / "tls" / "chain.pem")
    server = PortalServer(
        get_asgi_application(),
        endpoints=[_endpoint(host, chain) for host in hosts],
        action_logger=log_request if settings.ACCESS_LOG else None,
        http_timeout=120,
        server_name="",
    )
    server.run()
    if server.failure:
        raise CannotStart(f"The portal cannot listen on port {settings.PORTAL_PORT}: {server.failure}.")


def log_request(protocol: str, action: str, details: dict[str, Any]) -> None:
    """Write one line for a finished request, without its query string; none for a static file that was there."""
    path = str(details["path"]).partition("?")[0]
    if action != "complete" or (path.startswith(settings.STATIC_URL) and details["status"] < HTTPStatus.BAD_REQUEST):
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


class PortalServer(Server):  # type: ignore[misc]  # Daphne carries no types
    """Daphne's server with a factory that has deadlines; `failure` says why it could not listen."""

    failure: str = ""

    def listen_success(self, port: Any) -> None:
        """Take over the making of channels, before the first client is accepted."""
        self.http_factory.timeOut = IDLE_SECONDS
        self.http_factory.protocol = lambda: _GenericHTTPChannelProtocol(PortalChannel())
        super().listen_success(port)

    def listen_error(self, failure: Any) -> None:
        """Remember why, for the operator, and stop."""
        self.failure = failure.getErrorMessage()
        super().listen_error(failure)


class PortalChannel(HTTPChannel):  # type: ignore[misc]  # Twisted is half typed
    """One client's connection, dropped when the headers of a request take longer than HEADER_SECONDS."""

    _deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:  # noqa: N802
        super().connectionMade()
        self._start_deadline()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self.requestFactory = PortalRequest  # Daphne has set its own by now
        if not self._deadline and not self.requests:
            self._start_deadline()
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802
        self._stop_deadline()
        super().allHeadersReceived()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        self._stop_deadline()
        super().connectionLost(reason)

    def _start_deadline(self) -> None:
        self._deadline = self.callLater(HEADER_SECONDS, self.forceAbortClient)

    def _stop_deadline(self) -> None:
        if self._deadline and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class PortalRequest(WebRequest):  # type: ignore[misc]  # Daphne carries no types
    """A request whose body may not be larger than LARGEST_BODY; a larger one is answered 413 and cut off."""

    _received = 0

    def process(self) -> None:
        """Begin to answer, for the client that a trusted proxy names: in the log and for limits by address too."""
        proxies, peer = settings.TRUSTED_PROXIES, str(getattr(self.getClientAddress(), "host", ""))
        if peer in proxies:
            lines = self.requestHeaders.getRawHeaders(proxies.header.encode(), [])
            address = proxies.client_of(peer, [line.decode("latin-1") for line in lines])
            if address != peer:
                self.client: Any = (IPv6Address if ":" in address else IPv4Address)("TCP", address, 0)
        super().process()

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        super().gotLength(length)
        if length is not None and length > LARGEST_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        self._received += len(data)
        if self._received > LARGEST_BODY:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def _refuse(self) -> None:
        self.channel.transport.write(TOO_LARGE)
        self.channel.loseConnection()


def _endpoint(host: str, chain: Path | None) -> str:
    parts = {
        "interface": host.strip("[]"),
        "privateKey": settings.TLS_KEY,
        "certKey": settings.TLS_CERTIFICATE,
        **({"extraCertChain": chain} if chain else {}),
    }
    return f"ssl:{settings.PORTAL_PORT}:" + ":".join(f"{name}={_escaped(value)}" for name, value in parts.items())


def _escaped(value: object) -> str:
    """Escape what Twisted's endpoint descriptions give a meaning to."""
    return str(value).replace("\\", "\\\\").replace(":", "\\:").replace("=", "\\=")


def _write_chain(certificate: Path, path: Path) -> Path | None:
    """Twisted wants the certificates of the authorities in a file of their own; None if there are none."""
    above = chain_of(certificate)[1:]
    if not above:
        return None
    path.write_text("".join(above))
    return path
