"""What workers report is added up, outlives them, and is what Prometheus can read."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.authorization.decision import Allow, authorize
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.observability import writer
from gateway.observability.aggregator import DEPARTED, Aggregator
from gateway.observability.counters import Counters, Histogram
from gateway.observability.metrics import Workers
from gateway.observability.telemetry import Telemetry
from gateway.observability.writer import MetricsWriter
from gateway.quotas.stores.instrumented import InstrumentedStore
from gateway.relay.types import CloseInfo, Traffic
from gateway.routing.table import RouteTable
from tests.gateway import builders
from tests.gateway.builders import NOW
from tests.gateway.metering_world import MemoryStore

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


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

    def limit_messages(self, octets: int | None) -> None: ...


class Worker:
    """A worker's observer, and the file into which it reports."""

    def __init__(self, folder: Path, name: str, pid: int | None = None) -> None:
        self.path = folder / f"{name}.json"
        self.pid = os.getpid() if pid is None else pid
        self.telemetry = Telemetry()

    def open(self, name: str = "a") -> tuple[Connection, FakeRelay]:
        deployment = builders.deployment()
        decision = authorize(builders.handshake(), RouteTable([deployment]).match("/echo/1.0.0"), builders.grant(), NOW)
        assert isinstance(decision, Allow)
        connection, relay = Connection(name, decision, lambda code, reason: None, "192.0.2.7", NOW), FakeRelay()
        connection.relay = relay
        self.telemetry.opened(connection)
        return connection, relay

    def report(self, is_ended: bool = False, **other: Any) -> None:
        document = {
            **writer.identity(self.pid),
            "is_ended": is_ended,
            "starts": 1,
            "relay": "python",
            **self.telemetry.counters.snapshot(),
            "process": writer.process_figures(),
            **other,
        }
        writer.write(self.path, document)


def scraped(folder: Path) -> Samples:
    """All samples, as Prometheus' own parser reads them."""
    registry = CollectorRegistry()
    registry.register(Workers(folder))
    return parsed(generate_latest(registry).decode())


