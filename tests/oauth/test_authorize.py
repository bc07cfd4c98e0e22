"""The authorization endpoint: what is asked of the person, and where the answer may be sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from oauth2_provider.models import Grant

from accounts.models import User
from devportal import tokens
from devportal.operations import GeneratedKeys
from tests.devportal import builders
from tests.oauth import flows


@pytest.fixture
def browser(bob: User) -> Client:
    """Bob's browser, signed in."""
    browser = Client()
    browser.force_login(bob)
    return browser


def test_a_visitor_is_sent_to_sign_in_first(client: Client, keys: GeneratedKeys) -> None:
    response = client.get("/oauth2/authorize", flows.authorize_params(keys.client))

    assert response.status_code == 302
    assert "next=/oauth2/authorize" in response["Location"]


def test_the_page_names_the_application_and_what_it_wants(browser: Client, keys: GeneratedKeys) -> None:
    page = browser.get("/oauth2/authorize", flows.authorize_params(keys.client, scope="default openid"))
    text = page.content.decode()

    assert page.status_code == 200
    assert str(keys.client.application) in text
    assert "Call the APIs the application is subscribed to" in text
    assert "Know your user name and display name" in text
    assert "app.example.com" in text


def test_the_page_may_lead_on_to_the_clients_address_and_no_other(browser: Client, keys: GeneratedKeys) -> None:
    policy = browser.get("/oauth2/authorize", flows.authorize_params(keys.client))["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))

    assert directives["form-action"] == "'self' https://app.example.com"


def test_a_refusal_is_told_to_the_client_with_state_and_issuer(browser: Client, keys: GeneratedKeys) -> None:
    page = browser.get("/oauth2/authorize", flows.authorize_params(keys.client))
    fields = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    answer = flows.answer(browser.post("/oauth2/authorize", fields))

    assert (answer["error"], answer["state"]) == ("access_denied", "xyz")
    assert answer["iss"] == "https://localhost:9443"
    assert Grant.objects.count() == 0


def test_a_code_is_stored_as_its_digest(browser: Client, bob: User, keys: GeneratedKeys) -> None:
    code = flows.consent(bob, keys.client)["code"]

    assert Grant.objects.get().code == tokens.digest(code)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain", "code_challenge": flows.VERIFIER}, "invalid_request"),
        ({"code_challenge_method": None, "code_challenge": flows.challenge()}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
        ({"prompt": "none", "scope": "openid"}, "consent_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
    ],
    ids=[
        "no PKCE",
        "unknown PKCE",
        "empty challenge",
        "empty PKCE",
        "short challenge",
        "plain",
        "plain by omission",
        "silent",
        "silent OpenID",
        "silent and not",
        "implicit",
        "hybrid",
        "id_token",
        "no type",
        "unknown scope",
    ],
)
def test_a_bad_request_of_a_known_client_is_sent_back_to_it(
    browser: Client, keys: GeneratedKeys, changes: dict[str, str | None], error: str
) -> None:
    answer = flows.answer(browser.get("/oauth2/authorize", flows.authorize_params(keys.client, **changes)))

    assert (answer["error"], answer["iss"]) == (error, "https://localhost:9443")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"code_challenge": "x"},
    ],
)
def test_a_form_spoilt_on_its_way_through_the_browser_earns_no_code(
    browser: Client, keys: GeneratedKeys, changes: dict[str, str]
) -> None:
    page = browser.get("/oauth2/authorize", flows.authorize_params(keys.client))
    fields = {name: value for name, value in page.context["form"].initial.items() if value is not None}
    answer = flows.answer(browser.post("/oauth2/authorize", {**fields, **changes, "allow": "on"}))

    assert answer["error"] == "invalid_request"
    assert Grant.objects.count() == 0


@pytest.mark.parametrize("scope", ["default", "openid"])
def test_a_visitor_who_must_not_be_asked_is_sent_back(client: Client, keys: GeneratedKeys, scope: str) -> None:
    params = flows.authorize_params(keys.client, prompt="none", scope=scope)
    answer = flows.answer(client.get("/oauth2/authorize", params))

    assert (answer["error"], answer["state"]) == ("login_required", "xyz")
    stranger = client.get("/oauth2/authorize", {**params, "redirect_uri": "https://evil.example/"})
    assert not stranger.headers.get("Location", "").startswith("https://evil")


