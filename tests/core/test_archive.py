"""The audit log beyond its days and rows is in files, and each entry once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import User
from core import archive
from core.archive import archive_audit_log
from core.models import AuditEntry

NOW = datetime(2026, 11, 27, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: LazySettings, tmp_path: Path, db: None) -> Path:
    """Where the archive goes: ten days and any number of rows are kept."""
    settings.AUDIT_ARCHIVE = tmp_path / "archive"
    settings.AUDIT_LOG_DAYS, settings.AUDIT_LOG_ROWS = 10, 0
    return tmp_path / "archive"


def entry(age: timedelta, **fields: Any) -> AuditEntry:
    given = {"actor_name": "carol", "verb": "plan.created", "kind": "plan", "object_id": "1", **fields}
    return AuditEntry.objects.create(at=NOW - age, **given)


def archived(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]


def days(*ages: float) -> list[AuditEntry]:
    return [entry(timedelta(days=age)) for age in ages]


def test_old_entries_are_lines_of_json_and_gone_from_the_table(folder: Path, carol: User) -> None:
    detail = {"name": "Grüße 😀", "changes": {"rate": [None, 5]}}
    old = entry(timedelta(days=11), actor=carol, detail=detail)
    kept = days(9, 0)

    assert archive_audit_log(NOW) == 1
    assert archive_audit_log(NOW) == 0

    (line,) = archived(folder)
    assert line == {
        "id": old.pk,
        "at": "2026-11-16T07:00:00Z",
        "actor_id": carol.pk,
        "actor": "carol",
        "verb": "plan.created",
        "kind": "plan",
        "object_id": "1",
        "detail": detail,
    }
    assert list(AuditEntry.objects.order_by("pk")) == kept
    assert [path.name for path in folder.iterdir()] == [f"audit-log-2026-11-16-{old.pk:012}.jsonl"]


def test_rows_beyond_the_number_go_oldest_first_but_none_that_is_young(folder: Path, settings: LazySettings) -> None:
    settings.AUDIT_LOG_DAYS, settings.AUDIT_LOG_ROWS = 0, 3
    rows = days(5, 4, 3, 2, 1)
    assert archive_audit_log(NOW) == 2
    assert [line["id"] for line in archived(folder)] == [row.pk for row in rows[:2]]

    young = [entry(timedelta(minutes=59)) for _ in range(5)]
    assert archive_audit_log(NOW) == 3
    assert list(AuditEntry.objects.order_by("pk")) == young


def test_without_a_limit_nothing_goes(folder: Path, settings: LazySettings) -> None:
    settings.AUDIT_LOG_DAYS = settings.AUDIT_LOG_ROWS = 0
    days(10_000, 1)
    assert archive_audit_log(NOW) == 0
    assert not folder.exists()


def test_the_newest_entry_stays_whatever_its_age() -> None:
    rows = days(30, 20)
    assert archive_audit_log(NOW) == 1
    assert AuditEntry.objects.get() == rows[-1]


def test_it_goes_a_batch_and_a_file_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BATCH", 2)
    rows = days(15, 14, 13, 12, 11, 0)
    assert [archive_audit_log(NOW) for _ in range(4)] == [2, 2, 1, 0]
    assert [line["id"] for line in archived(folder)] == [row.pk for row in rows[:-1]]
    assert len(list(folder.iterdir())) == 3


def test_a_process_that_dies_before_deleting_leaves_no_entry_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = days(15, 14, 0)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(AuditEntry.objects.all()), "delete", die)
        with pytest.raises(KeyboardInterrupt):
            archive_audit_log(NOW)
    assert AuditEntry.objects.count() == 3
    archive_audit_log(NOW)
    assert [line["id"] for line in archived(folder)] == [row.pk for row in rows[:-1]]


def test_what_cannot_be_written_is_not_deleted(folder: Path) -> None:
    days(15, 0)
    folder.write_text("no folder")
    with pytest.raises(OSError, match="archive"):
        archive_audit_log(NOW)
    assert AuditEntry.objects.count() == 2
