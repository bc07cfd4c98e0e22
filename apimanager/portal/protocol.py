"""One connection to the portal and its requests, on top of Daphne's.

Daphne and Twisted leave open what this module closes: requests whose headers or bodies never end, bodies without
bounds, forms that are read in the event loop, and query strings (which may hold credentials) in what they log.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IDelayedCall
from twisted.web.http import HTTPChannel

from accounts.portals import view_at
from apimanager import refusals
from gateway.views.live import LIVE

HEADER_SECONDS = 10.0
BODY_SECONDS = 10.0  # in which the body is whole, or as much of it has come as BODY_RATE wants, each time anew
BODY_RATE = 16 * 1024  # bytes a second
LINGER_SECONDS = 2.0  # for a client to read why it is refused
IDLE_SECONDS = 60
LARGEST_BODY = 1024 * 1024  # bytes
LARGEST_UPLOAD = 8 * 1024 * 1024  # bytes of multipart/form-data


class PortalChannel(HTTPChannel):  # type: ignore[misc]  # Twisted is half typed
    """One client's connection.

    Dropped when the headers of a request take longer than HEADER_SECONDS; what comes after a refusal is not read.
    """

    _deadline: IDelayedCall | None = None
    _is_refused = False

    def connectionMade(self) -> None:  # noqa: N802
        super().connectionMade()
        self._wait(HEADER_SECONDS, self.forceAbortClient)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self._is_refused:
            return
        if not self._deadline and not self.requests:
            self._wait(HEADER_SECONDS, self.forceAbortClient)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802
        self._wait(BODY_SECONDS, self._look_at_body, self.requests[-1], 0)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:  # noqa: N802
        if not self._is_refused:
            self._wait(None)
            super().allContentReceived()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        self._wait(None)
        super().connectionLost(reason)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        """Answer a line of the head that is longer than is read (RFC 6585 §5), where Twisted says nothing."""
        sentence = f"The address or a header of this request is too long: at most {self.MAX_LENGTH // 1024} KiB."
        self._refuse_head(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, sentence)

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802
        """Twisted's answer to what is no HTTP, or too much of it, with a sentence."""
        self._refuse_head(HTTPStatus.BAD_REQUEST, "This request cannot be read, or is too long.")

    def _refuse_head(self, status: HTTPStatus, sentence: str) -> None:
        """Answer what never became a request, and leave the client time to read why before all is dropped."""
        if self._is_refused:
            return
        headers, body = refusals.answer(getattr(self, "_path", b"").decode("latin-1"), status, sentence)
        first = f"HTTP/1.1 {status.value} {status.phrase}".encode()
        lines = [first, *(b": ".join(each) for each in headers), b"Connection: close"]
        self._is_refused = True
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self._wait(LINGER_SECONDS, self.forceAbortClient)

    def is_refused(self, request: PortalRequest) -> None:
        """End the connection behind the answer to this request, of which all may not have come yet."""
        self._is_refused, self.persistent = True, False
        if not self._handlingRequest:
            request.method, request.uri, request.clientproto = self._command, self._path, self._version
        self._wait(LINGER_SECONDS, self.forceAbortClient)

    def _look_at_body(self, request: PortalRequest, before: int) -> None:
        if request.received - before < BODY_SECONDS * BODY_RATE:
            request.refuse(HTTPStatus.REQUEST_TIMEOUT, "What you sent came too slowly. Try again.")
        else:
            self._wait(BODY_SECONDS, self._look_at_body, request, request.received)

    def _wait(self, seconds: float | None, then: Any = None, *given: Any) -> None:
        """Do something after so long, and nothing of what was waited for before."""
        if self._deadline and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.callLater(seconds, then, *given)


class PortalRequest(WebRequest):  # type: ignore[misc]  # Daphne carries no types
    """A request with a bounded body, which Django reads: Twisted would read forms in the event loop."""

    received = 0
    client_addr: list[Any] | None

    def __repr__(self) -> str:
        """Without the query: Daphne writes this to its log."""
        return f"<{self.method.decode('latin-1')} {self.uri.partition(b'?')[0].decode('latin-1')}>"

    def process(self) -> None:
        """Begin to answer, for the client that a trusted proxy names: in the log and for limits by address too."""
        proxies, peer = settings.TRUSTED_PROXIES, str(getattr(self.getClientAddress(), "host", ""))
        if peer in proxies:
            lines = self.requestHeaders.getRawHeaders(proxies.header.encode(), [])
            address = proxies.client_of(peer, [line.decode("latin-1") for line in lines])
            if address != peer:
                self.client: Any = (IPv6Address if ":" in address else IPv4Address)("TCP", address, 0)
        if self.server.is_stopping:
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "The server is being restarted. Try again in a few seconds.")
        elif any(b"websocket" in line.lower() for line in self.requestHeaders.getRawHeaders(b"Upgrade", [])):
            if view_at(self.path.decode("latin-1")) in LIVE:
                super().process()
                return
            gateway = f"{settings.GATEWAY_WS_URL} and {settings.GATEWAY_WSS_URL}"
            self.refuse(HTTPStatus.BAD_REQUEST, f"Nobody takes WebSockets here. The gateway does: {gateway}.")
        else:
            super().process()

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        super().gotLength(length)
        kind = self.requestHeaders.getRawHeaders(b"Content-Type", [b""])[0]
        self._most = LARGEST_UPLOAD if kind.lower().startswith(b"multipart/form-data") else LARGEST_BODY
        self._announced = length or 0
        self.handleContentChunk(b"")

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        if self.finished:
            return
        self.received += len(data)
        if max(self._announced, self.received) <= self._most:
            super().handleContentChunk(data)
            return
        sentence = f"This is too large: at most {self._most // 1024} KiB can be sent. Go back and send less."
        self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """What Daphne answers by itself."""
        self.refuse(status, f"{body.rstrip('.')}.")

    def refuse(self, status: int, sentence: str) -> None:
        """Answer with this sentence, unless an answer has begun or the client has gone, and end the connection."""
        if self.finished or self._disconnected:
            return
        self.channel.is_refused(self)
        if self.client_addr is None and hasattr(self.client, "host"):
            self.client_addr = [str(self.client.host), self.client.port]
        if not self._response_started:
            headers, body = refusals.answer(self.uri.decode("latin-1"), status, sentence)
            headers.append((b"Connection", b"close"))
            self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
            self.handle_reply({"type": "http.response.body", "body": body})
        else:
            self.finish()


class LiveProtocol(WebSocketProtocol):  # type: ignore[misc]  # Daphne carries no types
    """A page that is looked at: a WebSocket on which nothing but its end is expected of the client."""

    _handlingRequest = True  # noqa: N815 - as `HTTPChannel` has it: not one to be cut off to make room

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        """Nobody who only looks has anything to say (RFC 6455 §7.4.1, 1008: not what was agreed on)."""
        self.serverClose(1008)


class PortalFactory(HTTPFactory):  # type: ignore[misc]  # Daphne carries no types
    """Makes a channel for each client. `server` is Daphne's."""

    protocol = PortalChannel

    def buildProtocol(self, address: Any) -> PortalChannel:  # noqa: N802
        channel: PortalChannel = super().buildProtocol(address)
        channel.timeOut = IDLE_SECONDS
        channel.requestFactory = partial(PortalRequest, parsePOSTFormSubmission=False)
        return channel

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """What is offered in the TLS handshake."""
        return [b"http/1.1"]
