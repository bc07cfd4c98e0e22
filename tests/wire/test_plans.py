"""Plans on the wire: what a plan allows passes, and not one message or byte more; real sockets, a store in memory."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.connections.plans import ConnectionPlans
from gateway.quotas.admission import Admission
from gateway.quotas.client import LeaseClient
from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import LimitSource
from gateway.quotas.rules import LeaseStore, Reservation, Reserved
from gateway.relay.frames import BINARY, CLOSE, CONTINUATION, PING, RSV1, TEXT
from publisher.plan_terms import CountedDirection, ExceededAction, QuotaPeriod, QuotaUnit
from tests.environment import PATIENCE
from tests.gateway import builders
from tests.gateway.metering_world import MemoryStore
from tests.wire.gateway_under_test import TOKEN, Gateway, running
from tests.wire.peers import (
    Raw,
    close_frame,
    frame,
    raw_backend,
    raw_client,
    request,
    switch,
    until,
    websockets_backend,
)

pytestmark = pytest.mark.wire

API = "/echo@1.0.0"


@dataclass
class Recorder:
    """A backend that echoes, and notes what it was sent."""

    heard: list[str | bytes] = field(default_factory=list)

    async def __call__(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                self.heard.append(message)
                with suppress(ConnectionClosed):  # a close behind this message is no reason to hear no more of them
                    await connection.send(message)

    @property
    def octets(self) -> int:
        """Bytes of what it was sent."""
        return sum(len(each) for each in self.heard)


class CountingStore(MemoryStore):
    """A store that counts how many messages of rates it has let go."""

    reserved = 0

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        answers = super().reserve(reservations, now)
        self.reserved += sum(answer.messages for answer in answers)
        return answers


@dataclass
class Metered:
    """A gateway with plans, and the store behind them."""

    gateway: Gateway
    plans: ConnectionPlans

    async def client(self, **given: Any) -> ClientConnection:
        """Carol's client, through the gateway; raises InvalidStatus."""
        return await connect(
            self.gateway.url,
            additional_headers=self.gateway.headers,
            **{"compression": None, "max_size": None, **given},
        )

    @property
    def waiting(self) -> int:
        """How many sides of the connections are held until their plan lets something pass."""
        sources = {
            source
            for connection in self.gateway.connections
            if connection.admission
            for source in _sources(connection.admission)
        }
        return sum(len(source.waiting) for source in sources)

    def change(self, plan: PlanLimits, application: PlanLimits | None = None) -> None:
        """What the follower does when it has read that a plan has changed."""
        self.gateway.routing.grants[TOKEN] = grant = granted(plan, application)
        for connection in self.gateway.connections:
            connection.admitted = replace(connection.admitted, grant=grant, subscription=grant.subscriptions[API])
            self.plans.follow(connection)


def _sources(admission: Admission) -> list[LimitSource]:
    return [source for account in admission.accounts for source in account.sources]


def granted(plan: PlanLimits, application: PlanLimits | None = None, who: str = "") -> Any:
    """Carol's grant under these limits, and of another application of hers if it is named."""
    plain = builders.grant(expires_at=time.time() + 3600)
    named = plain.subscriptions[API]
    held = {API: replace(named, limits=plan)}
    return replace(
        plain, application_id=who or plain.application_id, subscriptions=held, limits=application or PlanLimits()
    )


@asynccontextmanager
async def metered(
    backend: str,
    plan: PlanLimits,
    folder: Path,
    application: PlanLimits | None = None,
    store: LeaseStore | None = None,
    **given: Any,
) -> AsyncIterator[Metered]:
    """A gateway that holds Carol to this plan."""
    lease_client = LeaseClient(store or MemoryStore(), folder)
    await lease_client.start()
    plans = ConnectionPlans(lease_client)
    try:
        async with running(backend, plans=plans, **given) as gateway:
            gateway.routing.grants[TOKEN] = granted(plan, application)
            yield Metered(gateway, plans)
    finally:
        await lease_client.stop()


async def talk(client: ClientConnection, size: int = 3) -> int:
    """Send until it is over, reading all the while; how many answers came."""
    listening = asyncio.create_task(everything(client))
    with suppress(ConnectionClosed):
        for number in range(100_000):
            await client.send(b"x" * size)
            if number % 50 == 0:
                await asyncio.sleep(0)
    return await listening


