"""The port for metrics: for programs of this machine, each for a moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.observability import metrics
from gateway.observability.metrics import MetricsServer
from tests.environment import PATIENCE

pytestmark = [pytest.mark.wire]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetricsServer]:
    """A server that gives each client half a second, and three of them at once."""
    monkeypatch.setattr(metrics, "SCRAPES", 3)
    made = MetricsServer(socket.create_server(("127.0.0.1", 0)), tmp_path)
    made.deadline = 0.5
    serving = threading.Thread(target=made.serve_forever, args=(0.01,))
    serving.start()
    yield made
    made.shutdown()
    serving.join()
    made.server_close()


def connected(server: MetricsServer, said: bytes) -> socket.socket:
    client = socket.create_connection(server.server_address[:2], PATIENCE)
    client.sendall(said)
    return client


def rest(client: socket.socket) -> bytes:
    data = b""
    with client:
        try:
            while part := client.recv(65536):
                data += part
        except ConnectionError:
            pass
    return data


@pytest.mark.parametrize("host", ["localhost:9464", "127.0.0.1", "LOCALHOST", "[::1]:80"])
def test_a_program_of_this_machine_scrapes(server: MetricsServer, host: str) -> None:
    said = rest(connected(server, f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()))
    assert b" 200 OK" in said.partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.nip.io", ""]
)
def test_a_page_that_has_its_own_name_lead_here_reads_nothing(server: MetricsServer, host: str) -> None:
    said = rest(connected(server, f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()))
    assert b" 421 " in said.partition(b"\r\n")[0]
    assert b"apim_" not in said


def test_who_never_finishes_is_cut_off_however_much_trickles(server: MetricsServer) -> None:
    over = threading.Event()
    client = connected(server, b"GET /metrics HTTP/1.1\r\nX: ")

    def trickle() -> None:
        while not over.wait(0.05):
            try:
                client.sendall(b"y")  # of a line that never ends: a hundred lines would be refused
            except OSError:
                return

    dripping = threading.Thread(target=trickle)
    dripping.start()
    try:
        assert b"200" not in rest(client)
    finally:
        over.set()
        dripping.join()


def test_the_product_s_own_server_has_deadline_and_places() -> None:
    assert 0 < MetricsServer.deadline == metrics.DEADLINE_SECONDS <= 10
    assert 0 < metrics.SCRAPES <= 16


def test_more_than_a_few_at_once_are_cut_off_and_the_next_is_served(server: MetricsServer) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connected(server, b"GET /metrics"))
        assert rest(connected(server, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")) == b""
    said = b""
    while not said:  # until the places are free again
        said = rest(connected(server, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    assert b" 200 OK" in said.partition(b"\r\n")[0]
