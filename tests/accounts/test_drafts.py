"""Nothing typed is lost: a session that ends, a form that is too old, and Back after a form that failed."""

from __future__ import annotations

import re
import zlib
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Draft, User
from accounts.operations import drafts
from devportal.bootstrap import ensure_application_plans
from publisher.operations import update_api
from tests.conftest import PASSWORD
from tests.devportal import builders as subscribers
from tests.devportal.conftest import SecureClient
from tests.publisher.builders import BACKEND, NOW, make_api

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


DIALOGS = {
    "deploy-new": ("deployments", "deployments", {"description": "Ünsent 茶"}, 'value="Ünsent 茶"'),
    "restore-1": ("deployments", "restorations", {"revision": "x"}, ""),
    "confirm-block": ("lifecycle", "transitions", {"action": "Block", "seen": "PUBLISHED"}, ""),
}


@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.parametrize("is_old", [False, True], ids=["the session ended", "the form is too old"])
def test_a_dialog_leads_through_sign_in_back_to_the_dialog_as_it_was(admin: User, dialog: str, is_old: bool) -> None:
    page, action, typed, shown = DIALOGS[dialog]
    api = make_api(admin, publish=True)
    update_api(api=api, changes={"production": {"url": f"{BACKEND}/else"}}, actor=admin, now=NOW)
    stood = reverse(f"publisher:{page}", args=[api.pk]) + "?page=1"
    browser = SecureClient(enforce_csrf_checks=is_old)
    if is_old:
        browser.force_login(admin)
    sent = browser.post(
        reverse(f"publisher:{action}", args=[api.pk]),
        {"form": dialog, **typed},
        HTTP_SEC_FETCH_MODE="navigate",
        HTTP_REFERER=HOST + stood,
    )
    (draft,) = Draft.objects.all()
    back = f"{stood}&draft={draft.pk}"
    if is_old:
        assert back in unescape(sent.content.decode())
    else:
        assert sign_in(browser, sent["Location"], "admin") == back
    body = browser.get(back).content.decode()
    (drawn,) = [each for each in re.findall(r"<dialog.*?</dialog>", body, re.DOTALL) if f'id="{dialog}"' in each]
    assert shown in drawn
    assert [each for each in re.findall(r"<dialog[^>]*>", body) if " open" in each] == [f"{drawn.partition('>')[0]}>"]
    assert "What you typed is here again" in body
    assert not re.search(r"<dialog[^>]* open", browser.get(stood).content.decode())


def test_a_form_beside_others_on_a_page_is_filled_again(tab: Client, carol: User) -> None:
    application = subscribers.application(carol)
    subscribers.keys(application)
    page = reverse("devportal:keys", args=[application.pk, "PRODUCTION"])
    tab.cookies.pop("__Host-apim-session")
    typed = {"form": "new-token", "name": "Laptop 茶", "validity_0": "5", "validity_1": "60", "seconds": "300"}
    sent = tab.post(f"{page}/tokens", typed, HTTP_REFERER=HOST + page)
    body = tab.get(sign_in(tab, sent["Location"])).content.decode()
    assert 'value="Laptop 茶"' in body


def test_a_part_of_a_page_that_is_asked_for_too_late_loses_nothing_of_the_page(alice: User) -> None:
    browser = SecureClient()
    typed = {"name": "Patient 茶", "context": "/patient", "test": "endpoint", "endpoint": "ws://h"}
    sent = browser.post(
        reverse("publisher:endpoint-tests"),
        typed,
        HTTP_HX_REQUEST="true",
        HTTP_HX_CURRENT_URL=f"{HOST}/publisher/apis/create",
    )
    body = browser.get(sign_in(browser, sent["HX-Redirect"], "alice")).content.decode()
    assert 'value="Patient 茶"' in body


@pytest.mark.parametrize("header", ["HTTP_REFERER", "HTTP_HX_CURRENT_URL"])
def test_a_page_of_another_site_is_never_led_back_to(header: str, db: None) -> None:
    for fragment in ({}, {"HTTP_HX_REQUEST": "true"}):
        more = {header: "https://evil.test/publisher/apis", **fragment}
        sent = SecureClient().post(reverse("publisher:endpoint-tests"), {"form": "x", "a": "b"}, **more)
        assert next_of(sent.get("Location") or sent["HX-Redirect"]) == "/publisher/"
    assert not Draft.objects.exists()


def test_back_after_a_sign_in_or_a_sign_up_that_failed_asks_nothing(carol: User) -> None:
    door = "/devportal/sign-in?next=%2Fdevportal%2Fapplications"
    browser = SecureClient()
    for address, typed, kept in (
        (door, {"username": "carol", "password": "wrong"}, "Username or password is not right."),
        ("/devportal/sign-up", {"username": "carol", "password": PASSWORD}, "The name carol is taken."),
    ):
        sent = browser.post(address, typed, HTTP_SEC_FETCH_MODE="navigate", HTTP_REFERER=HOST + address)
        assert sent.status_code == 303, sent.content.decode()
        shown = browser.get(sent["Location"])
        body = shown.content.decode()
        assert (shown.status_code, kept in body, 'value="carol"' in body) == (400, True, True)
        assert "wrong" not in body.replace("aria-wrong", "").partition("<main")[2].replace(kept, "")
        assert PASSWORD not in body
    again = browser.get(browser.post(door, {"username": "carol", "password": "no"}, **BROWSER)["Location"])
    assert 'name="next" value="/devportal/applications"' in again.content.decode()
    assert browser.post(door, {"username": "carol", "password": PASSWORD}, **BROWSER).status_code == 302
    assert SecureClient().post(door, {"username": "carol", "password": "wrong"}).status_code == 400


def test_who_tried_too_often_is_told_so_at_an_address_of_its_own(carol: User) -> None:
    browser = SecureClient()
    door = "/devportal/sign-in"
    answers = [browser.post(door, {"username": "carol", "password": "wrong"}, **BROWSER) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [303] * 5
    assert browser.get(answers[-1]["Location"]).status_code == 429


def test_strangers_push_out_nothing_that_somebody_who_is_signed_in_has_typed(
    tab: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tab.post(CREATE, {**TYPED, "name": ""}, **BROWSER)["Location"]
    monkeypatch.setattr(drafts, "MOST", 3)
    for number in range(6):
        SecureClient(REMOTE_ADDR=f"192.0.2.{number}").post(CREATE, TYPED, **BROWSER)
    assert Draft.objects.count() == 4
    assert tab.get(kept).status_code == 400


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
    Draft.objects.update(created_at=timezone.now() - Draft.KEPT - timedelta(seconds=1))
    assert tab.get(addresses[4])["Location"] == CREATE
    monkeypatch.setattr(drafts, "MOST_BYTES", 100)
    assert tab.post(CREATE, {**TYPED, "name": ""}, **BROWSER).status_code == 400
