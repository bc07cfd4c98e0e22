"""Trying an endpoint, against real peers on loopback."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from publisher.endpoint import EndpointOptions
from publisher.endpoint_check import try_endpoint

Refusal = Callable[[ServerConnection, Request], Response | None]


@contextmanager
def backend(refuse: Refusal | None = None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A WebSocket backend; the address without its scheme."""
    with serve(lambda connection: None, "127.0.0.1", 0, process_request=refuse, ssl=tls) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"localhost:{server.socket.getsockname()[1]}/echo"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def listener(answer: bytes | None) -> Iterator[str]:
    """A peer that sends these bytes and hangs up, or with None says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve_one() -> None:
            peer, _ = server.accept()
            held.append(peer)
            if answer is not None:
                peer.recv(65536)
                peer.sendall(answer)
                peer.close()

        thread = threading.Thread(target=serve_one)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join()
            for peer in held:
                peer.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context for localhost, and the certificate that vouches for it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(pem), *about], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context, pem.read_text()


def refusing(status: HTTPStatus, **headers: str) -> Refusal:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        response = connection.respond(status, "")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    return refuse


def test_a_backend_that_answers_is_praised_with_its_time() -> None:
    with backend() as place:
        answer = try_endpoint(f"ws://{place}", EndpointOptions())
    assert answer.answered
    assert answer.sentence.startswith("Answered 101 in ")
    assert answer.sentence.endswith(" ms · no subprotocol · without extra headers")


def test_the_extra_headers_are_sent() -> None:
    def wants_key(connection: ServerConnection, request: Request) -> Response | None:
        return None if request.headers.get("X-Key") == "k" else connection.respond(HTTPStatus.FORBIDDEN, "")

    with backend(wants_key) as place:
        without = try_endpoint(f"ws://{place}", EndpointOptions())
        with_key = try_endpoint(f"ws://{place}", EndpointOptions(headers={"X-Key": "k"}))
    assert without.sentence.startswith("Answered 403 instead of 101.")
    assert without.sentence.endswith("Tried without extra headers.")
    assert with_key.answered
    assert with_key.sentence.endswith("· with X-Key")


def test_a_redirect_is_told_and_never_followed() -> None:
    asked: list[str] = []

    def note(connection: ServerConnection, request: Request) -> None:
        asked.append(request.path)

    with backend(note) as elsewhere:
        redirect = refusing(HTTPStatus.FOUND, Location=f"ws://{elsewhere}")
        with backend(redirect) as place:
            answer = try_endpoint(f"ws://{place}", EndpointOptions())
    assert not answer.answered
    assert answer.sentence.startswith("Answered 302 instead of 101.")
    assert asked == []


def test_a_certificate_must_be_trusted_unless_told_otherwise(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, pem = certificate
    with backend(tls=context) as place:
        url = f"wss://{place}"
        assert "is not trusted" in try_endpoint(url, EndpointOptions()).sentence
        assert try_endpoint(url, EndpointOptions(ca_certificate=pem, connect_timeout=60)).answered
        assert try_endpoint(url, EndpointOptions(verify_tls=False, connect_timeout=60)).answered


def test_tls_to_a_plain_port_is_explained() -> None:
    with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        answer = try_endpoint(f"wss://{place}", EndpointOptions())
    assert "does not speak TLS" in answer.sentence


def test_something_that_is_no_web_server_is_explained() -> None:
    with listener(b"220 mail ready\r\n") as place:
        answer = try_endpoint(f"ws://{place}", EndpointOptions())
    assert "answers, but not as HTTP" in answer.sentence


def test_a_hang_up_is_explained() -> None:
    with listener(b"") as place:
        answer = try_endpoint(f"ws://{place}", EndpointOptions())
    assert not answer.answered
    assert place in answer.sentence


def test_silence_ends_after_the_connect_timeout() -> None:
    with listener(None) as place:
        answer = try_endpoint(f"ws://{place}", EndpointOptions(connect_timeout=0.2))
    assert answer.sentence == f"No answer from {place} within 0.2 s."


def test_a_closed_port_and_an_unknown_host_are_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "connection refused" in try_endpoint(f"ws://127.0.0.1:{port}", EndpointOptions()).sentence
    assert "No host is called" in try_endpoint("ws://nowhere.invalid", EndpointOptions()).sentence
