"""Messages that fit no schema are counted by application, and the newest of them kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from gateway.authorization.decision import Allow, authorize
from gateway.connections.registry import Connection
from gateway.database import DatabaseThread
from gateway.models import ViolationCount, ViolationSample
from gateway.observability.violation_log import MOST_ALIKE, RECORDS, ViolationLog, prune
from gateway.payloads.schemas import PayloadCheck
from gateway.routing.table import RouteTable
from gateway.routing.topics import Topic
from publisher.runtime import ValidationMode
from tests.gateway import builders

MOMENT = datetime.fromtimestamp(builders.NOW, UTC)
API = "/echo@1.0.0"
CHECK = PayloadCheck([{"name": "say", "schema": {"properties": {"text": {"type": "string"}}}}])


def connection(application: str = "app", mode: ValidationMode = ValidationMode.REPORT) -> Connection:
    """One of this application, on the topic /rooms/{id}."""
    deployment = builders.deployment(topics=[Topic("/rooms/{id}", client=CHECK)], validation=mode)
    match = RouteTable([deployment]).match("/echo/1.0.0/rooms/1")
    admitted = authorize(builders.handshake(), match, builders.grant(application_id=application), builders.NOW)
    assert isinstance(admitted, Allow)
    return Connection("c", admitted, lambda code, reason: None, "192.0.2.7", builders.NOW)


class Harness:
    """One worker's violations, and a database that is away while `is_away`."""

    def __init__(self, run: DatabaseThread) -> None:
        self._run = run
        self.is_away = False
        self.redacted: list[str] = []
        self.log = ViolationLog(run=self, samples=4, redacted_of=lambda api_id: self.redacted, clock=lambda: MOMENT)

    async def __call__(self, work: Callable[[], Any]) -> Any:
        if self.is_away:
            raise OperationalError("away")
        return await self._run(work)

    def send(self, payload: bytes, sender: str = "client", *, of: Connection | None = None) -> None:
        """A message that does not fit."""
        misfit = CHECK.misfit(payload)
        assert misfit
        self.log.violated(of or connection(), sender, misfit)

    async def read(self, work: Callable[[], Any]) -> Any:
        return await self._run(lambda: list(work()))


@pytest_asyncio.fixture
async def harness(transactional_db: None) -> AsyncIterator[Harness]:
    run = DatabaseThread("test-violations")
    yield Harness(run)
    await asyncio.to_thread(run.close)


async def test_a_violation_is_counted_and_kept_with_its_place(harness: Harness) -> None:
    harness.send(b'{"text": 5}')
    harness.send('{"text": "größer\0'.encode(), "backend", of=connection(mode=ValidationMode.ENFORCE))
    await harness.log.write()
    counted = await harness.read(lambda: RECORDS.counted(API))
    assert sorted((each.sender, each.topic, each.application, each.times) for each in counted) == [
        ("backend", "/rooms/{id}", "Chat client", 1),
        ("client", "/rooms/{id}", "Chat client", 1),
    ]
    second, first = await harness.read(lambda: RECORDS.samples(API, ["app"]))
    assert (first.path, first.message, first.payload, first.octets) == ("/text", "say", '{"text": 5}', 11)
    assert first.problem == 'value is not of type "string"'
    assert (first.is_closed, second.is_closed) == (False, True)
    assert second.payload == '{"text": "größer\\0'


async def test_a_field_that_the_api_forbids_to_keep_is_in_no_sample(harness: Harness) -> None:
    harness.redacted = ["/text"]
    harness.send(b'{"text": 4111, "n": 1}')
    harness.send(b"4111, which is no JSON")
    await harness.log.write()
    samples = await harness.read(lambda: ViolationSample.objects.order_by("pk").values_list("payload", "problem"))
    assert samples[0][0] == '{"text": "[redacted]", "n": 1}'
    assert "4111" not in repr(samples)


async def test_a_flood_raises_a_number_and_leaves_few_rows(harness: Harness) -> None:
    for _ in range(3):
        for number in range(50):
            harness.send(b'{"text": %d}' % number)
        await harness.log.write()
    assert [each.times for each in await harness.read(lambda: RECORDS.counted(API))] == [150]
    kept = await harness.read(lambda: RECORDS.samples(API, ["app"]))
    assert [each.payload for each in kept] == ['{"text": 2}', '{"text": 1}', '{"text": 0}', '{"text": 2}']
    assert len(kept) == 4 > MOST_ALIKE


async def test_each_application_keeps_samples_of_its_own_and_where_none_are_wanted_none_are(harness: Harness) -> None:
    for application in ("app", "other"):
        harness.send(b'{"text": 5}', of=connection(application))
    await harness.log.write()
    harness.log.samples = 0
    harness.send(b'{"text": 6}', of=connection("third"))
    await harness.log.write()
    samples = await harness.read(lambda: RECORDS.samples(API, ["app", "other", "third"]))
    assert sorted(each.application_id for each in samples) == ["app", "other"]
    assert len(await harness.read(lambda: RECORDS.counted(API))) == 3


async def test_nothing_is_lost_while_the_database_is_away(harness: Harness) -> None:
    harness.is_away = True
    harness.send(b'{"text": 5}')
    await harness.log.write()
    harness.is_away = False
    harness.send(b'{"text": 6}')
    await harness.log.write()
    assert [each.times for each in await harness.read(lambda: RECORDS.counted(API))] == [2]
    assert len(await harness.read(lambda: RECORDS.samples(API, ["app"]))) == 2


@pytest.mark.django_db
def test_what_is_old_is_pruned_and_an_api_is_counted_anew_when_asked(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    now = timezone.now()
    for days, api in ((8, "a"), (1, "a"), (1, "b")):
        at, names = now - timedelta(days=days), {"api_id": api, "application_id": f"app{days}", "sender": "client"}
        ViolationCount.objects.create(**names, times=1, first_at=at, last_at=at)
        ViolationSample.objects.create(**names, at=at, octets=1, is_closed=False)
    assert prune(now) == 2
    assert prune(now) == 0
    with django_assert_num_queries(2):
        assert (len(RECORDS.counted("a")), len(RECORDS.samples("a", ["app1"]))) == (1, 1)
    RECORDS.forget("a")
    assert (RECORDS.counted("a"), RECORDS.samples("a", ["app1"]), len(RECORDS.counted("b"))) == ([], [], 1)
