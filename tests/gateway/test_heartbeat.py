"""How many lines are open, across workers that live, that stopped and that were killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from django.db import OperationalError
from django.utils import timezone

from gateway import heartbeat
from gateway.connections import Connections
from gateway.heartbeat import Heart, live_lines
from gateway.models import Worker as WorkerRow
from tests.gateway.story import Clock, Counted, elsewhere
from tests.gateway.test_connections import line

NOW = timezone.now()


def beat(lines: dict[str, int], seconds_ago: float = 0) -> None:
    """The row of some worker."""
    seen = NOW - timedelta(seconds=seconds_ago)
    heartbeat.write(uuid4(), lines, started_at=seen, now=seen)


def test_the_lines_of_all_workers_that_live_are_added_up(db: None) -> None:
    beat({"a": 2, "b": 1})
    beat({"a": 3}, heartbeat.STALE_SECONDS - 1)
    beat({"a": 100}, heartbeat.STALE_SECONDS + 1)
    assert [live_lines(api, NOW) for api in ("a", "b", "c")] == [5, 1, 0]


def test_the_row_of_a_worker_long_gone_is_swept_away_by_the_next_beat(db: None) -> None:
    beat({}, heartbeat.SWEEP_SECONDS + 1)
    beat({})
    assert WorkerRow.objects.count() == 1


async def test_a_worker_writes_when_its_counts_change_and_otherwise_now_and_then(transactional_db: None) -> None:
    run, clock, connections = Counted(), Clock(), Connections()
    heart = Heart(connections=connections, run=run, clock=clock.datetime)
    try:
        await heart.beat()
        await heart.beat()
        assert run.asked == 1
        connections.add(line())
        await heart.beat()
        assert run.asked == 2
        assert await elsewhere(lambda: live_lines("/echo@1.0.0", clock.datetime())) == 1
        clock.now += heartbeat.BEAT_SECONDS
        await heart.beat()
        assert run.asked == 3
        await heart.stop()
        assert await elsewhere(WorkerRow.objects.count) == 0
    finally:
        run.close()


async def test_a_database_that_is_away_stops_no_heart(transactional_db: None) -> None:
    run = Counted()
    heart = Heart(connections=Connections(), run=run)
    try:
        run.failing = OperationalError("gone")
        await heart.beat()
        await heart.stop()
        run.failing = None
        await asyncio.sleep(0)
        await heart.beat()
        assert await elsewhere(WorkerRow.objects.count) == 1
    finally:
        run.close()
