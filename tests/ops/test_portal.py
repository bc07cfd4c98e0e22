"""What stands between the portals and the network: deadlines, bounds, headers, and a log that keeps secrets."""

from __future__ import annotations

import http.client
import logging
from contextlib import closing, suppress
from email.message import Message

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.http_headers import Headers

from apimanager.portal import HEADER_SECONDS, LARGEST_BODY, PortalChannel, log_request
from tests.product import Product


class Silent:
    """A request that is never answered."""

    def __init__(self, channel: object, queued: bool) -> None:
        self.requestHeaders, self.responseHeaders = Headers(), Headers()

    def parseCookies(self) -> None: ...  # noqa: N802
    def gotLength(self, length: int) -> None: ...  # noqa: N802
    def handleContentChunk(self, data: bytes) -> None: ...  # noqa: N802


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def channel(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> PortalChannel:
    """A connection that has just been accepted."""
    monkeypatch.setattr("apimanager.portal.PortalRequest", Silent)
    made = PortalChannel()
    made.callLater = clock.callLater
    made.timeOut = None
    made.makeConnection(StringTransport())
    return made


def details(**given: object) -> dict[str, object]:
    usual = {"path": "/devportal/apis", "status": 200, "method": "GET", "client": "127.0.0.1:5000", "size": 10}
    return {**usual, "time_taken": 0.0123, **given}


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


def test_the_deadline_ends_with_the_headers(channel: PortalChannel, clock: Clock) -> None:
    channel.dataReceived(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
    clock.advance(HEADER_SECONDS * 2)
    assert not channel.transport.disconnecting
    assert clock.getDelayedCalls() == []


def test_the_access_log_has_no_query_strings(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "apimanager.access"):
        log_request("http", "complete", details(path="/oauth2/authorize?code=canary&access_token=canary"))
    assert caplog.messages == ["127.0.0.1 GET /oauth2/authorize 200 10 bytes 12 ms"]


def test_static_files_that_are_there_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "apimanager.access"):
        log_request("http", "complete", details(path="/static/css/app.css"))
        log_request("http", "complete", details(path="/static/css/gone.css", status=404))
    assert [message.split()[2:4] for message in caplog.messages] == [["/static/css/gone.css", "404"]]


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