async def everything(client: ClientConnection) -> int:
    """Read to the end; how many messages came."""
    heard = 0
    with suppress(ConnectionClosed):
        while True:
            await client.recv()
            heard += 1
    return heard


async def ended(client: ClientConnection) -> tuple[int | None, str | None]:
    """The code and reason with which a connection is closed."""
    async with asyncio.timeout(PATIENCE):
        await client.wait_closed()
    return client.close_code, client.close_reason


async def test_a_quota_of_what_clients_send_passes_to_the_message_over_many_connections(tmp_path: Path) -> None:
    backend_heard, plan = Recorder(), PlanLimits(quota=1234, counted=CountedDirection.CLIENT)
    async with websockets_backend(backend_heard) as url, metered(url, plan, tmp_path) as world:
        clients = [await world.client() for _ in range(12)]
        await asyncio.gather(*(talk(client) for client in clients))
        assert len(backend_heard.heard) == 1234
        for client in clients:
            code, reason = await ended(client)
            assert code == 4003
            assert reason
            assert reason.startswith("The subscription's 1,234 messages a day are used up. There is more from ")
        await world.gateway.until_quiet()
        assert sum(relay.traffic().messages_in for relay in world.gateway.ended) == 1234


async def test_where_both_directions_count_they_share_the_quota(tmp_path: Path) -> None:
    backend_heard, plan = Recorder(), PlanLimits(quota=777)
    async with websockets_backend(backend_heard) as url, metered(url, plan, tmp_path) as world:
        clients = [await world.client() for _ in range(5)]
        heard = sum(await asyncio.gather(*(talk(client) for client in clients)))
        assert len(backend_heard.heard) + heard == 777


async def test_a_quota_of_bytes_is_never_passed_by_a_single_one(tmp_path: Path) -> None:
    backend_heard, plan = Recorder(), PlanLimits(quota=100_000, unit=QuotaUnit.BYTES, counted=CountedDirection.CLIENT)
    async with websockets_backend(backend_heard) as url, metered(url, plan, tmp_path) as world:
        clients = [await world.client() for _ in range(4)]
        await asyncio.gather(*(talk(client, size) for client, size in zip(clients, (1, 10, 100, 1000), strict=True)))
        assert backend_heard.octets == 100_000
        assert "bytes a day have no room for this message" in (await ended(clients[3]))[1]  # type: ignore[operator]


async def test_an_applications_plan_holds_beside_the_subscriptions(tmp_path: Path) -> None:
    backend_heard, application = Recorder(), PlanLimits(quota=50, period=QuotaPeriod.MINUTE)
    async with (
        websockets_backend(backend_heard) as url,
        metered(
            url, PlanLimits(quota=10_000, rate=100_000, counted=CountedDirection.CLIENT), tmp_path, application
        ) as world,
    ):
        client = await world.client()
        await talk(client)
        code, reason = await ended(client)
        if len(backend_heard.heard) == 50:  # else a minute has begun meanwhile
            assert (code, reason and reason[:46]) == (4003, "The application's 50 messages a minute are use")
        with pytest.raises(InvalidStatus) as refused:
            await world.client()
        assert json.loads(refused.value.response.body)["code"] == 900803


async def test_who_comes_when_the_quota_is_used_up_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with websockets_backend() as url, metered(url, PlanLimits(quota=5), tmp_path) as world:
        await talk(await world.client())
        with pytest.raises(InvalidStatus) as refused:
            await world.client()
        response = refused.value.response
        assert response.status_code == 429
        assert 0 < int(response.headers["Retry-After"]) <= 86400
        assert json.loads(response.body)["code"] == 900804
        assert not world.gateway.connections


async def test_messages_over_a_quota_that_drops_are_left_out_and_all_else_goes_on(tmp_path: Path) -> None:
    plan = PlanLimits(quota=3, counted=CountedDirection.CLIENT, over_quota=ExceededAction.DROP)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path) as world:
        async with raw_client(world.gateway.port) as client:
            await client.read_head()
            behind = await backend.accepted()
            first, last = frame(BINARY, b"first", masked=True), frame(CONTINUATION, b"last", masked=True)
            begin, middle = frame(TEXT, b"begin", masked=True, final=False), frame(PING, b"ping", masked=True)
            await client.send(first + begin + middle + last + first)
            passed = first + begin + middle + last + first
            assert await behind.read(len(passed)) == passed
            await client.send(first * 3 + begin + middle + last + first[:3])
            assert await behind.read(len(middle)) == middle
            await client.send(first[3:] + close_frame(1000, "bye", masked=True))
            assert await behind.close_received() == (1000, "bye")
            await behind.send(close_frame(1000, "bye", masked=False))
            assert await client.close_received() == (1000, "bye")
        await world.gateway.until_quiet()
        (relay,) = world.gateway.ended
        assert relay.traffic()[:2] == (3, 19)


