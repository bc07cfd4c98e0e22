"""Sessions, wrong passwords, the log of sign-ins and drafts go when they are over, and not before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import pruning
from accounts.models import Draft, User
from core import upkeep

PASSWORD = "correct horse battery staple"


def prune(what: str, after: timedelta) -> int:
    """Prune one thing as if so much time had passed; how many rows went."""
    return upkeep.registered[what](timezone.now() + after)


def test_a_session_goes_when_its_time_is_over(client: Client, bob: User) -> None:
    client.force_login(bob)
    assert (prune("sessions", timedelta(hours=11)), Session.objects.count()) == (0, 1)
    assert (prune("sessions", timedelta(hours=13)), Session.objects.count()) == (1, 0)


def test_a_wrong_password_goes_when_it_throttles_nobody_any_more(client: Client, bob: User) -> None:
    client.post("/publisher/sign-in", {"username": "bob", "password": "wrong"}, secure=True)
    assert (prune("sign-in attempts", timedelta(minutes=14)), AccessAttempt.objects.count()) == (0, 1)
    assert (prune("sign-in attempts", timedelta(minutes=16)), AccessAttempt.objects.count()) == (1, 0)


def test_the_log_of_sign_ins_is_kept_for_its_days(client: Client, bob: User) -> None:
    client.post("/publisher/sign-in", {"username": "bob", "password": PASSWORD}, secure=True)
    assert (prune("sign-ins", timedelta(days=89)), AccessLog.objects.count()) == (0, 1)
    assert (prune("sign-ins", timedelta(days=91)), AccessLog.objects.count()) == (1, 0)


def test_the_log_of_sign_ins_has_so_many_rows_at_most(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST_SIGN_INS", 2)
    for _ in range(5):
        Client().post("/publisher/sign-in", {"username": "bob", "password": PASSWORD}, secure=True)
    latest = list(AccessLog.objects.order_by("-pk").values_list("pk", flat=True)[:2])
    assert prune("sign-ins", timedelta()) == 3
    assert list(AccessLog.objects.order_by("-pk").values_list("pk", flat=True)) == latest


@pytest.mark.django_db
def test_a_draft_goes_after_an_hour() -> None:
    Draft.objects.create(client="c", path="/", sealed=b"x", created_at=timezone.now())
    assert prune("drafts", timedelta(minutes=59)) == 0
    assert prune("drafts", timedelta(minutes=61)) == 1
