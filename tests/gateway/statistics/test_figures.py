"""Sums equal the connection log, whatever was killed, restarted, written twice or rolled up."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from django.conf import settings
from django.db import OperationalError
from django.db.models import Q, Sum

from gateway.connections.log import ConnectionLog, close_abandoned
from gateway.connections.registry import ConnectionRegistry
from gateway.database import DatabaseThread
from gateway.models import ConnectionRecord, EventFigures, EventLikeness, TrafficFigures, TrafficLikeness
from gateway.relay.types import CloseInfo, Traffic
from gateway.statistics import figures, queries, rollup, spans
from gateway.statistics.events import EventCounter
from gateway.statistics.figures import NAMES, SUMS
from gateway.statistics.spans import SPANS
from tests.gateway.connections.test_log import MOMENT, LoggingWorker


def of_the_log() -> dict[str, int]:
    """What the rows of the connection log come to."""
    worth = [figures.worth(row) for row in ConnectionRecord.objects.values(*NAMES)]
    return dict(zip(SUMS, map(sum, zip(*worth, strict=True)), strict=True))


def of_the_figures() -> dict[str, int]:
    """What the sums come to."""
    return dict(TrafficFigures.objects.aggregate(**{name: Sum(name) for name in SUMS}))


@pytest_asyncio.fixture
async def worker(transactional_db: None) -> AsyncIterator[LoggingWorker]:
    run = DatabaseThread("test-figures")
    yield LoggingWorker(run)
    await asyncio.to_thread(run.close)


async def test_sums_equal_the_log_after_kills_and_lost_answers(worker: LoggingWorker) -> None:
    """Connections come, go and pass at random; the worker is killed now and then, and answers of the database lost."""
    chance, run = random.Random(7), worker.database.run  # noqa: S311 - the same each time
    open_now: list[Any] = []
    lost = [False]

    async def losing(work: Any) -> Any:
        answer = await run(work)  # it was done, and nobody hears of it
        if lost[0]:
            raise OperationalError("the connection broke")
        return answer

    worker.database.run = losing  # type: ignore[assignment]
    number = 0
    for _ in range(60):
        lost[0] = chance.random() < 0.2
        worker.now += timedelta(seconds=chance.randrange(1, 40))
        for _ in range(chance.randrange(3)):
            number += 1
            open_now.append(worker.open(f"{number:032x}"))
        for _, relay in open_now:
            if chance.random() < 0.6:
                relay.passed = Traffic(*(value + chance.randrange(5) for value in relay.passed))
        if open_now and chance.random() < 0.5:
            connection, relay = open_now.pop(chance.randrange(len(open_now)))
            relay.said = CloseInfo(chance.choice(["client", "gateway"]), chance.choice([1000, 4001]), 1000, "")
            worker.end(connection)
        await worker.connection_log.refresh()
        await worker.connection_log.write()
        lost[0] = False
        if chance.random() < 0.3:
            await run(lambda: rollup.count_open(worker.now))
        if chance.random() < 0.1:  # kill -9, and another in its place
            open_now.clear()
            worker.connections = ConnectionRegistry()
            await run(lambda: close_abandoned(worker.now + timedelta(seconds=61)))
            worker.connection_log = ConnectionLog(
                worker_id=uuid.uuid4(), connections=worker.connections, run=worker.database, clock=lambda: worker.now
            )
    await worker.connection_log.write()

    def compare() -> None:
        assert of_the_figures() == of_the_log()
        ended = ConnectionRecord.objects.filter(ended_at__isnull=False)
        assert number > 30
        closes = EventFigures.objects.filter(likeness__kind="close")
        assert ended.count() == sum(closes.values_list("number", flat=True))
        for code in (4001, 1006):
            rows = closes.filter(likeness__name=f"gateway {code}")
            assert ended.filter(ended_by="gateway", client_code=code).count() == sum(
                rows.values_list("number", flat=True)
            )

    await run(compare)


def minute(at: datetime, **given: Any) -> None:
    begins = figures.minute_of(at)
    key = ("m", begins, given.get("worker", "w1"), given.get("api", "a"), "app", "Gold", "PRODUCTION", "/rooms")
    figures.add(TrafficFigures, {key: (1, 1, 60_000, *given.get("passed", (2, 20, 3, 30)))})
    figures.add(EventFigures, {("m", begins, "a", "app", "refusal", "401 900901"): (2,)})


@pytest.mark.django_db
def test_a_year_is_rolled_up_to_a_bounded_number_of_rows_and_no_sum_changes() -> None:
    start, most = datetime(2026, 1, 1, tzinfo=UTC), 0
    for week in range(53):
        traffic, events = {}, {}
        for days, hours, minutes in product((3,), (0, 23), (0, 30)):
            begins = figures.minute_of(start + timedelta(weeks=week, days=days, hours=hours, minutes=minutes))
            likeness = (f"w{days}", "a", "app", "Gold", "PRODUCTION", "/rooms")
            traffic["m", begins, *likeness] = (1, 1, 60_000, 2, 20, 3, 30)
            events["m", begins, "a", "app", "refusal", "401 900901"] = (2,)
        figures.add(TrafficFigures, traffic)
        figures.add(EventFigures, events)
        rollup.run(start + timedelta(weeks=week + 1))
        most = max(most, TrafficFigures.objects.count())
    assert of_the_figures() == {
        **dict.fromkeys(("opened", "closed"), 212),
        "milliseconds": 212 * 60_000,
        **{"messages_in": 424, "bytes_in": 4240, "messages_out": 636, "bytes_out": 6360},
    }
    assert sum(EventFigures.objects.values_list("number", flat=True)) == 424
    assert most <= 53 + 11 + 2 * 2  # weeks, days of ten weeks, hours of eight days
    assert set(TrafficFigures.objects.values_list("period", "worker")) == {("w", ""), ("d", ""), ("h", "")}
    year = SPANS["year"].begins(start + timedelta(weeks=52, days=3), ZoneInfo("Asia/Kolkata"))
    assert {row.begins for row in TrafficFigures.objects.filter(period="w")} <= {int(each.timestamp()) for each in year}
    assert rollup.prune(start + timedelta(days=settings.STATISTICS_DAYS + 10)) == 2
    assert (TrafficLikeness.objects.count(), EventLikeness.objects.count()) == (1, 1)  # however many rows there were
    rollup.run(later := start + timedelta(days=3 * settings.STATISTICS_DAYS))
    while rollup.prune(later):
        pass
    assert not TrafficLikeness.objects.exists()
    assert not EventLikeness.objects.exists()


async def test_an_event_whose_likeness_is_deleted_in_that_moment_is_counted_all_the_same(
    worker: LoggingWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = EventCounter(run=worker.database.run)
    counter.count("a", "app", "refusal", "401 900901")
    with monkeypatch.context() as patch:
        named = " AND ".join(f"{name} = %s" for name in figures.EVENTS_ALIKE)
        patch.setattr(figures.FigureStatements, "know", f"DELETE FROM gateway_event_likeness WHERE {named}")  # noqa: S608
        await counter.write()
    await counter.write()
    assert await worker.database.run(lambda: list(EventFigures.objects.values_list("number", flat=True))) == [1]


@pytest.mark.django_db
def test_a_series_has_each_figure_once_whichever_row_it_stands_in() -> None:
    now = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
    for hours in range(26):
        minute(now - timedelta(hours=hours))
    before = queries.total(queries.series(SPANS["day"], now, ZoneInfo("UTC"), Q(api_id="a")))
    rollup.run(now)
    after = queries.series(SPANS["day"], now, ZoneInfo("UTC"), Q(api_id="a"))
    assert queries.total(after) == before
    assert before["opened"] == 24
    assert before["refused"] == 48
    assert [step.sums["opened"] for step in after] == [1] * 24
    assert queries.total(queries.series(SPANS["day"], now, ZoneInfo("UTC"), Q(api_id="b")))["opened"] == 0
    (row,) = queries.by("topic", now - timedelta(days=2), Q(api_id="a"))
    assert (row["name"], row["opened"]) == ("/rooms", 26)


async def test_events_are_counted_in_memory_and_wait_while_the_database_is_away(worker: LoggingWorker) -> None:
    counter = EventCounter(run=worker.database, clock=lambda: MOMENT)
    worker.database.is_away = True
    counter.count("a", "app", "refusal", "401 900901")
    await counter.write()
    worker.database.is_away = False
    counter.count("a", "app", "refusal", "401 900901")
    for seconds in [0.004] * 90 + [0.3] * 9 + [60.0]:
        counter.took("a", "dial", seconds)
    await counter.write()
    await counter.write()

    def found() -> Any:
        since = MOMENT - timedelta(minutes=1)
        return queries.events("refusal", since, Q(api_id="a")), queries.latencies(since, Q(api_id="a"))

    assert await worker.database.run(found) == (
        [("401 900901", 2)],
        {"dial": {50: "5 ms", 95: "500 ms", 99: "500 ms"}},
    )


def test_days_are_those_of_the_viewers_calendar_also_when_the_clock_changes() -> None:
    zone = spans.zone_of("Europe/Berlin")
    begins = SPANS["month"].begins(datetime(2026, 10, 27, 12, tzinfo=UTC), zone)
    assert [each.strftime("%d %H:%M") for each in begins[-3:]] == ["25 00:00", "26 00:00", "27 00:00"]
    assert begins[-1] - begins[-2] == timedelta(days=1)  # on the wall
    assert begins[-2].timestamp() - begins[-3].timestamp() == 25 * 3600
    assert spans.zone_of("Nowhere/../etc").key == "UTC"
    hours = SPANS["day"].begins(datetime(2026, 10, 25, 12, 5, tzinfo=UTC), zone)
    assert len({each.timestamp() for each in hours}) == 24
