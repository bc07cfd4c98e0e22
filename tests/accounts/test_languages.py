"""Where the product speaks the reader's language, and where English."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts import languages, operations
from accounts.models import User
from core.models import AuditEntry
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/devportal/apis/", "/devportal/sign-in", "/oauth2/authorize", "/nowhere", "/"])
def test_what_developers_read_speaks_their_language(path: str) -> None:
    assert languages.is_translated(path)


@pytest.mark.parametrize(
    "path",
    [
        "/publisher/apis/",
        "/publisher/sign-in",
        "/admin/users",
        "/api/am/devportal/v3/apis",
        "/oauth2/token",
        "/.well-known/openid-configuration",
        "/client-registration/v0.17/register",
    ],
)
def test_publishers_administrators_and_programs_read_english(path: str) -> None:
    assert not languages.is_translated(path)


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en-US;q=0.8,de;q=0.7", "en-GB"),
        ("fr", "en-GB"),
        ("", "en-GB"),
        ("*;q=, ,;;\x00de-" + "x" * 2000, "en-GB"),
    ],
)
def test_a_page_says_which_of_the_browsers_languages_it_speaks(accepted: str, spoken: str) -> None:
    answer = Client().get("/devportal/sign-in", headers={"Accept-Language": accepted})
    assert f'<html lang="{spoken}"' in answer.content.decode()
    assert "Accept-Language" in answer["Vary"]
    assert translation.get_language() == "en-gb"  # what comes next in this thread is not in the last reader's


def test_the_publishers_sign_in_is_english_in_any_browser() -> None:
    answer = Client().get("/publisher/sign-in", headers={"Accept-Language": "de"})
    assert '<html lang="en-GB"' in answer.content.decode()
    assert "Accept-Language" not in answer.get("Vary", "")


@pytest.mark.parametrize("path", ["/devportal/nowhere", "/nowhere"])
def test_a_page_that_is_not_there_speaks_the_readers_language(path: str) -> None:
    answer = Client().get(path, headers={"Accept-Language": "de"})
    assert answer.status_code == 404
    assert '<html lang="de"' in answer.content.decode()


def save_profile(browser: Client, portal: str = "devportal", **body: str) -> str:
    """Send the account page's form, and answer what comes then."""
    sent = {"first_name": "", "last_name": "", "email": "", "time_zone": "", **body}
    answer = browser.post(f"/{portal}/account", sent, secure=True, follow=True)
    return answer.content.decode()


def test_a_choice_goes_before_the_browser_and_ends_with_the_portal(carol: User) -> None:
    browser = signed_in(headers={"Accept-Language": "en"})
    assert '<html lang="de"' in save_profile(browser, language="de")
    assert AuditEntry.objects.filter(verb="user.updated", actor=carol).exists()
    assert '<html lang="de"' in browser.get("/devportal/apis/", secure=True).content.decode()
    of_publishers = browser.get("/publisher/account", secure=True).content.decode()
    assert '<html lang="en-GB"' in of_publishers
    assert '<option value="de" selected>' in of_publishers
    assert '<html lang="en-GB"' in save_profile(browser, language="")


def test_a_language_that_is_not_spoken_is_refused_and_one_that_was_is_the_browsers(carol: User) -> None:
    browser = signed_in()
    assert "field-error" in browser.post("/devportal/account", {"language": "tlh"}, secure=True).content.decode()
    User.objects.filter(pk=carol.pk).update(language="tlh")
    assert '<html lang="en-GB"' in browser.get("/devportal/account", secure=True).content.decode()


def test_a_profile_that_says_no_language_keeps_it(carol: User) -> None:
    profile = {"first_name": "Carol", "last_name": "", "email": ""}
    operations.update_profile(user=carol, **profile, language="de", actor=carol, now=timezone.now())
    operations.update_profile(user=carol, **profile, actor=carol, now=timezone.now())
    assert User.objects.get(pk=carol.pk).language == "de"


def test_emails_are_in_the_chosen_language_else_in_that_of_the_last_sign_in(carol: User) -> None:
    assert carol.mail_language == "en-gb"
    browser = Client(headers={"Accept-Language": "de"})
    sign_in(browser, "publisher")  # whose pages say nothing of languages
    assert User.objects.get(pk=carol.pk).mail_language == "en-gb"
    sign_in(browser, "devportal")
    assert User.objects.get(pk=carol.pk).mail_language == "de"
    User.objects.filter(pk=carol.pk).update(language="en-gb")
    assert User.objects.get(pk=carol.pk).mail_language == "en-gb"


def test_who_signs_up_is_written_to_as_the_page_spoke() -> None:
    body = {"username": "dora", "password": PASSWORD, "email": "dora@example.test"}
    Client(headers={"Accept-Language": "de-CH"}).post("/devportal/sign-up", body, secure=True)
    assert User.objects.get(username="dora").mail_language == "de"


def sign_in(browser: Client, portal: str) -> None:
    """Sign Carol in by a portal's own page."""
    browser.post(f"/{portal}/sign-in", {"username": "carol", "password": PASSWORD}, secure=True)


def signed_in(**how: Any) -> Client:
    """Carol's browser."""
    browser = Client(**how)
    sign_in(browser, "devportal")
    return browser
