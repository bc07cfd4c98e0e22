"""Backends that lie about where they are, that answer at one of several addresses, and that are slow with TLS."""

from __future__ import annotations

import asyncio
import itertools
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import serve

from gateway.relay import messages
from gateway.upstream.breaker import CircuitBreaker
from gateway.upstream.dialer import BackendAddress, Dialer, DialFailed
from gateway.upstream.handshake import UpgradeRequest
from publisher.endpoint import Endpoint, EndpointOptions
from publisher.ip_policy import read_policy
from tests.gateway import builders
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import running
from tests.wire.peers import echo, raw_backend, raw_client, request, tcp_backend, until
from tests.wire.test_upstream import is_served, refusal

pytestmark = pytest.mark.wire

FORBIDDEN, ALLOWED = "127.0.0.2", "127.0.0.3"
POLICY = read_policy([ALLOWED])
NOTHING_SPECIAL = UpgradeRequest((), "", ())


@asynccontextmanager
async def at(*ips: str) -> AsyncIterator[tuple[int, dict[str, int]]]:
    """Echo backends at the same port of these addresses; the port, and how many clients each has seen."""
    seen = dict.fromkeys(ips, 0)

    async def count(connection: object) -> None:
        seen[connection.local_address[0]] += 1  # type: ignore[attr-defined]
        await echo(connection)  # type: ignore[arg-type]

    with socket.create_server((ips[0], 0)) as first:
        port = first.getsockname()[1]
        socks = [first, *(socket.create_server((ip, port)) for ip in ips[1:])]
        servers = [await serve(count, sock=sock, compression=None) for sock in socks]
        try:
            yield port, seen
        finally:
            for server in servers:
                server.close()
                await server.wait_closed()


