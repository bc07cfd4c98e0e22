"""One process of the installation deletes what is over, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from core import upkeep
from core.models import AuditEntry, ScheduledTask
from core.upkeep import LEASE, delete_batch

NOW = datetime(2026, 11, 27, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
AT_ONCE = 4


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, upkeep.Prune]:
    """What is registered, for one test."""
    registered: dict[str, upkeep.Prune] = {}
    monkeypatch.setattr(upkeep, "registered", registered)
    return registered


def run(now: datetime = NOW, holder: str = "here:1", *, asked: bool = False) -> dict[str, int] | None:
    return upkeep.run(holder=holder, clock=lambda: now, every=HOUR, asked=asked)


def batches(*sizes: int) -> Callable[[datetime], int]:
    """A prune that has so many rows to delete, batch by batch."""
    left: Iterator[int] = iter([*sizes, 0, 0, 0])
    return lambda now: next(left)


@pytest.mark.django_db
def test_all_that_is_registered_is_pruned_until_nothing_is_over(registry: dict[str, upkeep.Prune]) -> None:
    upkeep.register("sessions", batches(1000, 1000, 7))
    upkeep.register("tokens", batches())
    assert list(registry) == ["sessions", "tokens"]
    assert run() == {"sessions": 2007}


@pytest.mark.django_db
def test_it_is_done_once_in_its_time_whoever_asks() -> None:
    upkeep.register("sessions", batches(1, 0, 1))
    assert run(NOW) == {"sessions": 1}
    assert run(NOW, "there:1") is None
    assert run(NOW + HOUR - timedelta(seconds=1)) is None
    assert run(NOW + HOUR, "there:1") == {"sessions": 1}
    assert ScheduledTask.objects.get().ran_at == NOW + HOUR


@pytest.mark.django_db
def test_somebody_who_asks_does_not_wait_unless_another_is_at_it() -> None:
    assert run() == {}
    assert run(asked=True) == {}
    ScheduledTask.objects.update(holder="there:1", due_at=NOW + LEASE)
    assert run(asked=True) is None


@pytest.mark.django_db
def test_the_claim_of_a_process_that_died_is_taken_over() -> None:
    def die(now: datetime) -> int:
        raise KeyboardInterrupt

    upkeep.register("sessions", die)
    with pytest.raises(KeyboardInterrupt):
        run(NOW, "dead:1")
    upkeep.register("sessions", batches(3))
    assert run(NOW + LEASE - timedelta(seconds=1), "living:1") is None
    assert run(NOW + LEASE, "living:1") == {"sessions": 3}


@pytest.mark.django_db
def test_who_was_so_slow_that_the_claim_was_lost_stops() -> None:
    def slow(now: datetime) -> int:
        ScheduledTask.objects.update(holder="another:1")
        return 1

    upkeep.register("first", slow)
    upkeep.register("second", batches(1))
    assert run() == {"first": 1}
    task = ScheduledTask.objects.get()
    assert (task.holder, task.ran_at) == ("another:1", None), "what another holds is left alone"


@pytest.mark.django_db
def test_the_claim_is_held_for_as_long_as_it_takes() -> None:
    moments = iter([NOW + number * LEASE / 2 for number in range(20)])
    rivals: list[object] = []

    def prune(now: datetime) -> int:
        rivals.append(upkeep.run(holder="rival:1", clock=lambda: now, every=HOUR))
        return len(rivals) < 5

    upkeep.register("sessions", prune)
    upkeep.run(holder="here:1", clock=lambda: next(moments), every=HOUR)
    assert rivals == [None] * 5


@pytest.mark.django_db
def test_what_cannot_be_pruned_now_holds_up_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def fail(now: datetime) -> int:
        raise OperationalError("database is locked")

    upkeep.register("audit log", fail)
    upkeep.register("tokens", batches(2))
    assert run() == {"tokens": 2}
    assert "Audit log could not be pruned now: database is locked" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_does_it() -> None:
    upkeep.register("sessions", batches(5))
    together = Barrier(AT_ONCE)

    def work(number: int) -> object:
        together.wait()
        try:
            return run(NOW, f"host:{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        got = list(pool.map(work, range(AT_ONCE)))
    assert sorted(got, key=str) == [None] * (AT_ONCE - 1) + [{"sessions": 5}]


@pytest.mark.django_db
def test_a_batch_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    AuditEntry.objects.bulk_create(AuditEntry(at=NOW, verb="x", kind="x", object_id=str(n)) for n in range(5))
    assert [delete_batch(AuditEntry.objects.all()) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.django_db
def test_the_command_says_what_it_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    upkeep.register("sessions", batches(3))
    call_command("prune")
    assert capsys.readouterr().out == "sessions: 3\nNothing else is over.\n"
    call_command("prune")
    assert capsys.readouterr().out == "Nothing is over.\n"
    ScheduledTask.objects.update(holder="there:1", due_at=datetime.now(UTC) + HOUR)
    call_command("prune")
    assert capsys.readouterr().out == "Another process is at it.\n"
