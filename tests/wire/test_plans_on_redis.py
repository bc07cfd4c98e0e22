"""Two gateways hold one subscription to its plan through a Redis, which may be killed and come back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
import redis
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.quotas.limits import OPEN, PlanLimits
from gateway.quotas.rules import Reservation, Reserved
from gateway.quotas.stores.checkpoints import Checkpoint, DatabaseCheckpoints, Epoch
from gateway.quotas.stores.redis import RedisLeaseStore
from publisher.plan_terms import CountedDirection
from tests.environment import PATIENCE, find_redis
from tests.wire.peers import until, websockets_backend
from tests.wire.test_plans import Metered, Recorder, metered, talk

pytestmark = pytest.mark.wire


class Server:
    """A Redis on a socket, with or without a memory that outlives it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder / 's'}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, remembers: bool = True) -> None:
        """Start it, and wait until it answers."""
        lasting = ["--appendonly", "yes", "--appendfsync", "always"] if remembers else ["--appendonly", "no"]
        options = ["--port", "0", "--unixsocket", str(self._folder / "s"), "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            [find_redis(), *options, *lasting], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with redis.Redis.from_url(
            self.url, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 500)
        ) as client:
            client.ping()

    def kill(self) -> None:
        """As the machine would."""
        if self._process:
            self._process.kill()
            self._process.wait()


class CountingStore(RedisLeaseStore):
    """A store that counts how many messages of rates it has let go, to all of its kind."""

    reserved = 0

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        answers = super().reserve(reservations, now)
        CountingStore.reserved += sum(answer.messages for answer in answers)
        return answers


class MemoryCheckpoints(DatabaseCheckpoints):
    """What was saved, by key; the database's part in it."""

    def __init__(self) -> None:
        self.last: Epoch | None = None
        self.windows: dict[str, Checkpoint] = {}

    def epoch(self) -> Epoch | None:
        return self.last

    def begin(self, epoch: Epoch) -> None:
        self.last = epoch

    def save(self, windows: Sequence[Checkpoint], epoch: Epoch) -> None:
        self.last = epoch
        self.windows |= {window.key: window for window in windows}

    def load(self, now: float) -> Iterator[Checkpoint]:
        return iter(list(self.windows.values()))

    def close(self) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Running."""
    made = Server(tmp_path)
    made.start()
    yield made
    made.kill()


async def gateways(stack: AsyncExitStack, server: Server, url: str, plan: PlanLimits, folder: Path) -> list[Metered]:
    """Two, each with a lease client and a connection to the Redis of its own."""
    return [
        await stack.enter_async_context(metered(url, plan, folder / "leases", store=CountingStore(server.url)))
        for _ in range(2)
    ]


async def test_two_gateways_admit_a_quota_to_the_message_though_their_redis_is_killed(
    server: Server, tmp_path: Path
) -> None:
    backend_heard, plan = Recorder(), PlanLimits(quota=3000, counted=CountedDirection.CLIENT)
    async with websockets_backend(backend_heard) as url, AsyncExitStack() as stack:
        worlds = await gateways(stack, server, url, plan, tmp_path)
        clients = [await world.client() for world in worlds for _ in range(4)]
        talking = [asyncio.create_task(talk(client)) for client in clients]
        async with asyncio.timeout(PATIENCE):
            while len(backend_heard.heard) < 500:
                await asyncio.sleep(0.001)
        server.kill()
        await until(lambda: any(world.waiting for world in worlds))
        assert len(backend_heard.heard) < 3000
        assert all(not client.close_code for client in clients)
        server.start()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*talking)
        assert len(backend_heard.heard) == 3000
        assert {client.close_code for client in clients} == {4003}


async def test_a_quota_is_kept_though_redis_forgets_all_while_nobody_is_connected(
    server: Server, tmp_path: Path
) -> None:
    backend_heard, plan = Recorder(), PlanLimits(quota=3000, counted=CountedDirection.CLIENT)
    saved = MemoryCheckpoints()
    stores = [CountingStore(server.url, checkpoints=saved) for _ in range(2)]
    async with websockets_backend(backend_heard) as url, AsyncExitStack() as stack:
        worlds = [
            await stack.enter_async_context(metered(url, plan, tmp_path / "leases", store=store)) for store in stores
        ]
        for world in worlds:
            async with await world.client() as client:
                for _ in range(700):
                    await client.send("x")
                    await client.recv()
        await until(lambda: not any(world.plans.lease_client.lease_state.holds_leases for world in worlds))
        await asyncio.to_thread(stores[0].checkpoint)
        server.kill()
        server.start(remembers=False)
        clients = [await world.client() for world in worlds]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(talk(client) for client in clients))
        assert len(backend_heard.heard) == 3000
        assert {client.close_code for client in clients} == {4003}


async def test_connections_are_counted_again_when_redis_has_lost_its_memory(server: Server, tmp_path: Path) -> None:
    async with websockets_backend() as url, AsyncExitStack() as stack:
        worlds = await gateways(stack, server, url, PlanLimits(connections=3), tmp_path)
        for world in (worlds[0], worlds[0], worlds[1]):
            await world.client()
        server.kill()
        server.start(remembers=False)
        store = RedisLeaseStore(server.url)
        (key,) = {
            account.slots.terms.key for account in worlds[0].gateway.connections[0].admission.accounts if account.slots
        }
        await until(lambda: store.used([(key, OPEN)])[0].spent == 3)
        for world in worlds:
            with pytest.raises(InvalidStatus):
                await world.client()


async def test_a_rate_is_shared_by_two_gateways(server: Server, tmp_path: Path) -> None:
    backend_heard, plan = Recorder(), PlanLimits(rate=200, burst=20, counted=CountedDirection.CLIENT)
    async with websockets_backend(backend_heard) as url, AsyncExitStack() as stack:
        worlds = await gateways(stack, server, url, plan, tmp_path)
        CountingStore.reserved = 0
        clients = [await world.client() for world in worlds]
        talking = [asyncio.create_task(talk(client)) for client in clients]
        async with asyncio.timeout(PATIENCE):
            while len(backend_heard.heard) < 300:
                await asyncio.sleep(0.01)
        assert len(backend_heard.heard) <= CountingStore.reserved
        for client in clients:
            with suppress(ConnectionClosed):
                client.transport.abort()
        for task in talking:
            task.cancel()
