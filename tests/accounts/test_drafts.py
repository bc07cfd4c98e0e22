"""Nothing typed is lost: a session that ends, a form that is too old, and Back after a form that failed."""

from __future__ import annotations

import zlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone

from accounts import drafts
from accounts.models import Draft, User
from devportal.bootstrap import ensure_application_plans
from tests.conftest import PASSWORD
from tests.devportal.conftest import SecureClient

CREATE = "/devportal/applications/create"
HOST = "https://testserver"
TYPED = {"name": "Ünsent 茶", "description": "two\nlines", "plan": "Unlimited", "token_type": "OAUTH"}
BROWSER = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_REFERER": HOST + CREATE}


@pytest.fixture
def tab(carol: User) -> Client:
    """Carol's browser."""
    ensure_application_plans()
    client = SecureClient()
    client.force_login(carol)
    return client


def sign_in(tab: Client, address: str, name: str = "carol") -> str:
    """Sign in where one was sent to; where that leads."""
    answer = tab.post(address, {"username": name, "password": PASSWORD, "next": next_of(address)})
    assert answer.status_code == 302
    return str(answer["Location"])


def next_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["next"][0]


def test_a_session_that_ends_leads_through_sign_in_back_to_the_filled_form(tab: Client) -> None:
    tab.cookies.pop("__Host-apim-session")
    sent = tab.post(CREATE, TYPED, **BROWSER)
    assert sent["Location"].startswith("/devportal/sign-in?next=")

    back = sign_in(tab, sent["Location"])
    page = tab.get(back)

    body = page.content.decode()
    assert page.status_code == 200
    assert 'value="Ünsent 茶"' in body
    assert "two\nlines" in body
    assert "What you typed is here again. Nothing has been sent yet." in body
    made = tab.post(back, TYPED)
    assert (made.status_code, made["Location"].startswith("/devportal/applications/")) == (302, True)


def test_a_form_that_is_too_old_leads_back_to_what_was_typed(carol: User) -> None:
    strict = SecureClient(enforce_csrf_checks=True)
    strict.force_login(carol)
    refused = strict.post(CREATE, TYPED, **BROWSER)
    assert refused.status_code == 403
    (draft,) = Draft.objects.all()
    assert f'href="{CREATE}?draft={draft.pk}"' in refused.content.decode()
    assert 'value="Ünsent 茶"' in strict.get(f"{CREATE}?draft={draft.pk}").content.decode()


def test_another_site_fills_no_form(carol: User) -> None:
    strict = SecureClient(enforce_csrf_checks=True)
    strict.force_login(carol)
    for referer in ("https://evil.test" + CREATE, ""):
        refused = strict.post(CREATE, TYPED, HTTP_REFERER=referer)
        assert refused.status_code == 403
    assert not Draft.objects.exists()


def test_a_form_that_failed_has_an_address_of_its_own(tab: Client) -> None:
    sent = tab.post(CREATE, {**TYPED, "name": ""}, **BROWSER)
    assert sent.status_code == 303
    for _ in range(2):
        page = tab.get(sent["Location"])
        assert (page.status_code, "Give the application a name" in page.content.decode()) == (400, True)
        assert "two\nlines" in page.content.decode()
    again = tab.post(sent["Location"], {**TYPED, "name": ""}, **BROWSER)
    assert again["Location"] != sent["Location"]
    assert again["Location"].count("draft=") == 1


def test_a_program_gets_its_answer_at_once(tab: Client) -> None:
    assert tab.post(CREATE, {**TYPED, "name": ""}).status_code == 400


def test_a_draft_opens_in_the_browser_that_sent_it_and_for_its_owner_only(tab: Client, mallory: User) -> None:
    address = tab.post(CREATE, {**TYPED, "name": ""}, **BROWSER)["Location"]
    other = SecureClient()
    other.force_login(mallory)
    assert other.get(address)["Location"] == CREATE
    tab.force_login(mallory)
    assert tab.get(address)["Location"] == CREATE
    assert tab.get(CREATE + "?draft=nonsense%00").status_code == 400
    assert tab.get(CREATE + "?draft=" + "0" * 32)["Location"] == CREATE


def test_passwords_are_never_kept_and_nothing_is_in_clear(tab: Client) -> None:
    tab.cookies.pop("__Host-apim-session")
    tab.post(CREATE, {**TYPED, "password": PASSWORD, "client_secret": "s3cret"}, **BROWSER)
    (draft,) = Draft.objects.all()
    assert b"nsent" not in bytes(draft.sealed)
    key = tab.cookies["__Host-apim-draft"].value
    opened = zlib.decompress(Fernet(key).decrypt(bytes(draft.sealed)))
    assert b"nsent" in opened
    assert b"s3cret" not in opened
    assert PASSWORD.replace(" ", "+").encode() not in opened


def test_drafts_are_bounded_in_size_in_number_and_in_time(tab: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MOST_OF_ONE", 3)
    addresses = [tab.post(CREATE, {**TYPED, "name": ""}, **BROWSER)["Location"] for _ in range(5)]
    assert Draft.objects.count() == 3
    assert tab.get(addresses[0]).status_code == 302
    assert tab.get(addresses[4]).status_code == 400
    Draft.objects.update(created_at=timezone.now() - drafts.KEPT - timedelta(seconds=1))
    assert tab.get(addresses[4])["Location"] == CREATE
    monkeypatch.setattr(drafts, "MOST_BYTES", 100)
    assert tab.post(CREATE, {**TYPED, "name": ""}, **BROWSER).status_code == 400
