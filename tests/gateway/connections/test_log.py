"""One row for each connection: written while it is open, finished when it ends, kept for a while."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.db import OperationalError
from django.db.models import Sum

from gateway.authorization.decision import Allow, authorize
from gateway.connections import log
from gateway.connections.log import ConnectionLog, close_abandoned, prune
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.database import DatabaseThread
from gateway.models import ConnectionRecord, TrafficFigures, WorkerRecord
from gateway.relay.types import CloseInfo, Traffic
from gateway.routing.table import RouteTable
from tests.environment import PATIENCE
from tests.gateway import builders
from tests.gateway.builders import HOUR, NOW

MOMENT = datetime.fromtimestamp(NOW, UTC)
WORKER = uuid.UUID(int=1)


class FakeRelay:
    """A connection through which passes what the test says."""

    def __init__(self) -> None:
        self.passed = Traffic()
        self.said = CloseInfo("client", 1000, 1000, "done")

    def traffic(self) -> Traffic:
        return self.passed

    def close_info(self) -> CloseInfo:
        return self.said

    def leave(self, code: int, reason: str) -> None: ...

    def finish(self) -> None: ...


class Database:
    """A database that is away while `is_away`, and counts how often it is asked."""

    def __init__(self, run: DatabaseThread) -> None:
        self.run = run
        self.is_away = False
        self.asked = 0

    async def __call__(self, work: Callable[[], Any]) -> Any:
        self.asked += 1
        if self.is_away:
            raise OperationalError("away")
        return await self.run(work)


class LoggingWorker:
    """A worker's connections and its connection log."""

    def __init__(self, run: DatabaseThread) -> None:
        self.database = Database(run)
        self.connections = ConnectionRegistry()
        self.now = MOMENT
        self.connection_log = ConnectionLog(
            worker_id=WORKER, connections=self.connections, run=self.database, clock=lambda: self.now
        )

    def open(self, name: str = "a" * 32) -> tuple[Connection, FakeRelay]:
        """Carol comes."""
        connection, relay = Connection(name, admit(), lambda code, reason: None, "192.0.2.7", NOW), FakeRelay()
        connection.relay = relay
        self.connections.add(connection)
        self.connection_log.opened(connection)
        return connection, relay

    def end(self, connection: Connection) -> None:
        """And goes."""
        self.connections.discard(connection)
        self.connection_log.ended(connection)

    async def rows(self) -> list[ConnectionRecord]:
        """What is written."""
        return await self.database.run(lambda: list(ConnectionRecord.objects.order_by("pk")))


def admit() -> Allow:
    deployment = builders.deployment()
    decision = authorize(builders.handshake(), RouteTable([deployment]).match("/echo/1.0.0"), builders.grant(), NOW)
    assert isinstance(decision, Allow)
    return decision


@pytest_asyncio.fixture
async def worker(transactional_db: None) -> AsyncIterator[LoggingWorker]:
    run = DatabaseThread("test-journal")
    yield LoggingWorker(run)
    await asyncio.to_thread(run.close)


async def test_an_open_connection_is_written_with_who_it_is(worker: LoggingWorker) -> None:
    worker.open()
    await worker.connection_log.write()
    (row,) = await worker.rows()
    assert (row.id, row.worker_id, row.ended_at) == ("a" * 32, WORKER, None)
    assert (row.api_id, row.api_name, row.context, row.version) == ("/echo@1.0.0", "Echo", "/echo", "1.0.0")
    assert (row.application_id, row.application_name, row.owner_id) == ("app", "Chat client", "7")
    assert (row.subscriber, row.plan, row.key_type, row.client_ip) == ("carol", "Gold", "PRODUCTION", "192.0.2.7")
    assert (row.started_at, row.expires_at) == (MOMENT, MOMENT + timedelta(seconds=HOUR))


async def test_its_end_is_written_into_the_same_row(worker: LoggingWorker) -> None:
    connection, relay = worker.open()
    await worker.connection_log.write()
    relay.passed, relay.said = Traffic(3, 30, 4, 40), CloseInfo("gateway", 4001, 1001, "The token ended. " * 20)
    worker.now += timedelta(seconds=5)
    worker.end(connection)
    await worker.connection_log.write()
    (row,) = await worker.rows()
    assert (row.messages_in, row.bytes_in, row.messages_out, row.bytes_out) == (3, 30, 4, 40)
    assert (row.ended_by, row.client_code, row.backend_code) == ("gateway", 4001, 1001)
    assert row.ended_at == MOMENT + timedelta(seconds=5)
    assert len(row.reason) == 125


async def test_one_that_came_and_went_between_two_writes_is_written_once(worker: LoggingWorker) -> None:
    connection, _ = worker.open()
    worker.end(connection)
    await worker.connection_log.write()
    assert len(await worker.rows()) == 1
    await worker.connection_log.write()
    assert worker.database.asked == 1


async def test_many_are_written_together(worker: LoggingWorker) -> None:
    for number in range(log.MOST_AT_ONCE + 1):
        worker.open(f"{number:032}")
    await worker.connection_log.write()
    assert worker.database.asked == 2
    assert len(await worker.rows()) == log.MOST_AT_ONCE + 1


