"""Clients that begin and never finish: every port gives them up at its deadline, and forgets them."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from tests.attack.portal import portal
from tests.attack.target import target
from tests.environment import PATIENCE
from tests.wire.conftest import Certificate
from tests.wire.peers import Raw, raw_backend, raw_client

pytestmark = [pytest.mark.wire, pytest.mark.xdist_group("attack")]

DEADLINE = 1.0  # seconds, in place of the usual 10
EACH = 15  # connections of every kind
HEAD = b"GET /echo/1.0.0 HTTP/1.1\r\nHost: gateway.test\r\nUpgrade: websocket\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40)
PARTS = {"nothing": b"", "half a line": b"GET /ec", "half a head": HEAD, "a trickle": HEAD, "empty lines": b"\r\n"}
TRICKLES = {"a trickle": b"X-More: and more\r\n", "empty lines": b"\r\n"}


async def linger(raw: Raw, trickle: bytes) -> bytes:
    """Send a line now and then until the other side has had enough; what it said."""

    async def drip() -> None:
        with suppress(ConnectionError):
            while trickle:
                raw.writer.write(trickle)
                await raw.writer.drain()
                await asyncio.sleep(DEADLINE / 10)

    dripping = asyncio.create_task(drip())
    try:
        return await raw.rest()  # fails when it is not over within five deadlines
    finally:
        dripping.cancel()


async def besiege(port: int, tls: ssl.SSLContext | None) -> None:
    """Every kind of unfinished request, several times, at once; all must be over in time."""
    siege = [(kind, part, tls) for kind, part in PARTS.items() for _ in range(EACH)]
    siege += [("half a TLS handshake", part, None) for part in (b"", HELLO) if tls]
    async with AsyncExitStack() as stack:
        lingering, begun = [], set()
        for kind, part, context in siege:
            with suppress(ConnectionError):  # a busy machine may take longer over TLS than the deadline allows
                raw = await stack.enter_async_context(raw_client(port, part, context))
                lingering.append(asyncio.create_task(linger(raw, TRICKLES.get(kind, b""))))
                begun.add(kind)
        for said in await asyncio.gather(*lingering):
            assert said[:12] in (b"", b"HTTP/1.1 408", b"HTTP/1.1 400")
    assert begun == {kind for kind, *_ in siege}


@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
async def test_the_gateway_gives_up_who_never_finishes(tls: bool, certificate: Certificate) -> None:
    pair = {"certificate": str(certificate.certificate), "key": str(certificate.key)}
    async with raw_backend() as backend, target(backend.url, head_seconds=DEADLINE, **pair) as gateway:
        async with raw_client(gateway.port, b"?\r\n\r\n") as first:  # with whom the loop opens a file for itself
            await first.rest()
        before = await gateway.report()
        port, context = (gateway.wss_port, certificate.client_context()) if tls else (gateway.port, None)
        await besiege(port, context)
        assert backend.connections.empty()
        async with asyncio.timeout(PATIENCE):
            while (report := await gateway.report()).descriptors > before.descriptors:
                await asyncio.sleep(0.1)
    assert (report.tasks, report.faults) == (before.tasks, [])


async def test_the_portal_gives_up_who_never_finishes(certificate: Certificate, tmp_path: Path) -> None:
    async with portal(certificate, tmp_path, HEADER_SECONDS=DEADLINE) as served:
        port = served.port
        await besiege(port, certificate.client_context())
        async with raw_client(
            port, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n", certificate.client_context()
        ) as slow:
            await slow.send(b"Connection: close\r\n\r\n")
            assert (await slow.rest()).startswith(b"HTTP/1.1 ")