async def test_a_close_of_the_gateways_need_not_wait_for_the_rest_of_a_message_that_is_left_out(tmp_path: Path) -> None:
    plan = PlanLimits(quota=1, counted=CountedDirection.CLIENT, over_quota=ExceededAction.DROP)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind = await backend.accepted()
        passes, dropped = frame(BINARY, b"passes", masked=True), frame(BINARY, b"x" * 1000, masked=True)
        await client.send(passes + dropped[:500])
        assert await behind.read(len(passes)) == passes
        (relay,) = world.gateway.worker.config.relays
        await until(lambda: relay.client.scanner.messages == 2)
        world.gateway.connections[0].close(4011, "Enough.")
        assert await behind.close_received() == (1001, "The gateway closed this connection.")
        assert await client.close_received() == (4011, "Enough.")


@pytest.mark.parametrize("uncompressed", [False, True])
async def test_a_plan_may_decline_compression_so_that_its_bytes_are_those_inside(
    tmp_path: Path, uncompressed: bool
) -> None:
    """2 000 equal letters are a few bytes when they are squeezed, and else more than this plan lets pass."""
    plan = PlanLimits(quota=1000, unit=QuotaUnit.BYTES, counted=CountedDirection.CLIENT, uncompressed=uncompressed)
    async with websockets_backend(compression="deflate") as url, metered(url, plan, tmp_path) as world:
        client = await world.client(compression="deflate")
        assert client.response
        assert ("Sec-WebSocket-Extensions" in client.response.headers) is not uncompressed
        await client.send("a" * 2000)
        if not uncompressed:
            assert await client.recv() == "a" * 2000
            await client.close()
            return
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 4003


async def test_a_client_that_compresses_where_that_was_declined_breaks_the_protocol(tmp_path: Path) -> None:
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate")]
    async with (
        raw_backend() as backend,
        metered(backend.url, PlanLimits(uncompressed=True), tmp_path) as world,
        raw_client(world.gateway.port, request(headers=offer)) as client,
    ):
        assert b"extensions" not in (await client.read_head()).lower()
        assert b"extensions" not in (await backend.accepted()).head.lower()
        await client.send(frame(TEXT, b"x", masked=True, rsv=RSV1))
        assert (await client.close_received())[0] == 1002


async def test_where_the_next_message_could_not_be_read_without_it_none_is_left_out(tmp_path: Path) -> None:
    plan = PlanLimits(quota=2, counted=CountedDirection.CLIENT, over_quota=ExceededAction.DROP)
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate")]

    def compressing(head: bytes) -> bytes:
        return switch(head, "Sec-WebSocket-Extensions: permessage-deflate")

    async with (
        raw_backend(compressing) as backend,
        metered(backend.url, plan, tmp_path) as world,
        raw_client(world.gateway.port, request(headers=offer)) as client,
    ):
        await client.read_head()
        compressor = zlib.compressobj(wbits=-15)
        for number in range(3):
            data = compressor.compress(b"hello %d" % number) + compressor.flush(zlib.Z_SYNC_FLUSH)
            await client.send(frame(TEXT, data[:-4], masked=True, rsv=RSV1))
        code, reason = await client.close_received()
        assert code == 4003
        assert reason.startswith("The subscription's 2 messages a day are used up.")


async def test_a_rate_delays_without_loss_or_disorder_and_is_never_passed(tmp_path: Path) -> None:
    backend_heard, store, plan = (
        Recorder(),
        CountingStore(),
        PlanLimits(rate=200, burst=200, counted=CountedDirection.CLIENT),
    )
    async with websockets_backend(backend_heard) as url, metered(url, plan, tmp_path, store=store) as world:
        client = await world.client()
        for number in range(400):
            await client.send(str(number))
        for number in range(400):
            assert await client.recv() == str(number)
            assert number < store.reserved
        assert backend_heard.heard == [str(number) for number in range(400)]
        await client.close()
        await world.gateway.until_quiet()


