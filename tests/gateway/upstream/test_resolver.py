"""Names of backends: asked for without a thread, remembered as long as the answer says, one's trouble nobody else's."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.upstream import resolver as module
from gateway.upstream.dialer import BackendAddress, Dialer, DialFailed
from gateway.upstream.handshake import BackendError, UpgradeRequest
from gateway.upstream.resolver import NameUnresolved, Resolver
from gateway.upstream.tls import TlsContexts
from publisher.endpoint import EndpointOptions


class NameServer(asyncio.DatagramProtocol):
    """Answers A questions with an address that counts up, and leaves names below `slow.example` waiting."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.is_silent = False
        self.ttl = 0  # c-ares remembers too, by a clock of its own

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.address = "{}:{}".format(*transport.get_extra_info("sockname")[:2])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        name, (kind,) = ".".join(labels).lower(), struct.unpack(">H", data[at + 1 : at + 3])
        question = data[12 : at + 5]
        self.asked[name] += kind == 1
        if self.is_silent or name.endswith("slow.example"):
            return
        code, answers = (3 if name.startswith("unknown") else 0), b""
        if kind == 1 and not code:
            answers = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", self.ttl, 4) + bytes((127, 0, 0, self.asked[name]))
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, bool(answers), 0, 0)
        self.transport.sendto(head + question + answers, addr)


PLAIN = UpgradeRequest((), "", ())


def backend(host: str, api_id: str) -> BackendAddress:
    """Where an API's backend is."""
    return BackendAddress(f"ws://{host}/", f"{api_id} ws://{host}/")


class World:
    """A resolver with a clock of the test's own, on a name server of its own."""

    def __init__(self, server: NameServer) -> None:
        self.server, self.now = server, 1000.0
        self.resolver = Resolver(servers=[server.address], clock=lambda: self.now)

    async def find(self, name: str, seconds: float = 5.0) -> list[str]:
        return await self.resolver.addresses(name, seconds)


@asynccontextmanager
async def names() -> AsyncIterator[World]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    world = World(server)
    try:
        yield world
    finally:
        await world.resolver.close()
        transport.close()


async def test_an_answer_is_kept_as_long_as_it_says_and_asked_for_once_by_all() -> None:
    async with names() as world:
        assert await asyncio.gather(*(world.find("one.example") for _ in range(20))) == [["127.0.0.1"]] * 20
        world.now += 0.9
        assert await world.find("one.example") == ["127.0.0.1"]
        world.now += 0.2
        assert await world.find("one.example") == ["127.0.0.2"]
        assert world.server.asked == {"one.example": 2}
        world.server.ttl = 60
        await world.find("two.example")
        world.now += 59
        await world.find("two.example")
        assert world.server.asked["two.example"] == 1


async def test_a_name_that_is_slow_keeps_nobody_waiting_who_asks_for_another() -> None:
    async with names() as world:
        many = [asyncio.create_task(world.find(f"n{number}.slow.example", 60)) for number in range(500)]
        await asyncio.sleep(0)
        assert await world.find("one.example") == ["127.0.0.1"]
        refused = [task for task in many if task.done()]
        assert len(refused) == len(many) - module.MOST_OF_A_DOMAIN
        for task in many:
            task.cancel()
        assert {type(each) for each in await asyncio.gather(*many, return_exceptions=True)} == {
            NameUnresolved,
            asyncio.CancelledError,
        }


async def test_an_api_that_names_many_slow_hosts_waits_for_a_few_of_them_and_keeps_no_name_from_others() -> None:
    async with names() as world:
        dialer = Dialer(resolver=world.resolver)
        many = [
            asyncio.create_task(dialer.dial([backend(f"n{n}.d{n}.slow.example", "greedy")], PLAIN, EndpointOptions()))
            for n in range(module.MOST_OF_AN_API + 3)
        ]
        while sum(task.done() for task in many) < 3:
            await asyncio.sleep(0)
        waiting = [task for task in many if not task.done()]
        assert len(waiting) == module.MOST_OF_AN_API
        assert await world.resolver.addresses("one.example", 5, "modest") == ["127.0.0.1"]
        with pytest.raises(NameUnresolved):  # it is out of turns, and the name stays open to everybody else
            await world.resolver.addresses("two.example", 5, "greedy")
        assert await world.resolver.addresses("two.example", 5, "modest") == ["127.0.0.1"]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*many, return_exceptions=True)


