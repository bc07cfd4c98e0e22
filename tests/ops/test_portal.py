"""What stands between the portals and the network: deadlines, bounds, headers, and a log that keeps secrets."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
from contextlib import closing, suppress
from email.message import Message
from types import SimpleNamespace

import pytest
from django.conf import settings
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from apimanager.portal.protocol import (
    BODY_RATE,
    BODY_SECONDS,
    HEADER_SECONDS,
    LARGEST_BODY,
    LARGEST_UPLOAD,
    LINGER_SECONDS,
    PortalChannel,
    PortalFactory,
    PortalRequest,
)
from apimanager.portal.server import PortalServer, log_request
from tests.product import Product


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def channel(clock: Clock) -> PortalChannel:
    """A connection that has just been accepted by a server that never answers."""
    made: PortalChannel = PortalFactory(SilentServer()).buildProtocol(IPv4Address("TCP", "192.0.2.1", 5000))
    made.callLater = clock.callLater
    made.timeOut = None
    made.makeConnection(StringTransport())
    return made


class SilentServer:
    """What Daphne's server is to a request."""

    is_stopping = False
    proxy_forwarded_address_header = None
    root_path = server_name = ""
    request_buffer_size = 8192

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.logged: list[dict[str, object]] = []

    def protocol_connected(self, request: object) -> None: ...
    def protocol_disconnected(self, request: object) -> None: ...

    def log_action(self, protocol: str, action: str, details: dict[str, object]) -> None:
        self.logged.append(details)

    def create_application(self, request: PortalRequest, scope: dict[str, object]) -> asyncio.Queue[object]:
        self.asked.append(request.content.read())
        request.content.seek(0)
        return asyncio.Queue()


def details(**given: object) -> dict[str, object]:
    usual = {"path": "/devportal/apis", "status": 200, "method": "GET", "client": "127.0.0.1:5000", "size": 10}
    return {**usual, "time_taken": 0.0123, **given}


def said(channel: PortalChannel) -> str:
    return str(channel.transport.value().decode())


def post(length: int, path: str = "/publisher/apis", kind: str = "application/x-www-form-urlencoded") -> bytes:
    """The head of a POST."""
    lines = f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {length}"
    return "\r\n".join((*lines, "", "")).encode()


def test_headers_that_never_end_are_cut_off(channel: PortalChannel, clock: Clock) -> None:
    channel.dataReceived(b"GET / HTTP/1.1\r\n")
    for _ in range(int(HEADER_SECONDS) - 1):
        clock.advance(1)
        channel.dataReceived(b"X-More: of it\r\n")
    assert not channel.transport.disconnecting
    clock.advance(1)
    assert channel.transport.disconnecting


def test_a_client_that_says_nothing_is_cut_off(channel: PortalChannel, clock: Clock) -> None:
    clock.advance(HEADER_SECONDS)
    assert channel.transport.disconnecting


def test_a_body_that_does_not_come_is_refused_and_the_connection_ends(channel: PortalChannel, clock: Clock) -> None:
    channel.dataReceived(post(5))
    clock.advance(BODY_SECONDS - 1)
    assert said(channel) == ""
    clock.advance(1)
    assert said(channel).startswith("HTTP/1.1 408 ")
    assert "What you sent came too slowly. Try again." in said(channel)
    assert channel.transport.disconnecting


def test_a_body_may_take_its_time_while_it_comes_at_a_sensible_rate(channel: PortalChannel, clock: Clock) -> None:
    second = b"x" * BODY_RATE
    channel.dataReceived(post(35 * BODY_RATE))
    for _ in range(30):
        channel.dataReceived(second)
        clock.advance(1)
    assert said(channel) == ""
    for _ in range(4):  # and then it falls silent
        channel.dataReceived(b"x")
        clock.advance(2)
    assert said(channel) == ""
    clock.advance(2)
    assert said(channel).startswith("HTTP/1.1 408 ")