async def test_a_delayed_client_may_close_behind_what_it_has_sent(tmp_path: Path) -> None:
    backend_heard, plan = Recorder(), PlanLimits(rate=100, burst=100, counted=CountedDirection.CLIENT)
    async with websockets_backend(backend_heard) as url, metered(url, plan, tmp_path) as world:
        client = await world.client()
        for number in range(150):
            await client.send(str(number))
        listening = asyncio.create_task(everything(client))
        await client.close(1000, "done")
        await listening
        await world.gateway.until_quiet()
        await until(lambda: len(backend_heard.heard) >= 150)
        assert len(backend_heard.heard) == 150
        assert world.gateway.ended[0].close_info().client_code == 1000


async def test_a_delayed_connection_is_closed_at_once_when_it_has_to_be(tmp_path: Path) -> None:
    plan = PlanLimits(rate=1, burst=1, counted=CountedDirection.CLIENT)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path, handshake=60) as world:
        async with raw_client(world.gateway.port) as client:
            await client.read_head()
            behind = await backend.accepted()
            message = frame(BINARY, b"x", masked=True)
            await client.send(message * 100 + close_frame(1000, "mine", masked=True))
            assert await behind.read(len(message)) == message
            await until(lambda: world.waiting == 1)
            world.gateway.connections[0].close(4011, "Enough.")
            assert await client.close_received() == (4011, "Enough.")
            assert await behind.close_received() == (1001, "The gateway closed this connection.")
            await behind.send(close_frame(1001, masked=False))
            behind.hang_up()
            await client.rest()
        await world.gateway.until_quiet()


@pytest.mark.parametrize(("action", "code"), [(ExceededAction.CLOSE, 4003), (ExceededAction.DROP, None)])
async def test_a_rate_may_close_or_drop_instead(tmp_path: Path, action: ExceededAction, code: int | None) -> None:
    backend_heard, store = Recorder(), CountingStore()
    plan = PlanLimits(rate=10, burst=10, counted=CountedDirection.CLIENT, over_rate=action)
    async with websockets_backend(backend_heard) as url, metered(url, plan, tmp_path, store=store) as world:
        client = await world.client()
        with suppress(ConnectionClosed):
            for number in range(1000):
                await client.send(str(number))
        if code:
            assert await ended(client) == (4003, "More than the subscription's 10 messages a second.")
        else:
            await client.close()
        await world.gateway.until_quiet()
        numbers = [int(each) for each in backend_heard.heard]
        assert numbers == sorted(numbers)
        assert 1 <= len(numbers) <= store.reserved


async def test_connections_are_counted_while_they_are_open(tmp_path: Path) -> None:
    async with websockets_backend() as url, metered(url, PlanLimits(connections=3), tmp_path) as world:
        clients = [await world.client() for _ in range(3)]
        with pytest.raises(InvalidStatus) as refused:
            await world.client()
        assert refused.value.response.status_code == 429
        sentence = json.loads(refused.value.response.body)["description"]
        assert sentence == "The subscription's 3 connections are all in use. Close one, then try again."
        await clients.pop().close()
        await until_let_in(world)


