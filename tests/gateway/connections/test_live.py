"""What passes now: reported by workers while somebody looks, and drawn from their reports."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from gateway.connections import live
from gateway.connections.board import board_of
from gateway.connections.live import LiveReporter
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.connections.selection import Selection
from gateway.models import ConnectionRecord, LiveFigures, LiveWatch
from gateway.relay.types import Traffic
from tests.devportal import builders as applications
from tests.gateway.builders import NOW
from tests.gateway.connections.test_log import FakeRelay, admit
from tests.gateway.rows import open_connection, worker
from tests.publisher.builders import make_api, plans

MOMENT = datetime.fromtimestamp(NOW, UTC)
ECHO = "/echo@1.0.0"  # the id of the builders' API


class ReportingRelay(FakeRelay):
    """A relay that also says what it waits for."""

    held_by = ""

    def waits(self) -> str:
        return self.held_by


class ReportingWorker:
    """A worker with connections and a clock."""

    def __init__(self) -> None:
        self.now = MOMENT
        self.id = uuid.UUID(int=1)
        self.connections = ConnectionRegistry()
        self.reporter = LiveReporter(
            worker_id=self.id, connections=self.connections, run=self.run, clock=lambda: self.now
        )

    async def run(self, work: Any) -> Any:
        self.asked.append(work)
        return self.answers(work)

    asked: list[Any]
    scopes: tuple[str, ...] = ()
    written: bytes = b""

    def answers(self, work: Any) -> Any:
        if work.func is live.watched:
            return list(self.scopes)
        if work.func is live.write:
            self.written = work.args[1]
        return None

    def open(self, name: str) -> ReportingRelay:
        connection, relay = Connection(name, admit(), lambda code, reason: None, "192.0.2.7", NOW), ReportingRelay()
        connection.relay = relay  # type: ignore[assignment]
        self.connections.add(connection)
        return relay

    async def report(self, *, after: float = 1.0) -> dict[str, live.Figures]:
        self.now += timedelta(seconds=after)
        self.asked = []
        await self.reporter.report()
        return live.unpack(live.zlib.compress(self.written))


@pytest.fixture
def reporting() -> ReportingWorker:
    return ReportingWorker()


async def test_nothing_is_reported_while_nobody_looks(reporting: ReportingWorker) -> None:
    reporting.open("a" * 32)
    assert await reporting.report() == {}
    assert len(reporting.asked) == 1


async def test_rates_and_the_last_activity_come_from_what_passed_since_the_report_before(
    reporting: ReportingWorker,
) -> None:
    reporting.scopes = ("all",)
    busy, still = reporting.open("a" * 32), reporting.open("b" * 32)
    still.held_by = "plan"
    busy.passed = Traffic(10, 100, 20, 200)
    first = await reporting.report()
    assert first["a" * 32] == live.Figures(Traffic(10, 100, 20, 200), 0.0, 0.0, NOW, "")
    busy.passed = Traffic(14, 140, 20, 200)
    second = await reporting.report(after=2.0)
    assert second["a" * 32] == live.Figures(Traffic(14, 140, 20, 200), 2.0, 0.0, NOW + 3.0, "")
    assert second["b" * 32] == live.Figures(Traffic(), 0.0, 0.0, NOW, "plan")


@pytest.mark.parametrize(
    ("scope", "found"), [("api:other", 0), (f"api:{ECHO}", 1), ("owner:7", 1), ("owner:8", 0), ("all", 1)]
)
async def test_only_what_somebody_looks_at_is_reported(reporting: ReportingWorker, scope: str, found: int) -> None:
    reporting.scopes = (scope,)
    reporting.open("a" * 32)
    assert len(await reporting.report()) == found


def test_a_board_shows_open_connections_with_what_was_reported_last(alice: User, carol: User) -> None:
    plans()
    application, api = applications.application(carol, name="Chat client"), make_api(alice)
    home = worker()
    one = open_connection(application, api, worker_id=home.pk, messages_in=1)
    open_connection(application, api, worker_id=home.pk, ended_at=home.seen_at)
    figures = live.ROW.pack(bytes.fromhex(one.pk), 7, 70, 8, 80, 1.5, 2.5, NOW, 1)
    live.write(home.pk, figures, home.seen_at)
    (row,) = board_of(f"api:{api.pk}").look(home.seen_at)
    assert (row.messages_in, row.bytes_out, row.rate_in, row.rate_out, row.waits) == (7, 80, 1.5, 2.5, "plan")
    assert row.active_at == MOMENT
    assert LiveWatch.objects.get().pk == f"api:{api.pk}"
    assert board_of(f"owner:{alice.pk}").look(home.seen_at) == []


def test_a_look_at_what_is_known_reads_only_who_is_new(alice: User, carol: User) -> None:
    plans()
    application, api = applications.application(carol, name="Chat client"), make_api(alice)
    home = worker()
    known = [open_connection(application, api, worker_id=home.pk) for _ in range(3)]
    assert len(board_of("all").look(home.seen_at)) == 3
    open_connection(application, api, worker_id=home.pk)
    ConnectionRecord.objects.filter(pk=known[0].pk).update(ended_at=home.seen_at)
    with CaptureQueriesContext(database) as asked:
        assert len(board_of("all").look(home.seen_at + timedelta(seconds=1))) == 3
    assert len(asked) == 3  # which are open, who is new, the reports
    with CaptureQueriesContext(database) as asked:
        board_of("all").look(home.seen_at + timedelta(seconds=1.5))
    assert len(asked) == 0


def test_a_selection_narrows_by_words_in_any_case_and_sorts_both_ways(alice: User, carol: User) -> None:
    plans()
    api = make_api(alice)
    first = open_connection(applications.application(carol, name="Abbé"), api, client_ip="192.0.2.1")
    second = open_connection(applications.application(carol, name="Zebra"), api, key_type="SANDBOX")
    rows = [first, second]
    assert Selection.read({"q": "ABBÉ 192.0.2"}).of(rows) == [first]
    assert Selection.read({"key_type": "SANDBOX"}).of(rows) == [second]
    assert Selection.read({"waits": "plan"}).of(rows) == []
    assert Selection.read({"sort": "-application"}).of(rows) == [second, first]
    assert Selection.read({"sort": "application"}).of(rows) == [first, second]
    assert Selection.read({"sort": "nonsense", "key_type": "odd"}) == Selection()


def test_reports_are_small_enough_for_ten_thousand_rows() -> None:
    row = live.ROW.pack(uuid.uuid4().bytes, 1, 2, 3, 4, 1.0, 2.0, NOW, 0)
    assert len(live.zlib.compress(row * 10_000, 1)) < 100_000
    assert not LiveFigures._meta.get_field("figures").null
