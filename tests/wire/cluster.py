"""The product's own control plane behind real sockets: workers of one database, and the scenario they look at."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, TypeVar
from unittest.mock import patch

from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from core.clock import SharedClock
from gateway.connections.registry import Connection
from gateway.control.plane import ControlPlane
from gateway.server.asgi import open_context
from gateway.server.context import GatewayContext
from gateway.server.worker import Worker
from publisher import operations as publishing
from publisher.models import Api
from tests.environment import PATIENCE
from tests.gateway.scenario import Scenario, elsewhere

T = TypeVar("T")

PAGE = "https://app.example.com"
PATH = "/echowebsocket/1.0.0"


@dataclass
class Site:
    """One worker, with its own control plane, on a port of its own."""

    context: GatewayContext
    control: ControlPlane
    port: int

    @property
    def connections(self) -> list[Connection]:
        """Who is connected."""
        return list(self.context.connections)

    async def try_admit(self, path: str = PATH, token: str | None = None, **given: Any) -> ClientConnection:
        """Connect; raises InvalidStatus."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers={**headers, **given.pop("headers", {})},
            compression=None,
            **given,
        )

    async def refusal(self, path: str = PATH, token: str | None = None, **given: Any) -> dict[str, Any]:
        """What a client is told that is not let in: the body with the status in it."""
        try:
            connection = await self.try_admit(path, token, **given)
        except InvalidStatus as error:
            return {"status": error.response.status_code, **json.loads(error.response.body)}
        await connection.close()
        raise AssertionError("was let in")

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        """A plain HTTP request."""
        return await asyncio.to_thread(_ask, self.port, method, path, headers or {})

    async def ticket(self, token: str, origin: str = "", path: str = PATH) -> dict[str, Any]:
        """A ticket as a page's script gets it."""
        answer = await self.ask("POST", f"/tickets{path}", _with(token, origin))
        assert answer.status == 201, answer
        return answer.document


@dataclass
class Answer:
    """An answer to a plain HTTP request; header names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON in it."""
        return dict(json.loads(self.body))


@asynccontextmanager
async def running(workers: int = 1) -> AsyncIterator[list[Site]]:
    """So many workers on the database of the test."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_site()) for _ in range(workers)]


@asynccontextmanager
async def _site() -> AsyncIterator[Site]:
    context, control = open_context()
    await control.start()
    worker = Worker(context, drain=0.0, tick=0.02)
    sock = socket.create_server(("127.0.0.1", 0))
    await worker.listen(sock)
    try:
        yield Site(context, control, sock.getsockname()[1])
    finally:
        await worker.stop()
        await control.stop()


async def scenario_with(backend: str) -> Scenario:
    """The tutorial's scenario with this backend behind its API."""
    return await elsewhere(lambda: _told(backend))


def _told(backend: str) -> Scenario:
    scenario = Scenario()
    point_at(scenario, scenario.api, backend)
    return scenario


def point_at(scenario: Scenario, api: Api, backend: str) -> None:
    """Give an API this backend and deploy that."""
    address = {"url": backend, "failover": []}
    changes = {"production": address, "sandbox": address}
    publishing.update_api(api=Api.objects.get(pk=api.pk), changes=changes, actor=scenario.admin, now=timezone.now())
    deploy(scenario, api)


def deploy(scenario: Scenario, api: Api) -> None:
    """Deploy the design as it is."""
    row, now = Api.objects.get(pk=api.pk), timezone.now()
    revision = publishing.create_revision(api=row, actor=scenario.admin, now=now)
    publishing.deploy_revision(api=row, revision=revision, actor=scenario.admin, now=now)


def runtime(scenario: Scenario, origins: list[str], query_token: bool = True) -> None:
    """Say who may call the tutorial's API and how, and deploy that."""
    publishing.update_api(
        api=Api.objects.get(pk=scenario.api.pk),
        changes={"origins": origins, "query_token": query_token},
        actor=scenario.admin,
        now=timezone.now(),
    )
    deploy(scenario, scenario.api)


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """Have it be so many seconds later for all in this process who go by a shared clock: nothing ends before a test is
    ready for it, however slow the machine is."""
    now = SharedClock.__call__
    with patch.object(SharedClock, "__call__", lambda clock: now(clock) + seconds):
        yield


async def ending(connection: ClientConnection) -> tuple[int, str]:
    """The code and reason with which a connection is closed."""
    async with asyncio.timeout(PATIENCE):
        await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code, connection.close_reason or ""


def _with(token: str, origin: str = "") -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} | ({"Origin": origin} if origin else {})


def _ask(port: int, method: str, path: str, headers: dict[str, str]) -> Answer:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()
