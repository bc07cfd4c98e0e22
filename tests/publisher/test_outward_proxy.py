"""The installation's proxy on the way to backends: how it is written, for whom it is, and the Test button's way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import LazySettings

from core.values import BadValue
from publisher.endpoint import EndpointOptions
from publisher.endpoint_check import try_endpoint
from publisher.outward_proxy import LONGEST_ANSWER, NoTunnel, OutwardProxy, is_open, read_proxy


def test_it_is_written_as_a_url_with_its_exceptions() -> None:
    proxy = read_proxy("http://carol:p%40ss@proxy.example", ["localhost", ".Example.COM"])
    assert proxy == OutwardProxy(
        "proxy.example", 3128, "Basic Y2Fyb2w6cEBzcw==", frozenset({"localhost", "example.com"})
    )
    assert [proxy.is_for(host) for host in ("localhost", "a.example.com.", "EXAMPLE.com", "xexample.com", "::1")] == [
        *(False, False, False, True, True)
    ]
    assert read_proxy("", []) is None
    assert "p@ss" not in repr(proxy)
    assert "Y2Fy" not in repr(proxy)


@pytest.mark.parametrize(
    "url", ["https://proxy", "proxy:3128", "http://proxy/path", "http://proxy:99999", "socks5://a"]
)
def test_what_is_no_proxy_is_refused(url: str) -> None:
    with pytest.raises(BadValue):
        read_proxy(url, [])


def test_an_answer_is_read_to_its_end_and_no_further() -> None:
    assert not is_open(b"HTTP/1.1 200 OK\r\n")
    assert is_open(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n")
    for bad in (b"HTTP/1.1 407 No\r\n\r\n", b"x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nmore", b"x" * LONGEST_ANSWER):
        with pytest.raises(NoTunnel):
            is_open(bad)


@contextmanager
def proxy_that_answers(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                heard.append(client.recv(65536))
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], heard
        thread.join()


def test_the_test_button_goes_through_it(settings: LazySettings) -> None:
    with proxy_that_answers(b"HTTP/1.1 403 No\r\n\r\n") as (port, heard):
        settings.BACKEND_PROXY = OutwardProxy("127.0.0.1", port)
        answer = try_endpoint("ws://backend.invalid/app", EndpointOptions())
    assert not answer.answered
    assert "proxy on the way to the backend answered 403" in answer.sentence
    assert heard[0].startswith(b"CONNECT backend.invalid:80 HTTP/1.1\r\n")
