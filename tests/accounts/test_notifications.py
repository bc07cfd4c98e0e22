"""Telling people something: in the portal and by e-mail, as each of them chose."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import pruning
from accounts.models import Notification, OutgoingMail, User
from accounts.notification_kinds import NotificationKind
from accounts.operations import choose_notifications, deliver_mail, mark_read, notify, set_active
from accounts.operations.mail import MOST_ATTEMPTS
from core import upkeep

NOW = timezone.now()
RETIRED = {"kind": NotificationKind.ENDS, "sentence": "Echo 1.0.0 is retired.", "link": "/devportal/apis"}


@pytest.fixture
def mailed(settings: LazySettings, carol: User) -> User:
    """Carol, who has shown that her address is hers, where e-mail is set up."""
    settings.MAIL = True
    carol.confirmed_email = carol.email
    carol.save()
    return carol


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("sentence", flat=True))


def test_people_are_told_each_once_and_nobody_who_is_disabled(carol: User, mallory: User, admin: User) -> None:
    set_active(active=False, user=mallory, actor=admin, now=NOW)
    assert notify(people=[carol, carol, mallory], **RETIRED, now=NOW) == 1
    assert (told(carol), told(mallory)) == (["Echo 1.0.0 is retired."], [])


def test_the_very_same_is_not_said_twice_while_it_is_unread(carol: User) -> None:
    assert [notify(people=[carol], **RETIRED, now=NOW) for _ in range(2)] == [1, 0]
    assert mark_read(user=carol, now=NOW) == 1
    assert notify(people=[carol], **RETIRED, now=NOW) == 1


def test_a_link_stays_on_this_server(carol: User) -> None:
    with pytest.raises(ValueError, match="no path"):
        notify(people=[carol], kind=NotificationKind.ENDS, sentence="Look", link="https://elsewhere.test", now=NOW)


def test_an_email_goes_to_a_confirmed_address_only(mailed: User, mallory: User) -> None:
    notify(people=[mailed, mallory], **RETIRED, now=NOW)
    assert deliver_mail(now=NOW) == 1
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["carol@example.test"], "Echo 1.0.0 is retired.")
    assert "https://localhost:9443/devportal/apis" in str(sent.body)
    assert not OutgoingMail.objects.exists()


def test_everybody_chooses_for_each_kind(mailed: User) -> None:
    choose_notifications(
        user=mailed, choices={NotificationKind.ENDS: (False, True), NotificationKind.VERSIONS: (True, False)}
    )
    notify(people=[mailed], **RETIRED, now=NOW)
    notify(people=[mailed], kind=NotificationKind.VERSIONS, sentence="Echo 2 is there.", link="/", now=NOW)
    assert told(mailed) == ["Echo 2 is there."]
    assert [row.to for row in OutgoingMail.objects.all()] == ["carol@example.test"]


def test_an_email_that_cannot_be_sent_is_tried_again_and_given_up_at_last(
    mailed: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise SMTPServerDisconnected("gone")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", gone)
    notify(people=[mailed], **RETIRED, now=NOW)
    assert (deliver_mail(now=NOW), deliver_mail(now=NOW)) == (1, 0)
    at, tries = NOW, 1
    while OutgoingMail.objects.exists():
        at = OutgoingMail.objects.get().due_at
        tries += deliver_mail(now=at)
    assert tries == MOST_ATTEMPTS
    assert at - NOW > timedelta(hours=4)


def test_an_email_holds_no_second_subject_and_its_row_no_text(mailed: User) -> None:
    notify(people=[mailed], kind=NotificationKind.ENDS, sentence="Echo\nBcc: all@example.test", link="/x", now=NOW)
    assert "Bcc" not in OutgoingMail.objects.get().sealed
    deliver_mail(now=NOW)
    assert mail.outbox[0].subject == "Echo Bcc: all@example.test"


def test_old_notifications_go_and_the_newest_are_kept(carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST_NOTIFICATIONS", 2)
    for number in range(4):
        notify(people=[carol], kind=NotificationKind.ENDS, sentence=f"{number}", link="/", now=NOW)
    prune = upkeep.registered["notifications"]
    assert (prune(NOW), told(carol)) == (2, ["2", "3"])
    Notification.objects.filter(sentence="2").update(read_at=NOW)
    assert (prune(NOW + timedelta(days=31)), told(carol)) == (1, ["3"])
    assert (prune(NOW + timedelta(days=91)), told(carol)) == (1, [])


def test_the_bell_counts_and_leads_on(client: Client, carol: User) -> None:
    notify(people=[carol], **RETIRED, now=NOW)
    client.force_login(carol)
    page = client.get("/devportal/notifications", secure=True)
    assert b"Notifications: 1 unread" in page.content
    assert b"Echo 1.0.0 is retired." in page.content
    onward = client.post(f"/devportal/notifications/{Notification.objects.get().pk}/openings", secure=True)
    assert onward["Location"] == "/devportal/apis"
    assert b"unread" not in client.get("/devportal/notifications", secure=True).content.replace(b"told-unread", b"")


def test_a_choice_is_kept_and_shown(client: Client, carol: User) -> None:
    client.force_login(carol)
    client.post("/devportal/notifications/settings", {"ends-mail": "on"}, secure=True)
    page = client.get("/devportal/notifications/settings", secure=True).content.decode()
    ticked = [part.split('"')[0] for part in page.split('name="') if "checked" in part.split(">")[0]]
    assert ticked == ["ends-mail", "account-mail"]  # which nobody can do without