def test_the_deadline_ends_with_the_body(channel: PortalChannel, clock: Clock) -> None:
    channel.dataReceived(post(5) + b"hello")
    clock.advance(BODY_SECONDS * 2)
    assert not channel.transport.disconnecting
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("kind", "most"), [("application/json", LARGEST_BODY), ("multipart/form-data", LARGEST_UPLOAD)]
)
@pytest.mark.parametrize("path", ["/publisher/apis", "/api/am/publisher/v4/apis?token=canary"])
def test_a_body_that_is_too_large_is_refused_before_it_comes(
    channel: PortalChannel, path: str, kind: str, most: int
) -> None:
    channel.dataReceived(post(most + 1, path, f"{kind}; boundary=b"))
    head, _, body = said(channel).partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 413 ")
    assert "Connection: close" in head
    assert f"at most {most // 1024} KiB" in body
    if path.startswith("/api"):
        assert "Content-Type: application/json" in head
        assert json.loads(body)["code"] == 900413


WRONG = {
    "no header": "nonsense",
    "NUL": "X: \0",
    "too many": "\r\n".join(["X: y"] * 600),
    "a length that is none": "Content-Length: -1",
    "a coding that is none": "Transfer-Encoding: zip",
}


@pytest.mark.parametrize("wrong", list(WRONG))
def test_what_is_no_http_is_refused_with_a_sentence(channel: PortalChannel, wrong: str) -> None:
    header = WRONG[wrong]
    channel.dataReceived(f"GET /api/am/publisher/v4/apis HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
    head, _, body = said(channel).partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert json.loads(body)["code"] == 900400
    assert said(channel).count("HTTP/1.1") == 1
    assert channel.factory.server.asked == []


@pytest.mark.parametrize(
    "line", ["GET /" + "a" * 20_000, f"GET / HTTP/1.1\r\nX: {'y' * 20_000}"], ids=["address", "header"]
)
def test_a_line_that_is_too_long_is_answered_before_it_ends(channel: PortalChannel, clock: Clock, line: str) -> None:
    for begin in range(0, len(line), 4096):
        channel.dataReceived(line[begin : begin + 4096].encode())
    assert said(channel).startswith("HTTP/1.1 431 ")
    assert said(channel).count("HTTP/1.1") == 1
    assert "at most 16 KiB" in said(channel)
    assert channel.factory.server.asked == []
    clock.advance(LINGER_SECONDS)
    assert channel.transport.disconnecting


def test_nothing_behind_a_refusal_is_taken_for_a_request(channel: PortalChannel) -> None:
    server = channel.factory.server
    channel.dataReceived(post(LARGEST_BODY + 1) + b"GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert said(channel).count("HTTP/1.1") == 1
    other = PortalFactory(server).buildProtocol(IPv4Address("TCP", "192.0.2.1", 5000))
    other.timeOut = None
    other.callLater = Clock().callLater
    other.makeConnection(StringTransport())
    other.dataReceived(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    other.dataReceived(chunk * 17 + b"0\r\n\r\nGET /next HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert said(other).startswith("HTTP/1.1 413 ")
    assert said(other).count("HTTP/1.1") == 1
    assert server.asked == []


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_a_form_is_not_read_before_django_does(
    channel: PortalChannel, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for parser in ("parse_qs", "_getMultiPartArgs"):
        monkeypatch.setattr(f"twisted.web.http.{parser}", lambda *given: pytest.fail("read in the event loop"))
    body = b"a=1&" * 10
    channel.dataReceived(post(len(body), kind=kind) + body)
    assert channel.factory.server.asked == [body]


def test_a_websocket_is_shown_the_way_to_the_gateway(channel: PortalChannel) -> None:
    head = (
        "GET /chat/1.0.0?access_token=canary HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: WebSocket",
    )
    channel.dataReceived("\r\n".join((*head, "", "")).encode())
    assert said(channel).startswith("HTTP/1.1 400 ")
    assert f"The gateway does: {settings.GATEWAY_WS_URL} and {settings.GATEWAY_WSS_URL}." in said(channel)
    assert channel.transport.disconnecting


def test_who_comes_while_the_portal_ends_is_told_to_come_again(channel: PortalChannel) -> None:
    channel.factory.server.is_stopping = True
    channel.dataReceived(b"GET /api/am/publisher/v4/apis HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head, _, body = said(channel).partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 ")
    assert "Retry-After: 5" in head
    assert json.loads(body)["description"] == "The server is being restarted. Try again in a few seconds."


class Asked(PortalRequest):
    """A request that somebody answers, or not."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: list[int] = []

    def refuse(self, status: int, sentence: str) -> None:
        self.told.append(status)


async def test_what_is_being_answered_when_the_portal_is_told_to_end_is_answered_and_none_left_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "PORTAL_DRAIN_SECONDS", 0.3)
    server = PortalServer(None, endpoints=["nowhere"])
    quick, slow = [Asked() for _ in range(50)], [Asked() for _ in range(5)]
    server.connections = {each: {"application_instance": each.answered} for each in (*quick, *slow)}
    ending = asyncio.create_task(server.end(SimpleNamespace(protocols={})))
    for each in quick:
        await asyncio.sleep(0)
        assert not ending.done()
        each.answered.set_result(None)
    await ending
    assert [each.told for each in quick] == [[]] * 50
    assert [each.told for each in slow] == [[503]] * 5


def test_what_daphne_logs_of_a_request_has_no_query(channel: PortalChannel) -> None:
    channel.dataReceived(b"GET /oauth2/authorize?code=canary HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert repr(channel.requests[0]) == "<GET /oauth2/authorize>"


def test_the_access_log_has_no_query_strings(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "apimanager.access"):
        log_request("http", "complete", details(path="/oauth2/authorize?code=canary&access_token=canary"))
    assert caplog.messages == ["127.0.0.1 GET /oauth2/authorize 200 10 bytes 12 ms"]


def test_static_files_that_are_there_and_looks_at_a_portal_that_is_well_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "apimanager.access"):
        log_request("http", "complete", details(path="/static/css/app.css"))
        log_request("http", "complete", details(path="/static/css/gone.css", status=404))
        log_request("http", "complete", details(path="/ready"))
        log_request("http", "complete", details(path="/ready", status=503))
    logged = [message.split()[2:4] for message in caplog.messages]
    assert logged == [["/static/css/gone.css", "404"], ["/ready", "503"]]


@pytest.mark.journey
@pytest.mark.xdist_group("up")
def test_the_portal_answers_with_bounds_and_headers_and_logs_no_credential(running: Product) -> None:
    assert ask(running, "POST", "/devportal/sign-in", b"x" * (LARGEST_BODY + 1))[0] == 413
    status, headers = ask(running, "GET", "/devportal/apis?access_token=canary")
    assert status == 200
    assert "canary" not in running.log()
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Server"] is None
    assert headers["Strict-Transport-Security"] is None


@pytest.mark.journey
@pytest.mark.xdist_group("up")
def test_as_installed_an_api_reaches_the_samples_and_no_other_program_of_the_machine(running: Product) -> None:
    running.act("cast", roles={"alice": ["creator"], "bob": ["publisher"]})
    running.act("publish", name="Sample", endpoint=f"{running.samples}/echo")
    with pytest.raises(Exception, match="APIM_BACKEND_NETWORKS"):
        running.act("publish", name="Database", endpoint="ws://localhost:5432")


@pytest.mark.journey
@pytest.mark.xdist_group("up")
def test_the_portal_s_log_names_the_client_behind_a_proxy(running: Product) -> None:
    for address in ("192.0.2.77", "2001:db8::77"):
        assert ask(running, "GET", "/devportal/apis", forwarded=f"6.6.6.6, {address}")[0] == 200
        assert f"{address} GET /devportal/apis 200" in running.log()
    assert "6.6.6.6" not in running.log()


def ask(product: Product, method: str, path: str, body: bytes = b"", forwarded: str = "") -> tuple[int, Message]:
    """Status and headers, from a client that trusts the product's own certificate and nothing else."""
    port = int(product.settings["APIM_PORTAL_PORT"])
    with closing(http.client.HTTPSConnection("localhost", port, context=product.trust, timeout=20)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # the answer may come before the body is through
            connection.request(method, path, body or None, {"X-Forwarded-For": forwarded} if forwarded else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
