"""Ordinary clients are let in on the quick way, where there is one, and nobody can tell: least of all by a fault."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from gateway import native
from gateway.server.quick import QuickEntry
from publisher.endpoint import EndpointOptions
from tests.gateway import builders
from tests.wire.gateway_under_test import TOKEN, Gateway, running
from tests.wire.peers import RawBackend, close_frame, frame, nobody, raw_backend, raw_client, request, switch
from tests.wire.test_handshake import answer_to

pytestmark = pytest.mark.wire

CHANGING = re.compile(rb"(?m)^((?:Sec-WebSocket-Key|X-APIM-[A-Za-z-]*(?:Id|Connection)): )[^\r]*")


@pytest.fixture
async def backend() -> AsyncIterator[RawBackend]:
    async with raw_backend() as made:
        yield made


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each first chunk, whether it led in on the quick way; that of `slowly` never does."""
    found = list[bool]()
    enter = QuickEntry.enter

    def entering(entry: QuickEntry, data: bytes) -> bool:
        found.append(enter(entry, data))
        return found[-1]

    monkeypatch.setattr(QuickEntry, "enter", entering)
    return found


async def visit(gateway: Gateway, backend: RawBackend, first: bytes, later: bytes = b"") -> tuple[bytes, bytes]:
    """What the backend is asked and the client is answered, without what is another each time."""
    async with raw_client(gateway.port, first) as client:
        if later:
            await asyncio.sleep(0)
            await client.send(later)
        answer = await client.read_head()
        upstream = await backend.accepted()
        await client.send(frame(1, b"hello", masked=True))
        assert await upstream.read(11)
        await client.send(close_frame(1000, masked=True))
        await upstream.close_received()
        await upstream.send(close_frame(1000, masked=False))
        upstream.hang_up()
        await client.close_received()
        await gateway.until_quiet()
        return CHANGING.sub(rb"\1", upstream.head), CHANGING.sub(rb"\1", answer)


@pytest.mark.parametrize("offer", ["", "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate"])
async def test_both_sides_are_told_the_same_on_either_way_the_first_time_and_later(
    taken: list[bool], offer: str
) -> None:
    chosen = [offer.partition(":")[0] + ":" + offer.partition(":")[2]] if offer else []
    options = EndpointOptions(headers={"X-Own": "1"})
    async with (
        raw_backend(lambda head: switch(head, *chosen, "X-Backend: 7")) as backend,
        running(backend.url, options=options) as gateway,
    ):
        headers = [tuple(offer.split(": ", 1))] if offer else []
        first = request("/echo/1.0.0?room=5", [*headers, ("Cookie", "a=b"), ("User-Agent", "curl")])
        quick = [await visit(gateway, backend, first) for _ in range(3)]
        slow = await visit(gateway, backend, first[:-20], first[-20:])
    assert quick == [slow, slow, slow]
    assert taken == ([True, True, True, False] if native.RELAY == native.NATIVE else [])


async def test_a_client_that_comes_by_ipv6_is_let_in_and_refused_like_others(
    backend: RawBackend, taken: list[bool]
) -> None:
    async with running(backend.url) as gateway:
        sock = socket.create_server(("::1", 0), family=socket.AF_INET6)
        await gateway.worker.listen(sock)
        for token, status in ((TOKEN, b" 101 "), ("none", b" 401 ")):
            reader, writer = await asyncio.open_connection("::1", sock.getsockname()[1])
            writer.write(request(token=token))
            assert status in await reader.readuntil(b"\r\n\r\n")
            writer.close()
        assert b"::1" in (await backend.accepted()).head
    assert taken == ([True, False] if native.RELAY == native.NATIVE else [])


async def test_a_decision_is_remembered_only_as_long_as_all_that_it_rests_on(
    backend: RawBackend, taken: list[bool]
) -> None:
    async with running(backend.url) as gateway:
        await visit(gateway, backend, request())
        grant = gateway.routing.grants.pop(TOKEN)
        assert (await answer_to(gateway, request()))[0] == 401
        gateway.routing.grants[TOKEN] = grant
        await visit(gateway, backend, request())
        gateway.routing.grants[TOKEN] = builders.grant(expires_at=1.0)
        assert (await answer_to(gateway, request()))[0] == 401
        gateway.routing.grants[TOKEN] = grant
        routes = gateway.routing.routes
        gateway.routing.routes = routes.replaced([], gone=list(routes.deployments))
        assert (await answer_to(gateway, request()))[0] == 404
    assert backend.connections.empty()


async def test_a_backend_that_fails_is_tried_again_and_then_the_next_as_its_options_say() -> None:
    heads = list[bytes]()

    def refuse_once(head: bytes) -> bytes:
        heads.append(head)
        return switch(head) if len(heads) > 1 else b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

    async with raw_backend(refuse_once) as backend, raw_backend() as spare, nobody() as gone:
        options = EndpointOptions(retries=1, retry_delay=0.0)
        async with running(backend.url, options=options) as gateway:
            await backend_answers(gateway, backend)
        assert len(heads) == 2
        async with running(gone, spare.url) as gateway:
            await backend_answers(gateway, spare)
        async with running(gone, options=EndpointOptions(suspend_after=1, suspend_initial=60.0)) as gateway:
            statuses = [(await answer_to(gateway, request()))[0] for _ in range(3)]
            assert statuses == [502, 503, 503]
            assert not gateway.connections


async def backend_answers(gateway: Gateway, backend: RawBackend) -> None:
    """A client is let in and heard by the backend, perhaps after connections that came to nothing."""
    async with raw_client(gateway.port) as client:
        assert b" 101 " in await client.read_head()
        await client.send(frame(1, b"hello", masked=True))
        while not await (await backend.accepted()).reader.read(11):
            pass


@pytest.mark.parametrize(
    ("proof", "description"),
    [
        (lambda answer: answer.replace(b"Accept: ", b"Accept: x"), "did not prove"),
        (lambda answer: answer.replace(b"Upgrade\r\n", b"close\r\n"), "did not switch"),
    ],
)
async def test_an_answer_is_judged_each_time_however_often_it_was_right(
    proof: Callable[[bytes], bytes], description: str
) -> None:
    is_right = True
    async with (
        raw_backend(lambda head: switch(head) if is_right else proof(switch(head))) as backend,
        running(backend.url) as gateway,
    ):
        for _ in range(2):
            await visit(gateway, backend, request())
        is_right = False
        status, _, body = await answer_to(gateway, request())
        assert status == 502
        assert description in body["description"]


async def test_who_leaves_while_the_backend_is_dialled_or_loses_the_right_leaves_nothing_behind() -> None:
    waiting = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        waiting.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/app"
    async with running(address) as gateway:
        async with raw_client(gateway.port) as client:
            await waiting.wait()
            client.reset()
        await gateway.until_quiet()
        waiting.clear()
        async with raw_client(gateway.port) as client:
            await waiting.wait()
            gateway.routing.grants.clear()
            gateway.connections[0].close(4001, "Revoked.")
            assert b" 401 " in await client.rest()
        assert not gateway.connections
    server.close()