async def until_let_in(world: Metered) -> None:
    """Try until there is room."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(InvalidStatus):
                await world.client()
                return
            await asyncio.sleep(0.05)


async def test_a_connection_whose_backend_refuses_takes_no_slot(tmp_path: Path) -> None:
    async with metered("ws://127.0.0.1:1/", PlanLimits(connections=1), tmp_path) as world:
        for _ in range(3):
            with pytest.raises(InvalidStatus) as refused:
                await world.client()
            assert refused.value.response.status_code in (502, 503)


async def test_new_connections_are_counted_by_the_minute(tmp_path: Path) -> None:
    async with websockets_backend() as url, metered(url, PlanLimits(connects=4), tmp_path) as world:
        answers = []
        for _ in range(12):  # a new minute may begin meanwhile, but not two
            try:
                await (await world.client()).close()
                answers.append(101)
            except InvalidStatus as error:
                answers.append(error.response.status_code)
        assert answers[:4] == [101] * 4
        assert 4 <= answers.count(429) <= 8


async def test_a_message_over_the_plans_size_ends_in_1009(tmp_path: Path) -> None:
    backend_heard = Recorder()
    async with (
        websockets_backend(backend_heard) as url,
        metered(url, PlanLimits(message_bytes=1000), tmp_path) as world,
    ):
        client = await world.client()
        await client.send(b"x" * 1000)
        assert await client.recv() == b"x" * 1000
        await client.send(b"x" * 1001)
        assert await ended(client) == (1009, "A message was over the limit of 1000 bytes.")
        assert backend_heard.octets == 1000


async def test_a_changed_plan_acts_on_open_connections(tmp_path: Path) -> None:
    backend_heard = Recorder()
    async with websockets_backend(backend_heard) as url, metered(url, PlanLimits(), tmp_path) as world:
        client = await world.client()
        await client.send("free")
        assert await client.recv() == "free"
        world.change(PlanLimits(message_bytes=3, quota=2))
        await client.send("met")
        assert await client.recv() == "met"
        world.change(PlanLimits(message_bytes=4, quota=3))
        await client.send("more")
        assert await ended(client) == (4003, (await ended(client))[1])
        assert backend_heard.heard == ["free", "met", "more"]


async def test_who_waits_for_a_rate_goes_on_when_the_plan_has_none_any_more(tmp_path: Path) -> None:
    async with websockets_backend() as url, metered(url, PlanLimits(rate=4, burst=4), tmp_path) as world:
        client = await world.client()
        for number in range(100):
            await client.send(str(number))
        await client.recv()
        world.change(PlanLimits())
        async with asyncio.timeout(PATIENCE):
            assert [await client.recv() for _ in range(99)] == [str(number) for number in range(1, 100)]
        await client.close()


async def test_a_plan_that_allows_less_ends_what_is_over_it(tmp_path: Path) -> None:
    async with websockets_backend() as url, metered(url, PlanLimits(quota=1000), tmp_path) as world:
        client = await world.client()
        for number in range(20):
            await client.send(str(number))
            await client.recv()
        world.change(PlanLimits(quota=30))
        await client.send("over")
        assert (await ended(client))[0] == 4003


async def test_a_backend_that_pushes_is_held_to_the_rate_too(tmp_path: Path) -> None:
    async def push(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            for number in range(200):
                await connection.send(str(number))
            await connection.wait_closed()

    store, plan = CountingStore(), PlanLimits(rate=100, burst=100)
    async with websockets_backend(push) as url, metered(url, plan, tmp_path, store=store) as world:
        client = await world.client()
        for number in range(200):
            assert await client.recv() == str(number)
            assert number < store.reserved
        await client.close()


async def test_while_a_connection_is_leaving_its_plan_still_holds(tmp_path: Path) -> None:
    plan = PlanLimits(quota=2, counted=CountedDirection.CLIENT)
    async with raw_backend() as backend, metered(backend.url, plan, tmp_path) as world:
        async with raw_client(world.gateway.port) as client:
            await client.read_head()
            behind = await backend.accepted()
            message = frame(BINARY, b"x", masked=True)
            await client.send(message)
            await behind.read(len(message))
            (relay,) = world.gateway.worker.config.relays
            relay.leave(1012, "Restarting.")
            assert await client.close_received() == (1012, "Restarting.")
            await client.send(message * 5 + close_frame(1012, masked=True))
            assert await behind.read(len(message)) == message
            assert await behind.close_received() == (1001, "The gateway closed this connection.")
            await behind.send(close_frame(1001, masked=False))
        await world.gateway.until_quiet()


def raw_kinds(raw: bytes) -> list[int]:
    """The opcodes of unmasked short frames."""
    kinds, at = [], 0
    while at < len(raw):
        kinds.append(raw[at] & 15)
        at += 2 + (raw[at + 1] & 127)
    return kinds


async def test_nothing_of_ours_lands_inside_a_stream_whose_messages_are_dropped(
    tmp_path: Path,
) -> None:
    plan = PlanLimits(quota=5, over_quota=ExceededAction.DROP)
    async with (
        raw_backend() as backend,
        metered(backend.url, plan, tmp_path) as world,
        raw_client(world.gateway.port) as client,
    ):
        await client.read_head()
        behind: Raw = await backend.accepted()
        await behind.send(frame(TEXT, b"hi", masked=False) * 50 + close_frame(1000, masked=False))
        await client.send(close_frame(1000, masked=True))
        kinds = raw_kinds(await client.rest())
        assert kinds == [TEXT] * 5 + [CLOSE]