async def test_who_waits_for_a_silent_server_is_told_in_time_and_gets_what_was_known_before() -> None:
    async with names() as world:
        await world.find("one.example")
        world.server.is_silent = True
        with pytest.raises(NameUnresolved):
            await world.find("two.example", 0.05)
        world.now += 2
        assert await world.find("one.example", 0.05) == ["127.0.0.1"]
        world.now += module.STALE_SECONDS
        with pytest.raises(NameUnresolved):
            await world.find("one.example", 0.05)


async def test_a_name_that_is_unknown_is_asked_for_again_in_a_moment() -> None:
    async with names() as world:
        for _ in range(3):
            with pytest.raises(NameUnresolved):
                await world.find("unknown.example")
        assert world.server.asked["unknown.example"] == 1
        world.now += module.UNKNOWN_SECONDS
        with pytest.raises(NameUnresolved):
            await world.find("unknown.example")
        assert world.server.asked["unknown.example"] == 2


async def test_the_hosts_file_counts_and_labels_that_cannot_be_are_no_fault_of_ours() -> None:
    resolver = Resolver()
    assert "127.0.0.1" in await resolver.addresses("localhost", 5)
    for bad in ("a..b", "x" * 70 + ".example"):
        with pytest.raises(socket.gaierror):
            await resolver.addresses(bad, 5)
    await resolver.close()


async def test_contexts_for_tls_are_made_beside_the_loop_and_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    made, may = list[str](), threading.Event()

    def make(verify: bool, ca_certificate: str, *_: str) -> ssl.SSLContext:
        made.append(ca_certificate)
        may.wait(30 if ca_certificate == "slow" else 0)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr("gateway.upstream.tls.client_context", make)
    contexts = TlsContexts()
    slow = [asyncio.create_task(contexts.for_backend(EndpointOptions(ca_certificate="slow"))) for _ in range(3)]
    await asyncio.sleep(0)
    quick = [await contexts.for_backend(EndpointOptions(ca_certificate="quick")) for _ in range(2)]
    assert quick[0] is quick[1]
    assert not any(task.done() for task in slow)
    may.set()
    assert len(set(await asyncio.gather(*slow))) == 1
    assert sorted(made) == ["quick", "slow"]


async def test_a_certificate_that_cannot_be_used_is_tried_once_in_a_while_however_many_dial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = list[str]()

    def make(*given: str) -> ssl.SSLContext:
        tried.append(given[2])
        raise ssl.SSLError("ee key too small")

    monkeypatch.setattr("gateway.upstream.tls.client_context", make)
    monkeypatch.setattr("gateway.upstream.tls.FAILED_SECONDS", 0.05)
    contexts, weak = TlsContexts(), EndpointOptions(client_certificate="weak")
    for _ in range(3):
        with pytest.raises(BackendError, match="certificate"):
            await contexts.for_backend(weak)
    assert tried == ["weak"]
    async with asyncio.timeout(5):
        while len(tried) < 2:
            await asyncio.sleep(0.01)
            with pytest.raises(BackendError, match="certificate"):
                await contexts.for_backend(weak)


async def test_a_name_service_that_fails_suspends_no_backend() -> None:
    async with names() as world:
        dialer = Dialer(resolver=world.resolver)
        address = BackendAddress("ws://unknown.example/", "unknown")
        outcomes = []
        for _ in range(20):
            with pytest.raises(DialFailed) as failed:
                await dialer.dial([address], UpgradeRequest((), "", ()), EndpointOptions())
            outcomes.append(failed.value.refusal.description)
        assert set(outcomes) == {"The name of the backend could not be resolved."}
