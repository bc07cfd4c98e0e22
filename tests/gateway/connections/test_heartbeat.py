"""Which workers live, and how many connections each has open."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from django.db import OperationalError
from django.utils import timezone

from gateway.connections import heartbeat
from gateway.connections.heartbeat import Heartbeat
from gateway.connections.registry import ConnectionRegistry
from gateway.models import WorkerRecord as WorkerRow
from tests.gateway.connections.test_registry import connection
from tests.gateway.scenario import Clock, Counted, elsewhere

NOW = timezone.now()


def beat(connections: dict[str, int], seconds_ago: float = 0) -> None:
    """The row of some worker."""
    seen = NOW - timedelta(seconds=seconds_ago)
    heartbeat.write(uuid4(), connections, started_at=seen, now=seen)


def test_the_row_of_a_worker_long_gone_is_swept_away_by_the_next_beat(db: None) -> None:
    beat({}, heartbeat.SWEEP_SECONDS + 1)
    beat({})
    assert WorkerRow.objects.count() == 1


async def test_a_worker_writes_when_its_counts_change_and_otherwise_now_and_then(transactional_db: None) -> None:
    run, clock, connections = Counted(), Clock(), ConnectionRegistry()
    beating = Heartbeat(connections=connections, run=run, clock=clock.datetime)
    try:
        await beating.beat()
        await beating.beat()
        assert run.asked == 1
        connections.add(connection())
        await beating.beat()
        assert run.asked == 2
        assert await elsewhere(lambda: WorkerRow.objects.get().connections) == {"/echo@1.0.0": 1}
        clock.now += heartbeat.BEAT_SECONDS
        await beating.beat()
        assert run.asked == 3
        await beating.stop()
        assert await elsewhere(WorkerRow.objects.count) == 0
    finally:
        run.close()


async def test_a_database_that_is_away_stops_no_heart(transactional_db: None) -> None:
    run = Counted()
    beating = Heartbeat(connections=ConnectionRegistry(), run=run)
    try:
        run.failing = OperationalError("gone")
        await beating.beat()
        await beating.stop()
        run.failing = None
        await asyncio.sleep(0)
        await beating.beat()
        assert await elsewhere(WorkerRow.objects.count) == 1
    finally:
        run.close()
