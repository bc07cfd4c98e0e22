"""Sessions that are seen and ended, addresses that are confirmed, passwords that were forgotten, accounts that go."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import agents, operations
from accounts.models import SignIn, User
from core.models import AuditEntry
from devportal.models import Application
from publisher.comment_terms import EntryPoint
from publisher.operations import comments
from tests.conftest import PASSWORD
from tests.devportal import builders

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
NEW = "another horse battery staple"
HOME = "/devportal/applications"


def signed_in(name: str = "carol", **headers: str) -> Client:
    browser = Client(headers=headers)
    answer = browser.post("/devportal/sign-in", {"username": name, "password": PASSWORD}, secure=True)
    assert answer.status_code == 302
    return browser


def status(browser: Client) -> int:
    return browser.get(HOME, secure=True).status_code


def last_link() -> str:
    operations.deliver_mail(now=timezone.now())
    found = re.search(r"https://localhost:9443(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_a_session_is_seen_and_ended_by_its_owner_only(carol: User, mallory: User) -> None:
    phone, laptop = signed_in(**{"User-Agent": FIREFOX}), signed_in()
    page = laptop.get("/devportal/account/sessions", secure=True).content.decode()
    assert "Firefox on Linux" in page
    assert page.count("This one") == 1
    session = SignIn.objects.get(agent=FIREFOX).session
    address = f"/devportal/account/sessions/{session}/ends"
    assert signed_in("mallory").post(address, secure=True).status_code == 404
    assert status(phone) == 200
    assert laptop.post(address, secure=True).status_code == 302
    assert (status(phone), status(laptop)) == (302, 200)


def test_all_other_sessions_end_and_this_one_goes_on(carol: User) -> None:
    phone, laptop = signed_in(), signed_in()
    assert laptop.post("/devportal/account/sessions/ends", secure=True).status_code == 302
    assert (status(phone), status(laptop)) == (302, 200)
    assert SignIn.objects.filter(user=carol).count() == 1


def test_an_address_is_confirmed_by_a_button_behind_a_link(carol: User, settings: LazySettings) -> None:
    settings.MAIL = True
    browser = signed_in()
    browser.post("/devportal/account/email-confirmations", secure=True)
    link = last_link()
    assert carol.email in Client().get(link, secure=True).content.decode()
    carol.refresh_from_db()
    assert not carol.may_be_mailed  # looking at it confirms nothing
    assert Client().post(link, secure=True).status_code == 302
    carol.refresh_from_db()
    assert carol.may_be_mailed
    User.objects.filter(pk=carol.pk).update(email="other@example.test")
    assert Client().post(link, secure=True).status_code == 404
    assert Client().get(link + "x", secure=True).status_code == 404


def test_a_forgotten_password_is_chosen_anew_once(carol: User, settings: LazySettings) -> None:
    settings.MAIL = True
    User.objects.filter(pk=carol.pk).update(confirmed_email=carol.email)
    laptop = signed_in()
    answers = [
        Client().post("/devportal/forgotten-password", {"said": said}, secure=True).content
        for said in ("CAROL@example.test", "nobody-here")
    ]
    assert len({re.sub(rb"\s+|csrf\S+|value=\S+", b"", answer) for answer in answers}) == 1
    operations.deliver_mail(now=timezone.now())
    assert len(mail.outbox) == 1
    link = last_link()
    assert b"little more than your name" in Client().post(link, {"new_password": "carolcarol"}, secure=True).content
    assert Client().post(link, {"new_password": NEW}, secure=True).status_code == 302
    assert Client().post(link, {"new_password": NEW + "!"}, secure=True).status_code == 404
    assert status(laptop) == 302
    carol.refresh_from_db()
    assert carol.check_password(NEW)


def test_nobody_is_written_to_whose_address_is_not_confirmed(carol: User, settings: LazySettings) -> None:
    settings.MAIL = True
    operations.send_password_links(said="carol", now=timezone.now())
    assert operations.deliver_mail(now=timezone.now()) == 0


def test_ten_emails_an_hour_are_sent_for_one_address(carol: User) -> None:
    ask = [Client().post("/devportal/forgotten-password", {"said": "x"}, secure=True).status_code for _ in range(11)]
    assert ask == [200] * 10 + [429]


def test_an_account_goes_with_what_hangs_on_it(carol: User) -> None:
    builders.keys(builders.application(carol))
    browser = signed_in()
    wrong = browser.post("/devportal/account/deletion", {"password": "wrong"}, secure=True)
    assert wrong.status_code == 400
    assert browser.post("/devportal/account/deletion", {"password": PASSWORD}, secure=True).status_code == 302
    assert not User.objects.filter(username="carol").exists()
    assert not Application.objects.exists()
    assert AuditEntry.objects.get(verb="user.deleted").actor_name == "carol"


def test_what_somebody_wrote_stays_without_their_name(alice: User, carol: User) -> None:
    said = {"api": builders.api(alice), "entry_point": EntryPoint.DEVPORTAL, "now": timezone.now()}
    comment = comments.create_comment(text="Hello", actor=carol, **said)
    builders.keys(builders.application(carol))
    operations.delete_account(user=carol, password=PASSWORD, now=timezone.now())
    comment.refresh_from_db()
    carol.refresh_from_db()
    assert (comment.author, carol.username, carol.email, carol.is_active) == (carol, f"deleted-{carol.pk}", "", False)
    assert not carol.has_usable_password()
    assert not Application.objects.exists()


def test_who_owns_apis_or_is_the_last_administrator_stays(alice: User, admin: User) -> None:
    builders.api(alice)
    with pytest.raises(operations.AccountNeeded, match="You own 1 API, which needs you"):
        operations.delete_account(user=alice, password=PASSWORD, now=timezone.now())
    with pytest.raises(operations.LastAdministrator):
        operations.delete_account(user=admin, password=PASSWORD, now=timezone.now())
    assert User.objects.count() == 2
    assert not AuditEntry.objects.filter(verb="user.deleted").exists()


def test_exact_times_are_written_in_the_persons_time_zone(carol: User) -> None:
    browser = signed_in()
    body = {"first_name": "", "last_name": "", "email": "", "time_zone": "Asia/Kolkata"}
    assert browser.post("/devportal/account", body, secure=True).status_code == 302
    assert " IST" in browser.get("/devportal/account", secure=True).content.decode()


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone) AppleWebKit Version/17 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537.36 Edg/120", "Edge on Windows"),
        ("curl/8.5.0", "curl"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, words: str) -> None:
    assert agents.in_words(agent) == words
