"""The audit log: one row a change, in the transaction of the change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from core import audit
from core.models import AuditEntry
from publisher.models import Plan

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def plan(db: None) -> Plan:
    return Plan.objects.create(name="Tin", display_name="Tin")


def test_a_change_is_recorded_under_the_thing_that_changed(plan: Plan, bob: User) -> None:
    with transaction.atomic():
        row = audit.record_change(plan, "updated", actor=bob, now=NOW)
    assert (row.verb, row.kind, row.object_id, row.at) == ("plan.updated", "plan", str(plan.pk), NOW)
    assert (row.actor_id, row.actor_name) == (bob.pk, "bob")
    assert row.detail == {"plan_id": str(plan.pk), "plan": "Tin"}


def test_what_is_told_of_a_change_stands_beside_what_the_thing_tells_of_itself(plan: Plan) -> None:
    with transaction.atomic():
        row = audit.record_change(plan, "updated", actor=None, now=NOW, changes={"rate": [1, 2]}, plan="Pewter")
    assert row.detail == {"plan_id": str(plan.pk), "plan": "Pewter", "changes": {"rate": [1, 2]}}


def test_what_the_system_does_itself_is_said_to_be_done_by_the_system(plan: Plan) -> None:
    with transaction.atomic():
        row = audit.record_change(plan, "deleted", actor=None, now=NOW)
    assert (row.actor_id, row.actor_name) == (None, "system")


@pytest.mark.django_db(transaction=True)
def test_a_change_cannot_be_recorded_outside_the_transaction_that_makes_it() -> None:
    plan = Plan.objects.create(name="Tin", display_name="Tin")
    with pytest.raises(audit.OutsideTransaction, match=r"plan\.updated"):
        audit.record_change(plan, "updated", actor=None, now=NOW)
    assert not AuditEntry.objects.exists()


def test_a_change_that_fails_leaves_no_record(plan: Plan) -> None:
    with transaction.atomic():
        audit.record_change(plan, "updated", actor=None, now=NOW)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_entries_go_to_standard_output_where_a_setting_says_so_once_they_count(
    bob: User, settings: Any, capsys: pytest.CaptureFixture[str], django_capture_on_commit_callbacks: Any
) -> None:
    about = {"actor": bob, "verb": "api.published", "kind": "api", "object_id": 7, "now": NOW}
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        audit.record(**about)
    assert capsys.readouterr().out == ""
    settings.AUDIT_LOG_TO_STDOUT = True
    with django_capture_on_commit_callbacks() as waiting, transaction.atomic():
        audit.record(**about, detail={"name": "Zürich"})
    assert capsys.readouterr().out == ""  # it may be rolled back yet
    for tell in waiting:
        tell()
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["actor"], said["verb"], said["object_id"]) == ("bob", "api.published", "7")
    assert "Zürich" in line
