"""Who was not let in is written down, and a flood of them costs a bounded number of rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.db import OperationalError

from gateway import refusals
from gateway.database import DatabaseThread
from gateway.handshake.request import Handshake, attempt_of, read
from gateway.models import RefusalRecord
from gateway.observability import refusal_log
from gateway.observability.refusal_log import MOST_ALIKE, MOST_AT_ONCE, RefusalLog, RefusedRequest
from tests.gateway import builders

MOMENT = datetime.fromtimestamp(builders.NOW, UTC)
ATTEMPT = "0123456789abcdef" * 2


class Harness:
    """One worker's refusals, and a database that is away while `is_away`."""

    def __init__(self, run: DatabaseThread) -> None:
        self._run = run
        self.is_away = False
        self.log = RefusalLog(run=self, concerns=self.concerns, clock=lambda: MOMENT)

    async def __call__(self, work: Callable[[], Any]) -> Any:
        if self.is_away:
            raise OperationalError("away")
        return await self._run(work)

    def concerns(self, handshake: Handshake) -> tuple[str, str]:
        return "api", "app"

    def refuse(self, client: str = "192.0.2.7", **given: Any) -> None:
        """Somebody is not let in."""
        self.log.refused(refusals.backend_refused(), RefusedRequest("a" * 32, client, "/echo/1.0", **given))

    async def rows(self) -> list[RefusalRecord]:
        """What is written."""
        return await self._run(lambda: list(RefusalRecord.objects.order_by("pk")))


@pytest_asyncio.fixture
async def harness(transactional_db: None) -> AsyncIterator[Harness]:
    run = DatabaseThread("test-refusals")
    yield Harness(run)
    await asyncio.to_thread(run.close)


async def test_a_refusal_is_written_with_its_cause_and_whom_it_met(harness: Harness) -> None:
    harness.refuse(attempt=ATTEMPT, handshake=builders.handshake())
    await harness.log.write()
    (row,) = await harness.rows()
    assert (row.request_id, row.attempt, row.at, row.times) == ("a" * 32, ATTEMPT, MOMENT, 1)
    assert (row.api_id, row.application_id, row.client_ip, row.path) == ("api", "app", "192.0.2.7", "/echo/1.0")
    assert (row.status, row.code, row.message) == (502, 101503, "Backend refused")
    found = await harness(lambda: refusal_log.refusal_of(ATTEMPT))
    assert found.description == "The backend did not accept the connection."
    assert await harness(lambda: refusal_log.refusal_of("b" * 32)) is None


async def test_what_could_not_be_read_is_written_without_names(harness: Harness) -> None:
    harness.log.refused(refusals.malformed("No."), RefusedRequest("a" * 32, "192.0.2.7", "/\x00\ud800é"))
    await harness.log.write()
    (row,) = await harness.rows()
    assert (row.api_id, row.application_id, row.status, row.path) == ("", "", 400, r"/\ud800\xe9")


async def test_a_flood_costs_a_few_rows_and_is_counted_whole(harness: Harness) -> None:
    for _ in range(10_000):
        harness.refuse()
    await harness.log.write()
    rows = await harness.rows()
    assert (len(rows), sum(row.times for row in rows)) == (MOST_ALIKE, 10_000)


async def test_a_flood_from_many_addresses_is_bounded_and_counted_too(harness: Harness) -> None:
    for number in range(10_000):
        harness.refuse(f"2001:db8::{number:x}")
    await harness.log.write()
    rows = await harness.rows()
    assert (len(rows), sum(row.times for row in rows)) == (MOST_AT_ONCE, 10_000)


async def test_while_the_database_is_away_refusals_wait(harness: Harness) -> None:
    harness.is_away = True
    for _ in range(100):
        harness.refuse()
        await harness.log.write()
    harness.is_away = False
    await harness.log.write()
    assert sum(row.times for row in await harness.rows()) == 100


async def test_rows_are_kept_for_a_week_and_never_more_than_so_many(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_log, "MOST_ROWS", 3)
    for number in range(6):
        harness.refuse(str(number))
    await harness.log.write()
    await harness(lambda: refusal_log.prune(MOMENT))
    assert [row.client_ip for row in await harness.rows()] == ["3", "4", "5"]
    await harness(lambda: refusal_log.prune(MOMENT + timedelta(days=7, seconds=1)))
    assert await harness.rows() == []


async def test_of_a_flood_a_few_rows_an_hour_stay_and_count_the_others(harness: Harness) -> None:
    def flood() -> list[tuple[str, int, datetime | None]]:
        about = {"status": 401, "code": 900901, "message": "No", "description": "No.", "api_id": "api"}
        RefusalRecord.objects.bulk_create(
            RefusalRecord(
                request_id=str(number), at=MOMENT + timedelta(seconds=number / 100), client_ip="192.0.2.7", **about
            )
            for number in range(1000)
        )
        RefusalRecord.objects.bulk_create(
            RefusalRecord(request_id="x", at=MOMENT, client_ip=f"2001:db8::{number}", **{**about, "code": 900902})
            for number in range(1000)
        )
        refusal_log.prune(MOMENT + timedelta(seconds=61))  # half of the first flood is younger than a minute
        young = RefusalRecord.objects.filter(code=900901).count()
        refusal_log.prune(MOMENT + timedelta(minutes=5))
        refusal_log.prune(MOMENT + timedelta(minutes=6))
        assert young == 900 + refusal_log.MOST_OF_CLIENT
        return list(RefusalRecord.objects.order_by("pk").values_list("request_id", "times", "since"))

    rows = await harness(flood)
    assert len(rows) == refusal_log.MOST_OF_CLIENT + refusal_log.MOST_OF_CAUSE
    assert sum(times for _, times, _ in rows) == 2000
    assert [name for name, _, _ in rows][:5] == ["995", "996", "997", "998", "999"]
    assert rows[0][2] == MOMENT


def test_an_attempt_is_named_by_a_subprotocol_that_no_backend_sees() -> None:
    scope = builders.scope(subprotocols=["apim", f"apim.attempt.{ATTEMPT}", "bearer.secret"])
    assert attempt_of(scope) == ATTEMPT
    handshake = read(scope)
    assert (handshake.subprotocols, handshake.own_subprotocol) == ((), "apim")


@pytest.mark.parametrize("entry", ["apim.attempt.", f"apim.attempt.{ATTEMPT}0", f"apim.attempt.{ATTEMPT[:-1]}G"])
def test_what_only_looks_like_an_attempt_is_the_backends_business(entry: str) -> None:
    scope = builders.scope(subprotocols=[entry])
    assert attempt_of(scope) == ""
    assert read(scope).subprotocols == (entry,)
