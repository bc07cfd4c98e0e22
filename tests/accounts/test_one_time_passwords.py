"""A password that an administrator chose is good for one thing: to choose another."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from accounts import operations
from accounts.bootstrap import ensure_administrator
from accounts.models import User
from accounts.roles import Role
from devportal.operations import register_client
from devportal.operations.tokens import issue_token
from tests.conftest import PASSWORD
from tests.devportal.conftest import SecureClient
from tests.publisher.builders import NOW
from tests.rest.conftest import DEVPORTAL, PUBLISHER

GIVEN = "2v5fh-k9m2p-7xq4s-w8tbc"
PAGES = ["/publisher/", "/publisher/apis/create", "/devportal/", "/devportal/applications", "/admin/users", "/api/docs"]


@pytest.fixture
def erin(admin: User) -> User:
    """Somebody new who may do everything, with the password that she was given."""
    return operations.create_user(username="erin", password=GIVEN, roles=list(Role), actor=admin, now=NOW)


@pytest.fixture
def browser(erin: User) -> Client:
    """Hers, in which she is signed in."""
    client = SecureClient()
    client.post("/publisher/sign-in", {"username": "erin", "password": GIVEN})
    assert client.session["_auth_user_id"] == str(erin.pk)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_every_page_leads_to_the_one_on_which_the_password_is_changed(browser: Client, page: str) -> None:
    portal = page.split("/")[1] if page.split("/")[1] in ("publisher", "devportal", "admin") else "devportal"
    there = browser.get(f"{page}?q=a")
    address = f"/{portal}/account/password"
    assert there["Location"].partition("?")[0] == address
    assert there["Location"].endswith(f"next={quote(f'{page}?q=a', safe='')}")
    assert browser.post(page, {"a": "b"}).status_code == 302
    part = browser.get(page, HTTP_HX_REQUEST="true")
    assert part["HX-Redirect"].startswith(address)
    shown = browser.get(there["Location"]).content.decode()
    assert "No other page opens before you have changed it." in " ".join(shown.split())
    assert "Cancel" not in shown


def test_what_was_asked_for_opens_once_it_is_changed(browser: Client) -> None:
    there = browser.get("/publisher/apis?q=a")["Location"]
    changed = browser.post(there, {"current_password": GIVEN, "new_password": PASSWORD})
    assert changed["Location"] == "/publisher/apis?q=a"
    for page in PAGES:
        assert "password" not in browser.get(page).get("Location", "")


def test_signing_out_and_the_theme_are_no_pages_to_be_kept_from(browser: Client) -> None:
    assert browser.post("/theme", {"theme": "dark"}, HTTP_REFERER="https://testserver/publisher/").status_code < 400
    assert browser.post("/publisher/sign-out")["Location"] == "/publisher/sign-in"


def test_no_application_is_let_in_by_oauth(browser: Client) -> None:
    there = browser.get("/oauth2/authorize?response_type=code&client_id=x")
    assert there["Location"].startswith("/devportal/account/password?next=%2Foauth2%2Fauthorize")


@pytest.mark.parametrize("address", [f"{PUBLISHER}/apis", f"{DEVPORTAL}/applications", "/api/am/admin/v4/users"])
def test_rest_refuses_the_session_with_a_sentence(browser: Client, address: str) -> None:
    answer = browser.get(address)
    assert answer.status_code == 403
    assert answer.json()["description"].startswith("An administrator chose your password, for one sign-in only.")


def test_rest_refuses_a_token_and_the_password_itself(admin: User) -> None:
    erin = operations.create_user(username="erin", password=PASSWORD, roles=[Role.CREATOR], actor=admin, now=NOW)
    User.objects.filter(pk=erin.pk).update(must_change_password=False)
    client = register_client(
        name="Mine", grant_types=["client_credentials"], callback_url="", actor=erin, now=NOW
    ).client
    later = NOW + timedelta(days=36_500)
    token = issue_token(client=client, user=None, scopes=["apim:api_view"], seconds=60, now=later, actor=erin).token
    browser = SecureClient()
    shown = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert browser.get(f"{PUBLISHER}/apis", **shown).status_code == 200
    password = operations.reset_password(user=erin, actor=admin, now=NOW)
    assert browser.get(f"{PUBLISHER}/apis", **shown).status_code == 403
    basic = "Basic " + base64.b64encode(f"erin:{password}".encode()).decode()
    body = {"clientName": "More", "grantType": "client_credentials"}
    registered = browser.post(
        "/client-registration/v0.17/register", body, content_type="application/json", HTTP_AUTHORIZATION=basic
    )
    assert (registered.status_code, registered.json()["code"]) == (403, 900403)


def test_the_password_of_the_first_start_opens_pages_until_somebody_resets_it(db: None) -> None:
    ensure_administrator(now=NOW)
    first, browser = User.objects.get(username="admin"), SecureClient()
    browser.force_login(first)
    assert "still has the password it was installed with" in browser.get("/publisher/apis").content.decode()
    operations.reset_password(user=first, actor=None, now=NOW)
    browser.force_login(User.objects.get(username="admin"))
    changing = browser.get(browser.get("/publisher/apis")["Location"]).content.decode()
    assert "still has the password it was installed with" not in changing


def test_a_page_that_no_session_is_needed_for_asks_nobody(client: Client, db: None) -> None:
    assert client.get(reverse("devportal:catalogue"), secure=True).status_code == 200
