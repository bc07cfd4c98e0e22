"""What became of the latest dial of each backend is written down, seldom, and told on the Endpoint page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from gateway import refusals
from gateway.database import DatabaseThread
from gateway.models import BreakerRecord, DialRecord
from gateway.upstream.breaker import CircuitBreaker
from gateway.upstream.breaker_store import address_key
from gateway.upstream.dial_log import DialLog, prune
from gateway.upstream.dialer import BackendAddress, Dialer, DialFailed
from gateway.upstream.handshake import BackendError
from publisher.endpoint import EndpointOptions
from publisher.mock import Mock
from tests.gateway import builders
from tests.publisher.builders import BACKEND, make_api
from tests.rest.conftest import PUBLISHER

MOMENT = datetime.fromtimestamp(builders.NOW, UTC)
ADDRESS = "echo ws://a.test/?x=1 2"
DOWN = refusals.backend_refused("Nothing listens at the backend's address.")


class Harness:
    """Two workers' dials, a clock, and a database that is away while `is_away`."""

    def __init__(self, run: DatabaseThread) -> None:
        self._run = run
        self.now = MOMENT
        self.is_away = False
        self.writes = 0
        self.one, self.two = (DialLog(run=self, clock=lambda: self.now) for _ in "ab")

    async def __call__(self, work: Callable[[], Any]) -> Any:
        self.writes += 1
        if self.is_away:
            raise OperationalError("away")
        return await self._run(work)

    async def row(self) -> DialRecord:
        return await self._run(lambda: DialRecord.objects.get())


@pytest_asyncio.fixture
async def harness(transactional_db: None) -> AsyncIterator[Harness]:
    run = DatabaseThread("test-dials")
    yield Harness(run)
    await asyncio.to_thread(run.close)


async def test_another_outcome_is_written_at_once_and_the_same_one_seldom(harness: Harness) -> None:
    for _ in range(3):
        harness.now += timedelta(seconds=1)
        harness.one.dialled(ADDRESS, 0.2, None)
        await harness.one.write()
    assert harness.writes == 1
    harness.one.dialled(ADDRESS, 0.5, DOWN)
    await harness.one.write()
    row = await harness.row()
    assert (row.api_id, row.address, row.status) == ("echo", "ws://a.test/?x=1 2", 502)
    assert (row.sentence, row.seconds) == (DOWN.description, 0.5)
    assert (row.opened_at, row.failed_at) == (MOMENT + timedelta(seconds=1), harness.now)
    harness.now += timedelta(seconds=10)
    harness.one.dialled(ADDRESS, 0.5, DOWN)
    await harness.one.write()
    assert (await harness.row()).at == harness.now


async def test_the_latest_of_all_workers_stands_there_whoever_writes_last(harness: Harness) -> None:
    harness.one.dialled(ADDRESS, 0.1, DOWN)
    harness.now += timedelta(seconds=1)
    harness.two.dialled(ADDRESS, 0.1, None)
    await harness.two.write()
    await harness.one.write()
    row = await harness.row()
    assert (row.status, row.at) == (101, harness.now)


async def test_while_the_database_is_away_the_latest_waits(harness: Harness) -> None:
    harness.is_away = True
    harness.one.dialled(ADDRESS, 0.1, DOWN)
    await harness.one.write()
    harness.is_away = False
    harness.one.dialled(ADDRESS, 0.1, None)
    await harness.one.write()
    assert (await harness.row()).status == 101


async def test_each_dial_of_a_backend_is_told_and_none_of_a_mock() -> None:
    told: list[tuple[str, int]] = []
    dialer = Dialer(
        breaker=CircuitBreaker(),
        on_dial=lambda address, seconds, refusal: told.append((address, refusal.status if refusal else 101)),
    )

    async def call(address: BackendAddress) -> str:
        if address.url == "ws://down":
            raise BackendError(DOWN)
        return address.url

    options = EndpointOptions(retry_delay=0)
    there = [BackendAddress("ws://down", "1"), BackendAddress("ws://up", "2")]
    assert await dialer.first(there, call, options) == "ws://up"
    assert await dialer.first([BackendAddress("ws://mock", "3", Mock())], call, options)
    with pytest.raises(DialFailed):
        await dialer.first(there[:1], call, options)
    assert told == [("1", 502), ("2", 101), ("1", 502)]


@pytest.mark.django_db
def test_the_endpoint_page_and_rest_tell_of_each_address(client: Client, admin: User) -> None:
    api = make_api(admin, publish=True)
    client.force_login(admin)
    page, rest = reverse("publisher:endpoint", args=[api.pk]), f"{PUBLISHER}/apis/{api.pk}/endpoint-health"
    assert b"not dialled yet" in client.get(page).content
    now = timezone.now()
    DialRecord.objects.create(
        key="a", api_id=api.pk, address=BACKEND, worker="gw1:7", at=now, status=502, sentence="Down.", seconds=0.1
    )
    key = f"{api.pk} {BACKEND}"
    BreakerRecord.objects.create(
        key=address_key(key), address=key, failures=5, until=now.timestamp() + 60, changed_at=1, worker="gw2:9"
    )
    shown = client.get(page).content.decode()
    for words in ("Suspended", "5 failures", "gw1:7", "suspended by gw2:9", "Down.", "never connected yet"):
        assert words in shown
    first, second = client.get(rest).json()["list"]
    assert (first["environment"], second["environment"]) == ("PRODUCTION", "SANDBOX")
    assert (first["url"], first["primary"], first["suspended"]) == (BACKEND, True, True)
    assert (first["suspendedBy"], first["failuresInARow"]) == ("gw2:9", 5)
    assert first["lastDial"]["worker"] == "gw1:7"
    assert first["lastDial"]["message"] == "Down."


@pytest.mark.django_db
def test_addresses_that_nobody_dials_any_more_are_pruned() -> None:
    now = timezone.now()
    for number, days in enumerate((31, 1)):
        DialRecord.objects.create(key=str(number), at=now - timedelta(days=days), status=101, seconds=0.1)
    assert prune(now) == 1
    assert [row.key for row in DialRecord.objects.all()] == ["1"]
