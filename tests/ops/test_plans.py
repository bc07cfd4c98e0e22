"""A plan is kept to the message by any number of worker processes, whatever happens to them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.environment import PATIENCE
from tests.forks import Worker
from tests.product import Product

pytestmark = pytest.mark.xdist_group("plans")  # they share an installation

NAMES = itertools.count(1)


@dataclass
class Backend:
    """Takes messages and says nothing."""

    url: str = ""
    heard: int = 0
    octets: int = 0

    async def __call__(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                self.heard += 1
                self.octets += len(message)


@asynccontextmanager
async def backend() -> AsyncIterator[Backend]:
    made = Backend()
    async with serve(made, "127.0.0.1", 0, compression=None) as server:
        made.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield made


@dataclass
class World:
    """A gateway of several workers, and Carol's subscription under a plan of the test's."""

    product: Product
    process: Worker
    url: str
    token: str
    subscription: str
    refusals: list[int] = field(default_factory=list)

    async def client(self) -> ClientConnection:
        """Connect; raises InvalidStatus."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return await connect(self.url, additional_headers=headers, compression=None, open_timeout=20)

    async def talk(self, size: int = 3, *, comes_back: bool = False) -> int | None:
        """Send until the connection ends; with what code. Who comes back does so until it is refused."""
        while True:
            try:
                client = await self.client()
            except InvalidStatus as error:
                self.refusals.append(error.response.status_code)
                return None
            except (OSError, InvalidHandshake, EOFError):
                continue  # the worker that took it was killed
            with suppress(ConnectionClosed):
                for number in range(100_000):
                    await client.send(b"x" * size)
                    if number % 20 == 0:
                        await asyncio.sleep(0.002)
            await client.wait_closed()
            if not comes_back or client.close_code == 4003:
                return client.close_code

    def workers(self) -> list[psutil.Process]:
        """Its worker processes: those that listen for clients."""
        port = int(self.product.settings["APIM_GATEWAY_WS_PORT"])
        children = psutil.Process(self.process.pid).children()
        return [each for each in children if port in {c.laddr.port for c in each.net_connections() if c.laddr}]


@pytest.fixture(scope="module")
def product(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An installation with Alice, Bob and Carol, which serves nothing by itself."""
    made = Product(tmp_path_factory.mktemp("plans"), APIM_BACKEND_NETWORKS="127.0.0.1")
    made.begin_with(prepared)
    made.act("cast", roles={"alice": ["creator"], "bob": ["publisher"], "carol": ["subscriber"]})
    yield made
    made.close_stage()


@asynccontextmanager
async def world(product: Product, backend: Backend, workers: int, **plan: Any) -> AsyncIterator[World]:
    """Run the gateway with so many workers, and a new plan, API and subscription."""
    name = f"Exact{next(NAMES)}"
    product.act("plan", name=name, fields={"counted": "client", "quota_period": "day", **plan})
    api = product.act("publish", name=name, endpoint=backend.url, plans=[name])
    keys = product.act("application", owner="carol", name=name)
    subscription = product.act("subscribe", application=keys["application"], api=api, plan=name)
    process = Worker("manage", "gateway", "--workers", str(workers), environment=product.environment)
    try:
        await until_ready(int(product.settings["APIM_GATEWAY_WS_PORT"]))
        yield World(product, process, f"{product.ws}/{name.lower()}/1.0", keys["token"], subscription)
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
        process.wait()


async def until_ready(port: int) -> None:
    """Wait until the gateway answers that it is ready."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = await reader.read()
                writer.close()
                if answer.startswith(b"HTTP/1.1 200"):
                    return
            await asyncio.sleep(0.05)


async def test_four_workers_admit_a_quota_to_the_message(product: Product) -> None:
    async with backend() as behind, world(product, behind, 4, quota=3000) as there:
        codes = await asyncio.gather(*(there.talk() for _ in range(16)))
        assert set(codes) <= {4003, None}
        assert 4003 in codes
        await until_heard(behind, 3000)
        await there.talk()
        assert there.refusals[-1] == 429
        assert behind.heard == 3000
    assert product.act("used", subscription=there.subscription) == [3000, 0]


async def until_heard(behind: Backend, messages: int) -> None:
    """Wait until the backend has read what is on its way to it."""
    async with asyncio.timeout(PATIENCE):
        while behind.heard < messages:
            await asyncio.sleep(0.02)


async def test_four_workers_admit_a_quota_of_bytes_to_the_byte(product: Product) -> None:
    async with backend() as behind, world(product, behind, 4, quota=1_000_001, quota_unit="bytes") as there:
        sizes = (1, 10, 100, 1000)
        await asyncio.gather(*(there.talk(size) for size in sizes for _ in range(3)))
        while behind.octets < 1_000_001:
            await there.talk(1)
        await there.talk(1)
        assert there.refusals[-1] == 429
        assert behind.octets == 1_000_001
    assert product.act("used", subscription=there.subscription, unit="bytes") == [1_000_001, 0]


async def test_a_killed_worker_takes_nothing_along_and_nothing_is_admitted_twice(product: Product) -> None:
    async with backend() as behind, world(product, behind, 4, quota=6000) as there:
        talking = [asyncio.create_task(there.talk(comes_back=True)) for _ in range(12)]
        await until_heard(behind, 1000)
        there.workers()[0].kill()
        await asyncio.gather(*talking)
        async with asyncio.timeout(PATIENCE):
            while product.act("used", subscription=there.subscription) != [6000, 0]:
                await there.talk(comes_back=True)
        assert behind.heard <= 6000
        assert behind.heard > 6000 - 200  # what was on its way through the one that was killed
