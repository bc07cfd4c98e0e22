"""Behind proxies: the client's own address is what policies, lists, logs and backends see, and nobody can forge it."""

from __future__ import annotations

import asyncio
import logging
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest

from core.client_address import FORWARDED, TrustedProxies
from gateway.server.config import ServerLimits
from tests.gateway.server.test_proxy_protocol import V1, v2
from tests.wire.conftest import Certificate
from tests.wire.gateway_under_test import Gateway, running
from tests.wire.peers import raw_backend, raw_client, request

pytestmark = pytest.mark.wire

PROXIES, BY_FORWARDED = TrustedProxies(["127.0.0.1"]), TrustedProxies(["127.0.0.1"], header=FORWARDED)
PROXY, STRANGER, CLIENT = "127.0.0.1", "127.0.0.2", "192.0.2.7"
HELD = ServerLimits(greeted_per_address=3)


async def refused_with(gateway: Gateway, first: bytes, address: str = PROXY) -> int:
    """The status of a refusal; 0 where there was no answer at all."""
    try:
        async with raw_client(gateway.port, first, gateway.tls, address) as client:
            answer = await client.rest()
    except ConnectionError:
        return 0
    return int(answer.split()[1]) if answer else 0


@pytest.mark.parametrize(
    ("peer", "headers", "seen"),
    [
        (PROXY, [("X-Forwarded-For", f"6.6.6.6, {CLIENT}")], CLIENT),
        (PROXY, [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", CLIENT)], CLIENT),
        (PROXY, [("X-Forwarded-For", CLIENT), ("Forwarded", "for=6.6.6.6")], CLIENT),
        (PROXY, [("Forwarded", "for=6.6.6.6")], PROXY),
        (PROXY, [], PROXY),
        (STRANGER, [("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")], STRANGER),
    ],
)
async def test_a_proxy_names_its_client_in_a_header(peer: str, headers: list[tuple[str, str]], seen: str) -> None:
    async with (
        raw_backend() as backend,
        running(backend.url, proxies=PROXIES) as gateway,
        raw_client(gateway.port, request(headers=headers), address=peer) as client,
    ):
        assert b" 101 " in await client.read_head()
        assert [connection.client_ip for connection in gateway.connections] == [seen]
        head = (await backend.accepted()).head
        assert f"X-Forwarded-For: {seen}\r\n".encode() in head
        assert f"Forwarded: for={seen};".encode() in head
        assert b"6.6.6.6" not in head


async def test_the_standard_header_is_read_where_the_proxy_writes_it() -> None:
    proxies = TrustedProxies([PROXY], header=FORWARDED)
    first = request(
        headers=[("Forwarded", 'for=6.6.6.6, for="[2001:db8::7]:1";proto=https'), ("X-Forwarded-For", "6.6.6.6")]
    )
    async with (
        raw_backend() as backend,
        running(backend.url, proxies=proxies) as gateway,
        raw_client(gateway.port, first) as client,
    ):
        assert b" 101 " in await client.read_head()
        assert [connection.client_ip for connection in gateway.connections] == ["2001:db8::7"]


@pytest.mark.parametrize(
    ("proxies", "peer", "secure", "headers", "told"),
    [
        (PROXIES, PROXY, False, [("X-Forwarded-Proto", "https")], "https"),
        (PROXIES, PROXY, True, [("X-Forwarded-Proto", "http")], "http"),
        (PROXIES, PROXY, True, [], "https"),
        (PROXIES, PROXY, False, [("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")], "http"),
        (PROXIES, PROXY, False, [("Forwarded", "for=192.0.2.7;proto=https")], "http"),
        (PROXIES, STRANGER, False, [("X-Forwarded-Proto", "https"), ("X_Forwarded_Proto", "https")], "http"),
        (PROXIES, STRANGER, True, [("X-Forwarded-Proto", "http")], "https"),
        (BY_FORWARDED, PROXY, False, [("Forwarded", "for=192.0.2.7;proto=https")], "https"),
        (BY_FORWARDED, PROXY, False, [("X-Forwarded-Proto", "https")], "http"),
        (BY_FORWARDED, STRANGER, False, [("Forwarded", "for=192.0.2.7;proto=https")], "http"),
        (TrustedProxies(), PROXY, False, [("X-Forwarded-Proto", "https")], "http"),
    ],
)
async def test_backends_hear_the_scheme_that_a_proxy_says_and_no_strangers(
    certificate: Certificate,
    proxies: TrustedProxies,
    peer: str,
    secure: bool,
    headers: list[tuple[str, str]],
    told: str,
) -> None:
    tls, context = (certificate.server_context(), certificate.client_context()) if secure else (None, None)
    async with (
        raw_backend() as backend,
        running(backend.url, proxies=proxies, server_tls=tls) as gateway,
        raw_client(gateway.port, request(headers=headers), context, peer) as client,
    ):
        assert b" 101 " in await client.read_head()
        head = (await backend.accepted()).head
    schemes = [line for line in head.split(b"\r\n") if b"proto" in line.lower()]
    assert len(schemes) == 2
    assert schemes[0] == f"X-Forwarded-Proto: {told}".encode()
    assert schemes[1].startswith(b"Forwarded: ")
    assert schemes[1].endswith(f";proto={told}".encode())


async def test_a_refusal_is_logged_with_the_clients_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.access")
    shown = [("X-Forwarded-For", CLIENT)]
    async with raw_backend() as backend, running(backend.url, proxies=PROXIES, write_access=True) as gateway:
        assert await refused_with(gateway, request(token=None, headers=shown)) == 401
        assert await refused_with(gateway, request(version="7", headers=shown)) == 426
    assert [record.client_ip for record in caplog.records] == [CLIENT, CLIENT]  # type: ignore[attr-defined]


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("pieces", ["at once", "byte by byte"])
@pytest.mark.parametrize(
    ("header", "seen"),
    [
        (V1, CLIENT),
        (b"PROXY TCP6 2001:db8::7 ::1 50000 8099\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", PROXY),
        (v2(IPv4Address(CLIENT), 50000, b"\x20\x00\x05hello"), CLIENT),
        (v2(IPv6Address("2001:db8::7")), "2001:db8::7"),
        (v2(None, command=0x20), PROXY),
    ],
)
async def test_a_proxy_names_its_client_in_front_of_the_connection(
    certificate: Certificate, header: bytes, seen: str, pieces: str, secure: bool
) -> None:
    tls = certificate.server_context() if secure else None
    async with (
        raw_backend() as backend,
        running(backend.url, proxies=PROXIES, proxy_protocol=True, server_tls=tls) as gateway,
        raw_client(gateway.port, b"") as client,
    ):
        if pieces == "byte by byte":
            for byte in header:
                await client.send(bytes([byte]))
                await asyncio.sleep(0)
        if secure:
            if pieces == "at once":
                await client.send(header)
            await client.writer.start_tls(certificate.client_context(), server_hostname="localhost")
            await client.send(request())
        else:
            await client.send((b"" if pieces == "byte by byte" else header) + request())
        assert b" 101 " in await client.read_head()
        assert [connection.client_ip for connection in gateway.connections] == [seen]
        assert f"X-Forwarded-For: {seen}\r\n".encode() in (await backend.accepted()).head


async def test_nobody_but_a_proxy_speaks_the_proxy_protocol_and_a_proxy_has_to() -> None:
    async with raw_backend() as backend, running(backend.url, proxies=PROXIES, proxy_protocol=True) as gateway:
        assert await refused_with(gateway, V1 + request(), STRANGER) == 400
        async with raw_client(gateway.port, request(), address=STRANGER) as client:
            assert b" 101 " in await client.read_head()
            assert [connection.client_ip for connection in gateway.connections] == [STRANGER]
        for bad in (request(), b"PROXY TCP4 junk\r\n" + request(), b"PROXY " + b"x" * 200, v2(None, command=0x33)):
            assert await refused_with(gateway, bad) == 0
    async with raw_backend() as backend, running(backend.url, proxies=PROXIES) as gateway:
        assert await refused_with(gateway, V1 + request()) == 400, "it is off unless it is switched on"


async def test_silent_clients_of_one_address_do_not_hold_up_the_others() -> None:
    async with raw_backend() as backend, running(backend.url, limits=HELD) as gateway:
        silent = [socket.create_connection((PROXY, gateway.port)) for _ in range(3)]
        held = gateway.worker.config.greeted_by_address
        async with asyncio.timeout(5):
            while not held.is_full(PROXY):
                await asyncio.sleep(0.01)
        assert await refused_with(gateway, request()) == 0
        async with raw_client(gateway.port, request(), address=STRANGER) as client:
            assert b" 101 " in await client.read_head()
        for each in silent:
            each.close()
        async with asyncio.timeout(5):
            while len(held):
                await asyncio.sleep(0.01)
        async with raw_client(gateway.port, request()) as client:
            assert b" 101 " in await client.read_head()


@pytest.mark.parametrize(
    "first", [request(), request(token=None), b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"junk\r\n\r\n"]
)
async def test_who_has_been_greeted_counts_no_longer(first: bytes, certificate: Certificate) -> None:
    for tls in (None, certificate.server_context()):
        async with raw_backend() as backend, running(backend.url, limits=HELD, server_tls=tls) as gateway:
            context = certificate.client_context() if tls else None
            for _ in range(5):
                async with raw_client(gateway.port, first, context) as client:
                    assert await client.read_head()
                    client.hang_up()
                async with asyncio.timeout(5):
                    while len(gateway.worker.config.greeted_by_address):
                        await asyncio.sleep(0.01)


@pytest.mark.parametrize("first", [b"\x16\x03\x01", b"no TLS at all\r\n\r\n", b""])
async def test_who_never_speaks_tls_counts_no_longer_when_it_has_gone(first: bytes, certificate: Certificate) -> None:
    async with (
        raw_backend() as backend,
        running(backend.url, limits=HELD, server_tls=certificate.server_context()) as gateway,
    ):
        for _ in range(5):
            async with raw_client(gateway.port, first) as client:
                client.hang_up()
            async with asyncio.timeout(5):
                while len(gateway.worker.config.greeted_by_address):
                    await asyncio.sleep(0.01)


async def test_a_proxy_may_bring_as_many_as_come() -> None:
    async with raw_backend() as backend, running(backend.url, limits=HELD, proxies=PROXIES) as gateway:
        silent = [socket.create_connection((PROXY, gateway.port)) for _ in range(10)]
        async with raw_client(gateway.port, request(headers=[("X-Forwarded-For", CLIENT)])) as client:
            assert b" 101 " in await client.read_head()
        for each in silent:
            each.close()


async def test_the_proxy_protocol_tells_silent_clients_apart() -> None:
    async with (
        raw_backend() as backend,
        running(backend.url, limits=HELD, proxies=PROXIES, proxy_protocol=True) as gateway,
    ):
        silent = [socket.create_connection((PROXY, gateway.port)) for _ in range(3)]
        for each in silent:
            each.sendall(V1)
        async with asyncio.timeout(5):
            while not gateway.worker.config.greeted_by_address.is_full(CLIENT):
                await asyncio.sleep(0.01)
        assert await refused_with(gateway, V1 + request()) == 0
        async with raw_client(gateway.port, v2(IPv4Address("192.0.2.8")) + request()) as client:
            assert b" 101 " in await client.read_head()
        for each in silent:
            each.close()