class Resolver:
    """A name service whose answers go round, and which counts the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = itertools.cycle(answers)
        self.asked = 0

    async def __call__(self, host: str, seconds: float, api_id: str = "") -> list[str]:
        self.asked += 1
        return next(self.answers)


async def test_a_name_that_moves_between_the_check_and_the_connection_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Resolver([ALLOWED], [FORBIDDEN])
    monkeypatch.setattr("gateway.upstream.dialer.Resolver.addresses", resolver)
    options = EndpointOptions(prevent_suspension=True)
    async with at(FORBIDDEN, ALLOWED) as (port, seen):
        address = BackendAddress(f"ws://rebinds.example:{port}/", "rebinds")
        dialer = Dialer(refuse=POLICY.refuse)
        outcomes = []
        for _ in range(200):
            try:
                (await dialer.dial([address], NOTHING_SPECIAL, options)).transport.abort()
            except DialFailed as failed:
                outcomes.append(failed.refusal.status)
        await until(lambda: sum(seen.values()) >= 100)
    assert outcomes == [502] * 100
    assert seen == {FORBIDDEN: 0, ALLOWED: 100}
    assert resolver.asked == 200


async def test_of_several_addresses_only_those_that_policy_allows_are_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.dialer.Resolver.addresses", Resolver(["10.0.0.1", FORBIDDEN, ALLOWED]))
    async with at(FORBIDDEN, ALLOWED) as (port, seen):
        dialer = Dialer(refuse=POLICY.refuse)
        async with running(f"ws://mixed.example:{port}/", dialer=dialer) as gateway:
            assert await is_served(gateway)
    assert seen == {FORBIDDEN: 0, ALLOWED: 1}


@pytest.mark.parametrize("host", ["127.2", "2130706434", "0x7f000002", "127.0.0.2", "[::ffff:127.0.0.2]"])
async def test_no_spelling_of_a_forbidden_address_is_dialled(host: str) -> None:
    async with (
        at(FORBIDDEN) as (port, seen),
        running(f"ws://{host}:{port}/", dialer=Dialer(refuse=POLICY.refuse)) as gateway,
    ):
        status, _, body = await refusal(gateway)
    assert status == 502
    assert "10." not in body["description"]
    assert seen == {FORBIDDEN: 0}


async def test_where_messages_are_relayed_one_by_one_the_checked_address_is_dialled_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.upstream.dialer.Resolver.addresses", Resolver([ALLOWED], [FORBIDDEN]))
    async with at(FORBIDDEN, ALLOWED) as (port, seen):
        address = BackendAddress(f"ws://rebinds.example:{port}/", "rebinds")
        dialer = Dialer(refuse=POLICY.refuse)
        connection = await messages.connect(dialer, [address], NOTHING_SPECIAL, EndpointOptions())
        await connection.close()
        with pytest.raises(DialFailed):
            await messages.connect(dialer, [address], NOTHING_SPECIAL, EndpointOptions())
    assert seen == {FORBIDDEN: 0, ALLOWED: 1}


async def test_the_backend_is_asked_for_by_name_though_it_is_dialled_by_address(
    monkeypatch: pytest.MonkeyPatch, certificate: Certificate
) -> None:
    monkeypatch.setattr("gateway.upstream.dialer.Resolver.addresses", Resolver(["127.0.0.1"]))
    options = EndpointOptions(ca_certificate=certificate.pem)
    async with raw_backend(tls=certificate.server_context()) as backend:
        url = f"wss://localhost:{backend.port}/app"
        async with running(url, options=options) as gateway, raw_client(gateway.port) as client:
            assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")
            head = (await backend.accepted()).head
    assert f"Host: localhost:{backend.port}\r\n".encode() in head


async def test_a_silent_address_leaves_time_for_the_next_of_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.dialer.Resolver.addresses", Resolver([FORBIDDEN, ALLOWED]))
    held: list[socket.socket] = []
    async with at(ALLOWED) as (port, seen):
        with socket.socket() as full:  # its queue is full: further connections are never answered
            full.bind((FORBIDDEN, port))
            full.listen(0)
            for _ in range(4):
                held.append(socket.socket())
                held[-1].setblocking(False)
                held[-1].connect_ex((FORBIDDEN, port))
            await until(lambda: select.select([], held, [], 0)[1])  # the first is let in
            options = EndpointOptions(connect_timeout=2.0)
            async with running(f"ws://both.example:{port}/", options=options) as gateway:
                assert await is_served(gateway)
    for each in held:
        each.close()
    assert seen == {ALLOWED: 1}


async def test_a_backend_that_is_slow_with_tls_is_a_504_after_the_connect_timeout() -> None:
    options = EndpointOptions(connect_timeout=0.2)
    async with tcp_backend() as url, running(url.replace("ws:", "wss:"), options=options) as gateway:
        status, _, body = await refusal(gateway)
    assert (status, body["code"]) == (504, 101504)


async def test_prevented_suspension_dials_every_time() -> None:
    options = EndpointOptions(suspend_after=1, prevent_suspension=True)
    async with (
        raw_backend(lambda head: b"HTTP/1.1 500 Down\r\n\r\n") as backend,
        running(backend.url, options=options) as gateway,
    ):
        assert [(await refusal(gateway))[0] for _ in range(4)] == [502] * 4
        assert backend.connections.qsize() == 4


async def test_what_one_api_does_to_an_address_does_not_suspend_it_for_another() -> None:
    options = EndpointOptions(suspend_after=1, suspend_initial=30)
    async with (
        raw_backend(lambda head: b"HTTP/1.1 500 Down\r\n\r\n") as backend,
        running(backend.url, options=options) as gateway,
    ):
        endpoints = {"PRODUCTION": Endpoint(backend.url)}
        other = builders.deployment("/other", endpoints=endpoints, options=options, state="PROTOTYPED")
        gateway.routing.routes = gateway.routing.routes.replaced([other], gone=())
        found = [(await refusal(gateway, request(f"/{name}/1.0.0")))[0] for name in ("echo", "echo", "other", "other")]
    assert found == [502, 503, 502, 503]


async def test_while_one_looks_whether_a_backend_is_well_again_the_others_are_told_to_wait() -> None:
    now = 0.0
    options = EndpointOptions(suspend_after=1, suspend_initial=30, connect_timeout=20)
    breaker = CircuitBreaker(lambda: now)
    async with tcp_backend() as url:
        dialer = Dialer(breaker=breaker)
        address = BackendAddress(url, "slow")
        breaker.failed("slow", options)
        now = 31.0
        looking = asyncio.create_task(dialer.dial([address], NOTHING_SPECIAL, options))
        while not breaker.failing["slow"].probing:
            await asyncio.sleep(0)
        with pytest.raises(DialFailed) as told:
            await dialer.dial([address], NOTHING_SPECIAL, options)
        assert told.value.refusal.status == 503
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        assert await breaker.begin("slow", options) == 0
