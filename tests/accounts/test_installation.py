"""What administrators change while the product runs: who gets an account, who sees the catalogue, the audit log."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import installation, operations
from accounts.audit_log import COLUMNS, AuditLogFilters, as_csv
from accounts.models import InstallationSettings, Notification, User
from core.models import AuditEntry

NEWCOMER = {"username": "erin", "password": "correct horse battery staple", "email": "erin@example.test"}
NOW = timezone.now()


def settle(**fields: object) -> None:
    InstallationSettings.objects.update_or_create(pk=1, defaults=fields)
    installation.forget()


@pytest.fixture
def administrator(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def test_settings_are_saved_and_said_in_the_audit_log(administrator: Client) -> None:
    body = {"sign_up": "closed", "notice": "Down on Sunday"}
    assert administrator.post("/admin/settings", body, secure=True).status_code == 302
    installation.forget()
    known = installation.current()
    assert (known.sign_up, known.anonymous_browsing, known.notice) == ("closed", False, "Down on Sunday")
    assert AuditEntry.objects.get(verb="settings.updated").detail["changes"]["sign_up"] == ["open", "closed"]
    assert b"Down on Sunday" in administrator.get("/admin/users", secure=True).content


def test_settings_are_read_and_changed_over_rest(administrator: Client) -> None:
    def patch(body: dict[str, object]) -> Any:
        return administrator.patch("/api/am/admin/v4/settings", body, "application/json", secure=True)

    changed = patch({"notice": "Down on Sunday", "approveLifecycle": ["Publish"]})
    assert changed.status_code == 200
    installation.forget()  # as the commit does
    assert administrator.get("/api/am/admin/v4/settings", secure=True).json() == changed.json()
    assert (changed.json()["signUp"], changed.json()["approveLifecycle"]) == ("open", ["Publish"])
    for body, field in (
        ({"notice": "a\u202eb"}, "notice"),
        ({"approveLifecycle": ["Fly"]}, "approveLifecycle"),
        ({"approveKeys": True}, "approveKeys"),
    ):
        refused = patch(body)
        assert refused.status_code == 400
        assert refused.json()["error"][0]["field"].startswith(field)
    assert installation.current().notice == "Down on Sunday"


def test_a_notice_that_cannot_be_shown_is_refused_at_its_field_and_kept(administrator: Client) -> None:
    answer = administrator.post("/admin/settings", {"sign_up": "open", "notice": "Down\u202e on Sunday"}, secure=True)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "A notice cannot contain characters that are not seen." in page
    assert "Down\u202e on Sunday" in page


def test_a_sign_up_that_has_to_be_approved_waits_and_is_let_in(admin: User, settings: LazySettings) -> None:
    settle(sign_up="approval")
    settings.MAIL = True
    newcomer = Client()
    page = newcomer.post("/devportal/sign-up", NEWCOMER, secure=True)
    assert b"waits for approval" in page.content
    erin = User.objects.get(username="erin")
    assert (erin.is_active, erin.awaits_approval) == (False, True)
    assert Notification.objects.get(user=admin).sentence == "erin has made an account and waits to be let in."
    User.objects.filter(pk=erin.pk).update(confirmed_email=erin.email)
    erin.refresh_from_db()
    operations.approve_sign_up(user=erin, actor=admin, now=NOW)
    with pytest.raises(operations.DecidedAlready):
        operations.approve_sign_up(user=erin, actor=admin, now=NOW)
    operations.deliver_mail(now=timezone.now())
    assert sorted(each.subject for each in mail.outbox) == ["Confirm your e-mail address", "Your account was approved"]
    body = {"username": "erin", "password": NEWCOMER["password"]}
    assert newcomer.post("/devportal/sign-in", body, secure=True).status_code == 302


def test_a_rejected_sign_up_frees_its_name(admin: User) -> None:
    settle(sign_up="approval")
    erin = operations.sign_up(**NEWCOMER, now=NOW)
    operations.reject_sign_up(user=erin, reason="Who are you?", actor=admin, now=NOW)
    assert not User.objects.filter(username="erin").exists()
    assert AuditEntry.objects.get(verb="user.rejected").detail["reason"] == "Who are you?"


@pytest.mark.django_db
def test_where_sign_up_is_closed_the_page_says_whom_to_ask(client: Client) -> None:
    settle(sign_up="closed")
    assert b"Ask for an account" in client.get("/devportal/sign-up", secure=True).content
    assert client.post("/devportal/sign-up", NEWCOMER, secure=True).status_code == 403
    assert not User.objects.exists()


def test_a_closed_catalogue_asks_passers_by_to_sign_in(client: Client, carol: User) -> None:
    settle(anonymous_browsing=False)
    turned = client.get("/devportal/apis", secure=True)
    assert (turned.status_code, turned["Location"].partition("?")[0]) == (302, "/devportal/sign-in")
    assert client.get("/api/am/devportal/v3/apis", secure=True).status_code == 401
    claimed = {"Authorization": "Whatever it=is"}
    assert client.get("/devportal/apis", headers=claimed, secure=True).status_code == 302
    assert client.get("/api/am/devportal/v3/apis", headers=claimed, secure=True).status_code == 401
    assert client.get("/devportal/sign-in", secure=True).status_code == 200
    client.force_login(carol)
    assert client.get("/devportal/apis", secure=True).status_code == 200
    assert client.get("/api/am/devportal/v3/apis", secure=True).status_code == 200


def test_the_audit_log_is_filtered_and_exported(administrator: Client, admin: User, carol: User) -> None:
    operations.update_profile(user=carol, first_name="=1+1", last_name="", email="", actor=carol, now=NOW)
    operations.end_sessions(user=carol, actor=admin, now=NOW)
    page = administrator.get("/admin/audit-log?actor=CAROL&verb=updated", secure=True).content
    old = administrator.get("/admin/trail?actor=CAROL", secure=True)
    assert (old.status_code, old["Location"]) == (302, "/admin/audit-log?actor=CAROL")
    assert b"user.updated" in page
    assert b"user.sessions_ended" not in page
    lines = administrator.get("/admin/audit-log/export.jsonl?kind=user", secure=True).content.decode().splitlines()
    assert [json.loads(line)["verb"] for line in lines] == ["user.sessions_ended", "user.updated"]
    text = administrator.get("/admin/audit-log/export.csv", secure=True).content.decode()
    table = list(csv.reader(io.StringIO(text)))
    assert tuple(table[0]) == COLUMNS
    assert administrator.get("/admin/audit-log?since=yesterday", secure=True).status_code == 400
    rest = administrator.get("/api/am/admin/v4/audit-log?kind=user&limit=1", secure=True).json()
    assert (rest["count"], rest["list"][0]["verb"]) == (1, "user.sessions_ended")
    assert administrator.get("/api/am/admin/v4/audit-log?since=x", secure=True).status_code == 400


def test_a_spreadsheet_takes_nothing_for_a_formula() -> None:
    row = dict.fromkeys(COLUMNS, "x") | {"actor": "=cmd", "detail": {"a": 1}}
    assert as_csv([row]).splitlines()[1] == 'x,x,\'=cmd,x,x,x,"{""a"": 1}"'


def test_days_of_the_audit_log_are_whole_days() -> None:
    day = date(2026, 3, 4)
    assert dict(AuditLogFilters(since=day, until=day).lookups()) == {
        "at__gte": datetime(2026, 3, 4, tzinfo=UTC),
        "at__lt": datetime(2026, 3, 5, tzinfo=UTC),
    }