@pytest.mark.parametrize("name", ["code_challenge", "state", "client_id", "nonce"])
def test_a_parameter_that_stands_there_twice_is_never_followed(browser: Client, keys: GeneratedKeys, name: str) -> None:
    params = [*flows.authorize_params(keys.client, nonce="n").items(), (name, "other")]
    response = browser.get(f"/oauth2/authorize?{urlencode(params)}")

    assert (response.status_code, "Location" in response.headers) == (400, False)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/callback",
        "https://app.example.com/callback/",
        "https://app.example.com/callback/../x",
        "https://app.example.com/callback?extra=1",
        "https://app.example.com/callback#fragment",
        "https://app.example.com:444/callback",
        "https://app.example.com@evil.example/callback",
        "http://app.example.com/callback",
        "javascript:alert(1)",
        "//app.example.com/callback",
        "http://[bad/callback",
        "https://app.example.com:port/callback",
        "https://app.example.com:99999999/callback",
    ],
)
def test_an_address_that_is_not_registered_is_never_followed(
    browser: Client, keys: GeneratedKeys, address: str
) -> None:
    response = browser.get("/oauth2/authorize", flows.authorize_params(keys.client, redirect_uri=address))

    assert response.status_code == 400
    assert "Location" not in response.headers
    assert "app.example.com/callback" not in response.content.decode().replace(address, "")


@pytest.mark.parametrize("sent", [None, ""])
def test_the_one_registered_address_is_taken_when_none_is_sent(
    browser: Client, keys: GeneratedKeys, sent: str | None
) -> None:
    page = browser.get("/oauth2/authorize", flows.authorize_params(keys.client, redirect_uri=sent))

    assert page.context["redirect_uri"] == flows.CALLBACK
    assert flows.CALLBACK in page.content.decode()


@pytest.mark.parametrize(
    ("named", "again", "status"),
    [
        (None, None, 200),
        (None, flows.CALLBACK, 200),
        (None, "https://other.example.com/", 400),
        (flows.CALLBACK, flows.CALLBACK, 200),
        (flows.CALLBACK, None, 400),
        (flows.CALLBACK, "", 400),
    ],
)
def test_an_address_that_was_named_is_named_again_at_redemption(
    client: Client, keys: GeneratedKeys, bob: User, named: str | None, again: str | None, status: int
) -> None:
    code = flows.consent(bob, keys.client, redirect_uri=named)["code"]
    assert flows.exchange(client, keys.client, keys.secret, code, redirect_uri=again).status_code == status


def test_the_answer_is_checked_again_because_it_came_through_the_browser(browser: Client, keys: GeneratedKeys) -> None:
    page = browser.get("/oauth2/authorize", flows.authorize_params(keys.client))
    fields = {name: value for name, value in page.context["form"].initial.items() if value is not None}

    for changes in ({"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}):
        response = browser.post("/oauth2/authorize", {**fields, **changes, "allow": "on"})
        assert (response.status_code, "Location" in response.headers) == (400, False)
    assert Grant.objects.count() == 0


@pytest.mark.parametrize(
    ("registered", "asked", "status"),
    [
        ("http://127.0.0.1/callback", "http://127.0.0.1:51004/callback", 200),
        ("http://localhost/callback", "http://localhost:51004/callback", 200),
        ("http://localhost/callback", "http://127.0.0.1:51004/callback", 400),
        ("http://127.0.0.1/callback", "http://127.0.0.1:51004/other", 400),
        ("http://app.example.com/callback", "http://app.example.com/callback", 400),
    ],
)
def test_plain_http_leads_to_the_persons_own_machine_or_nowhere(
    browser: Client, keys: GeneratedKeys, registered: str, asked: str, status: int
) -> None:
    keys.client.redirect_uris = registered
    keys.client.save()
    response = browser.get("/oauth2/authorize", flows.authorize_params(keys.client, redirect_uri=asked))

    assert response.status_code == status


def test_keys_without_the_code_grant_cannot_ask(browser: Client, carol: User) -> None:
    keys = builders.keys(builders.application(carol))
    keys.client.redirect_uris = flows.CALLBACK
    keys.client.save()

    answer = flows.answer(browser.get("/oauth2/authorize", flows.authorize_params(keys.client)))
    assert answer["error"] == "unauthorized_client"


def test_the_consent_form_is_protected_against_other_sites(bob: User, keys: GeneratedKeys) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)
    page = browser.get("/oauth2/authorize", flows.authorize_params(keys.client))
    fields: dict[str, Any] = {k: v for k, v in page.context["form"].initial.items() if v is not None}

    assert browser.post("/oauth2/authorize", {**fields, "allow": "on"}, secure=True).status_code == 403


def test_a_scope_that_only_an_api_knows_can_be_agreed_to(browser: Client, keys: GeneratedKeys, alice: User) -> None:
    topics = [{"target": "/rooms", "verbs": ["subscribe"], "mapping": "", "scopes": ["chat:read"]}]
    builders.subscription(keys.client.application, builders.api(alice, topics=topics))
    page = browser.get("/oauth2/authorize", flows.authorize_params(keys.client, scope="chat:read"))

    assert page.status_code == 200
    assert "chat:read" in page.content.decode()