def parsed(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def dead_pid() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


ECHO = (("api", "Echo"), ("version", "1.0.0"))
IN, OUT = (
    (("api", "Echo"), ("direction", "in"), ("version", "1.0.0")),
    (
        ("api", "Echo"),
        ("direction", "out"),
        ("version", "1.0.0"),
    ),
)


def test_workers_are_added_up(tmp_path: Path) -> None:
    for name in ("one", "two"):
        worker = Worker(tmp_path, name)
        connection, relay = worker.open()
        relay.passed = Traffic(1, 10, 2, 20)
        worker.telemetry.counters.passed(connection)
        worker.report()
    samples = scraped(tmp_path)
    assert samples["apim_workers", ()] == 2
    assert samples["apim_connections", ECHO] == 2
    assert samples["apim_handshakes_total", (("status", "101"),)] == 2
    assert (samples["apim_messages_total", IN], samples["apim_messages_total", OUT]) == (2, 4)
    assert (samples["apim_message_bytes_total", IN], samples["apim_message_bytes_total", OUT]) == (20, 40)


def test_what_passes_is_counted_once_however_often_one_looks(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "one")
    connection, relay = worker.open()
    for messages in (3, 3, 5):
        relay.passed = Traffic(messages, 10 * messages, 0, 0)
        worker.telemetry.counters.passed(connection)
    relay.passed = Traffic(7, 70, 0, 0)
    worker.telemetry.ended(connection)
    worker.telemetry.counters.passed(connection)
    worker.report()
    samples = scraped(tmp_path)
    assert samples["apim_messages_total", IN] == 7
    assert samples["apim_connections", ECHO] == 0
    assert samples["apim_closes_total", (("by", "client"), ("code", "1000"))] == 1


def test_what_a_dead_worker_counted_stays_counted_and_what_only_it_had_is_gone(tmp_path: Path) -> None:
    dead, living = Worker(tmp_path, "dead", dead_pid()), Worker(tmp_path, "living")
    for worker in (dead, living):
        worker.open()
        worker.telemetry.counters.lag.observe(0.01)
        worker.report()
    for _ in range(3):
        samples = scraped(tmp_path)
        assert samples["apim_workers", ()] == 1
        assert samples["apim_worker_starts_total", ()] == 2
        assert samples["apim_connections", ECHO] == 1
        assert samples["apim_handshakes_total", (("status", "101"),)] == 2
        assert samples["apim_event_loop_lag_seconds_count", ()] == 2
        assert len([name for name, _ in samples if name == "apim_worker_open_descriptors"]) == 1
    assert sorted(path.stem for path in tmp_path.iterdir()) == [DEPARTED, "living"]


def test_a_worker_that_said_that_it_ends_is_not_counted_among_the_living(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "one")
    worker.open()
    worker.report(is_ended=True)
    assert scraped(tmp_path)["apim_workers", ()] == 0


def test_another_process_with_a_dead_worker_s_number_is_not_taken_for_it(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "one")
    worker.open()
    worker.report(began="1")
    assert scraped(tmp_path)["apim_workers", ()] == 0


def test_a_report_that_was_added_up_but_not_deleted_is_not_counted_twice(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "one", dead_pid())
    worker.open()
    worker.report()
    kept = worker.path.read_text()
    first = scraped(tmp_path)
    worker.path.write_text(kept)
    assert scraped(tmp_path) == first
    assert not worker.path.exists()


def test_the_last_words_of_a_worker_that_ends_while_it_is_read_are_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(tmp_path, "one", dead_pid())
    worker.report()

    def ends(report: dict[str, Any]) -> bool:
        worker.open()
        worker.report(is_ended=True)
        return False

    monkeypatch.setattr("gateway.observability.aggregator.is_living", ends)
    (departed,) = Aggregator(tmp_path).read()
    assert departed["handshakes"] == [[["101"], 1]]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"pid": ')
    Worker(tmp_path, "one").report()
    assert scraped(tmp_path)["apim_workers", ()] == 1


def test_without_a_worker_there_is_still_something_to_read(tmp_path: Path) -> None:
    samples = scraped(tmp_path / "nothing")
    assert samples["apim_workers", ()] == 0
    assert samples["apim_lease_exchange_failures_total", ()] == 0


def test_refusals_are_counted_by_their_code(tmp_path: Path) -> None:
    worker = Worker(tmp_path, "one")
    worker.telemetry.counters.answered(401, 900901)
    worker.report()
    samples = scraped(tmp_path)
    assert samples["apim_handshakes_total", (("status", "401"),)] == 1
    assert samples["apim_refusals_total", (("code", "900901"), ("status", "401"))] == 1


@pytest.mark.parametrize(
    ("by", "code", "label"),
    [("client", 1001, "1001"), ("client", 4321, "4xxx"), ("backend", 3007, "3xxx"), ("gateway", 4001, "4001")],
)
def test_codes_that_peers_make_up_are_counted_together(tmp_path: Path, by: str, code: int, label: str) -> None:
    worker = Worker(tmp_path, "one")
    connection, relay = worker.open()
    relay.said = CloseInfo(by, code, code, "")
    worker.telemetry.ended(connection)
    worker.report()
    assert scraped(tmp_path)["apim_closes_total", (("by", by), ("code", label))] == 1


def test_what_takes_longer_is_in_a_higher_bucket() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(seconds)
    assert histogram.snapshot() == {"bounds": [0.1, 1.0], "counts": [2, 1, 1], "sum": pytest.approx(7.65)}


def test_asking_the_store_of_leases_is_measured_whether_it_answers_or_not(tmp_path: Path) -> None:
    class Store(MemoryStore):
        def exchange(self, holder: str, requests: Any, now: float) -> list[Any]:
            return [holder]

        def reserve(self, reservations: Any, now: float) -> list[Any]:
            raise OSError("away")

    worker = Worker(tmp_path, "one")
    store = InstrumentedStore(Store(), worker.telemetry.counters.store_asked)
    assert store.exchange("me", [], 0.0) == ["me"]  # type: ignore[comparison-overlap]
    with pytest.raises(OSError, match="away"):
        store.reserve([], 0.0)
    worker.report()
    samples = scraped(tmp_path)
    assert samples["apim_lease_exchange_seconds_count", ()] == 2
    assert samples["apim_lease_exchange_failures_total", ()] == 1


async def test_a_reporter_writes_while_it_lives_and_once_more_at_the_end(tmp_path: Path) -> None:
    counters, connections = Counters(), ConnectionRegistry()
    reporter = MetricsWriter(name="one", folder=tmp_path, counters=counters, connections=connections, seconds=0.01)
    tasks = [asyncio.create_task(work) for work in (reporter.report(), reporter.watch())]
    async with asyncio.timeout(5):
        while not (tmp_path / "one.json").exists():
            await asyncio.sleep(0.01)
    counters.answered(101, 0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await reporter.stop()
    written = json.loads((tmp_path / "one.json").read_text())
    assert (written["is_ended"], written["pid"], written["handshakes"]) == (True, os.getpid(), [[["101"], 1]])
    assert written["process"]["resident_memory_bytes"] > 1 << 20
    assert list(tmp_path.glob("*.part")) == []


async def test_a_reporter_that_has_nothing_new_to_tell_writes_seldom_and_what_is_new_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters, written, age = Counters(), list[dict[str, Any]](), 0.1
    monkeypatch.setattr(writer, "write", lambda path, document: written.append(document))
    reporter = MetricsWriter(
        name="one",
        folder=tmp_path,
        counters=counters,
        connections=ConnectionRegistry(),
        figures=lambda: {"feed_age_seconds": age},
    )

    async def reports() -> int:
        written.clear()
        await reporter.write_down(tmp_path / "one.json", is_ended=False)
        return len(written)

    assert await reports() == 1
    counters.lag.observe(0.001)
    assert await reports() == 0
    counters.answered(101, 0)
    assert await reports() == 1
    age = 3.0  # the database is away
    assert await reports() == 1
    age = 0.1
    monkeypatch.setattr(writer, "CALM_SECONDS", 0.0)
    assert await reports() == 1
    await reporter.stop()
    assert written[-1]["is_ended"]


async def test_a_reporter_looks_at_open_connections(tmp_path: Path) -> None:
    worker, connections = Worker(tmp_path, "one"), ConnectionRegistry()
    for number in range(2 * writer.LOOKED_AT + 1):
        connection, relay = worker.open(str(number))
        relay.passed = Traffic(1, 1, 0, 0)
        connections.add(connection)
    reporter = MetricsWriter(name="one", folder=tmp_path, counters=worker.telemetry.counters, connections=connections)
    await reporter.stop()
    assert json.loads(worker.path.read_text())["traffic"][0][1][0] == 2 * writer.LOOKED_AT + 1


async def test_where_nobody_wants_to_know_nothing_is_written() -> None:
    reporter = MetricsWriter(name="one", folder=None, counters=Counters(), connections=ConnectionRegistry())
    await reporter.report()
    await reporter.watch()
    await reporter.stop()
