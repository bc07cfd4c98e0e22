"""What one person reads in German and another in English: pages of accounts, notifications, e-mails."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone, translation

from accounts import operations
from accounts.models import Notification, User
from accounts.notification_kinds import TERMS, NotificationKind
from accounts.operations import account_news, sign_ups
from accounts.roles import Role
from core.sentences import Sentence
from devportal import news
from devportal.sharing import Right
from gateway.statistics.usage import PERIODS, UNITS, WARNINGS
from publisher.lifecycle import Action
from publisher.plan_terms import QuotaPeriod, QuotaUnit

NOW = timezone.now()
GERMAN = {"Accept-Language": "de"}

TOLD: dict[NotificationKind, tuple[Sentence, str]] = {
    NotificationKind.APPROVALS: (
        news.with_reason(Sentence(news.SHARED[Right.KEYS], owner="Dora", application="Chat"), "50 %(of) us"),
        "Dora teilt die Anwendung Chat mit Ihnen. Sie dürfen ihre Schlüssel benutzen. Die Begründung: 50 %(of) us",
    ),
    NotificationKind.ENDS: (
        Sentence(news.MOVED[Action.RETIRE][1], api="Echo 1.0.0"),
        "Echo 1.0.0 ist eingestellt und steht niemandem mehr zur Verfügung.",
    ),
    NotificationKind.BREAKING: (
        Sentence(
            "%(api)s has changed and may break %(applications)s.",
            api="Echo 1.0.0",
            applications=["Chat", "Ticker", Sentence("%(number)s more", number=3)],
        ),
        "Echo 1.0.0 hat sich geändert; betroffen sein können: Chat, Ticker und 3 weitere.",
    ),
    NotificationKind.VERSIONS: (
        Sentence(news.MOVED[Action.DEPRECATE][1], api="Echo 1.0.0"),
        "Echo 1.0.0 ist abgekündigt: Ihre Abonnements laufen vorerst weiter. Sehen Sie nach einer neueren Version.",
    ),
    NotificationKind.EXPIRY: (
        Sentence(
            "The secret “%(secret)s” of %(application)s expires on %(day)s. Make another.",
            secret="Büro",
            application="Chat",
            day=date(2026, 3, 5),
        ),
        "Das Secret „Büro“ von Chat läuft am 5. März 2026 ab. Erstellen Sie ein neues.",
    ),
    NotificationKind.LIMITS: (
        Sentence(
            WARNINGS[80],
            application="Chat",
            api="Echo 1.0.0",
            used=4000,
            limit=5000,
            unit=Sentence(UNITS[QuotaUnit.MESSAGES]),
            period=Sentence(PERIODS[QuotaPeriod.DAY]),
            reset=datetime(2026, 3, 5, 0, 0, tzinfo=UTC),
        ),
        "Chat hat 80 % des Kontingents für Echo 1.0.0 verbraucht: 4 000 von 5 000 Nachrichten "
        "heute. Es beginnt neu am 5. März, 00:00 UTC.",
    ),
    NotificationKind.RECORDINGS: (
        Sentence(
            "%(person)s records what %(application)s sends and receives on %(api)s, until %(time)s UTC. You can end "
            "and forbid it.",
            **{"person": "Bob", "application": "Chat", "api": "Echo 1.0.0", "time": "17:30"},
        ),
        "Bob zeichnet auf, was Chat über Echo 1.0.0 sendet und empfängt, bis 17:30 UTC. Sie können das beenden und "
        "verbieten.",
    ),
    NotificationKind.ACCOUNT: (
        Sentence(
            "A recovery code was used to sign in; %(number)s code left.",
            "A recovery code was used to sign in; %(number)s codes left.",
            number=1,
        ),
        "Für eine Anmeldung wurde ein Wiederherstellungscode benutzt; 1 Code ist noch übrig.",
    ),
}


@pytest.fixture
def readers(settings: LazySettings, carol: User, mallory: User) -> tuple[User, User]:
    """Carol, who reads German, and Mallory, who reads English; both get every e-mail there is."""
    settings.MAIL = True
    for reader, language in ((carol, "de"), (mallory, "en-gb")):
        reader.confirmed_email, reader.language = reader.email, language
        reader.save()
        operations.choose_notifications(user=reader, choices=dict.fromkeys(TERMS, (True, True)))
    return carol, mallory


def mailed() -> dict[str, tuple[str, str]]:
    """The subject and the text of what each address was sent."""
    operations.deliver_mail(now=timezone.now())
    return {each.to[0]: (str(each.subject), str(each.body)) for each in mail.outbox}


@pytest.mark.parametrize("kind", NotificationKind)
def test_each_is_told_in_their_own_language(kind: NotificationKind, readers: tuple[User, User]) -> None:
    sentence, german = TOLD[kind]
    english, more = " ".join(str(sentence).split()), [Sentence(account_news.IF_NOT_YOU)]
    operations.notify(people=readers, kind=kind, sentence=sentence, link="/devportal/apis/", now=NOW, more=more)
    (of_carol, letter), (of_mallory, _) = mailed()["carol@example.test"], mailed()["mallory@example.test"]
    assert (of_carol, of_mallory) == (german[:120], english[:120])
    assert german in letter
    assert "Wenn Sie das nicht waren" in letter
    assert "deshalb kommt" in letter or "Ändern können Sie das unter https://" in letter
    row = Notification.objects.get(user=readers[0])
    with translation.override("de"):
        assert (row.sentence, row.in_words) == (english, german)
    assert row.in_words == english


def test_the_bell_speaks_as_its_reader_does_and_rest_english(readers: tuple[User, User]) -> None:
    carol, _ = readers
    sentence, german = TOLD[NotificationKind.ENDS]
    operations.notify(people=[carol], kind=NotificationKind.ENDS, sentence=sentence, link="/devportal/", now=NOW)
    browser = Client()
    browser.force_login(carol)
    assert german in browser.get("/devportal/notifications", secure=True).text
    rest = browser.get("/api/am/devportal/v3/notifications", secure=True, headers=GERMAN).json()
    assert rest["list"][0]["sentence"] == str(sentence)
    User.objects.filter(pk=carol.pk).update(language="en-gb")
    assert str(sentence) in browser.get("/devportal/notifications", secure=True, headers=GERMAN).text


def test_letters_about_an_account_are_in_its_language(readers: tuple[User, User], admin: User) -> None:
    carol, _ = readers
    Client().post("/devportal/forgotten-password", {"said": "carol"}, secure=True)
    subject, text = mailed()["carol@example.test"]
    assert (subject, text.startswith("Hallo carol,\n\nöffnen Sie diesen Link")) == ("Neues Passwort wählen", True)
    operations.set_roles(user=carol, roles=[Role.CREATOR, Role.OBSERVER], actor=admin, now=NOW)
    assert "Jetzt haben Sie: creator und observer." in mailed()["carol@example.test"][0]
    User.objects.filter(pk=carol.pk).update(awaits_approval=True)
    sign_ups.reject_sign_up(user=carol, reason="Wer sind Sie?", actor=admin, now=NOW)
    refused = ("Ihr Konto wurde nicht freigegeben", "Ein Administrator hat Sie nicht zugelassen. Wer sind Sie?\n")
    assert mailed()["carol@example.test"] == refused


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        ("de", ["Anmelden", "Passwort vergessen?", "Mit Passkey anmelden", "WebSocket-APIs abonnieren", 'lang="de"']),
        ("en", ["Sign in", "Forgotten your password?", "Use a passkey", "Subscribe to WebSocket APIs", 'lang="en-GB"']),
    ],
)
def test_the_door_speaks_the_browsers_language(spoken: str, said: list[str]) -> None:
    page = Client().get("/devportal/sign-in", secure=True, headers={"Accept-Language": spoken}).text
    assert [each for each in said if each not in page] == []


@pytest.mark.django_db
def test_a_form_says_in_german_what_is_wrong_and_keeps_what_was_typed() -> None:
    typed: dict[str, Any] = {"username": "dora", "email": "dora@example", "password": "dora1234"}
    page = Client().post("/devportal/sign-up", typed, secure=True, headers=GERMAN).text
    assert "Das ist keine E-Mail-Adresse. Eine Adresse sieht aus wie name@example.org." in page
    assert 'value="dora"' in page
    assert 'value="dora@example"' in page
    page = Client().post("/devportal/sign-up", {**typed, "email": ""}, secure=True, headers=GERMAN).text
    assert "Dieses Passwort ist kaum mehr als Ihr Name." in page
    refused = Client().get("/devportal/email-confirmations/old", secure=True, headers=GERMAN)
    assert (refused.status_code, "Dieser Link ist zu alt" in refused.text) == (404, True)