async def test_what_comes_while_it_is_written_waits_for_the_next_time(worker: LoggingWorker) -> None:
    """At many connections a second each write would otherwise find a few more, and there would be no end of writing."""
    worker.open()
    written = worker.database.run

    async def written_while_another_comes(work: Callable[[], Any]) -> Any:
        if worker.database.asked < 3:
            worker.open(f"{worker.database.asked:032}")
        return await written(work)

    worker.database.run = written_while_another_comes  # type: ignore[assignment]
    await worker.connection_log.write()
    assert worker.database.asked == 1
    worker.database.run = written
    await worker.connection_log.write()
    assert len(await worker.rows()) == 2


async def test_what_passes_on_an_open_connection_is_brought_up_to_date(worker: LoggingWorker) -> None:
    _, relay = worker.open()
    worker.open("b" * 32)
    await worker.connection_log.write()
    relay.passed = Traffic(1, 10, 0, 0)
    await worker.connection_log.refresh()
    await worker.connection_log.write()
    assert [row.bytes_in for row in await worker.rows()] == [10, 0]
    asked = worker.database.asked
    await worker.connection_log.refresh()
    await worker.connection_log.refresh()
    await worker.connection_log.write()
    assert worker.database.asked == asked


async def test_while_the_database_is_away_everything_waits(worker: LoggingWorker) -> None:
    connection, _ = worker.open()
    worker.database.is_away = True
    await worker.connection_log.write()
    worker.end(connection)
    worker.database.is_away = False
    await worker.connection_log.stop()
    (row,) = await worker.rows()
    assert row.ended_at is not None


async def test_one_whose_writing_succeeded_unheard_is_counted_once(
    worker: LoggingWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose_the_answer(work: Callable[[], Any]) -> Any:
        await worker.database.run(work)
        raise OperationalError("the answer was lost")

    connection, _ = worker.open()
    monkeypatch.setattr(worker.connection_log, "run", lose_the_answer)
    await worker.connection_log.write()
    monkeypatch.setattr(worker.connection_log, "run", worker.database)
    worker.end(connection)
    await worker.connection_log.write()

    def counted() -> tuple[int, int]:
        sums = TrafficFigures.objects.aggregate(opened=Sum("opened"), closed=Sum("closed"))
        return sums["opened"], sums["closed"]

    assert await worker.database.run(counted) == (1, 1)


async def test_an_end_that_comes_while_its_beginning_is_being_written_is_written_after_it(
    worker: LoggingWorker,
) -> None:
    connection, _ = worker.open()
    writing = asyncio.create_task(worker.connection_log.write())
    await asyncio.sleep(0)
    worker.end(connection)
    await writing
    await worker.connection_log.write()
    (row,) = await worker.rows()
    assert row.ended_at is not None


async def test_too_many_to_keep_are_given_up_and_never_silently(
    worker: LoggingWorker, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(log, "MOST_WAITING", 2)
    worker.database.is_away = True
    connections = [worker.open(f"{number:032}")[0] for number in range(3)]
    worker.end(connections[0])
    await worker.connection_log.stop()
    assert "3 connections could not be written down." in caplog.text


async def test_rows_that_a_dead_worker_left_open_are_ended(worker: LoggingWorker) -> None:
    worker.open()
    worker.open("b" * 32)
    await worker.connection_log.write()

    def scenario() -> tuple[int, int, list[int | None]]:
        ConnectionRecord.objects.filter(pk="b" * 32).update(worker_id=uuid.UUID(int=2))
        WorkerRecord.objects.create(
            pk=WORKER, host="here", pid=1, started_at=MOMENT, seen_at=MOMENT + timedelta(seconds=90)
        )
        young = close_abandoned(MOMENT + timedelta(seconds=30))
        old = close_abandoned(MOMENT + timedelta(seconds=100))
        return young, old, list(ConnectionRecord.objects.order_by("pk").values_list("client_code", flat=True))

    assert await worker.database.run(scenario) == (0, 1, [None, 1006])


async def test_rows_are_deleted_when_they_are_old_and_never_while_they_are_open(worker: LoggingWorker) -> None:
    first, _ = worker.open()
    worker.open("b" * 32)
    worker.end(first)
    await worker.connection_log.write()
    assert await worker.database.run(lambda: prune(MOMENT + timedelta(days=30))) == 0
    assert await worker.database.run(lambda: prune(MOMENT + timedelta(days=31))) == 1
    assert [row.id for row in await worker.rows()] == ["b" * 32]


async def test_after_a_restore_open_connections_stand_there_again_and_those_that_ended_since_do_not(
    worker: LoggingWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "WRITE_SECONDS", 0.0)
    worker.open("a" * 32)
    ended, _ = worker.open("b" * 32)
    await worker.connection_log.write()
    backup = [row for row in await worker.rows() if row.id == "b" * 32]
    worker.end(ended)
    await worker.connection_log.write()

    def restore() -> None:
        ConnectionRecord.objects.all().delete()
        ConnectionRecord.objects.bulk_create(backup)

    await worker.database.run(restore)
    worker.connection_log.write_anew()
    keeping = asyncio.create_task(worker.connection_log.keep())
    async with asyncio.timeout(PATIENCE):
        while [(row.id[0], bool(row.ended_at)) for row in await worker.rows()] != [("a", False), ("b", True)]:
            await asyncio.sleep(0.01)
    keeping.cancel()
