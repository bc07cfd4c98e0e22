"""Who may come in, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from core.models import AuditEntry
from devportal import tokens
from devportal.models import OAuthClient
from devportal.operations import service_accounts
from devportal.operations.tokens import issue_token
from tests.devportal import builders
from tests.oauth import flows
from tests.publisher.builders import NOW, make_api
from tests.rest.conftest import DEVPORTAL, PUBLISHER, moment

pytestmark = pytest.mark.django_db


# --- service accounts ----------------------------------------------------------------------------------------


def test_the_command_prints_what_gets_a_token_that_manages_apis(client: Client) -> None:
    out = StringIO()
    call_command("serviceaccount", "pipeline", "--role", "creator", "--role", "publisher", stdout=out)
    printed = dict(line.rsplit(maxsplit=1) for line in out.getvalue().splitlines()[:2])

    response = client.post(
        "/oauth2/token",
        {"grant_type": "client_credentials"},
        headers=flows.basic(printed["client id"], printed["client secret"]),
    )
    bearer = {"Authorization": f"Bearer {response.json()['access_token']}"}

    assert client.get(f"{PUBLISHER}/apis", headers=bearer).status_code == 200
    user = User.objects.get(username="pipeline")
    assert (user.is_service, user.has_usable_password(), user.roles) == (True, False, {Role.CREATOR, Role.PUBLISHER})
    assert printed["client secret"] not in str(OAuthClient.objects.values())
    assert printed["client secret"] not in str(AuditEntry.objects.values())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pipeline"], "at least one role"),
        (["Carol", "--role", "creator"], "There is a user called Carol already"),
        (["", "--role", "creator"], "a name"),
        (["pipeline", "--role", "king"], "invalid choice"),
    ],
)
def test_the_command_says_in_one_sentence_what_is_wrong(carol: User, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("serviceaccount", *arguments)


def test_the_right_to_introspect_is_given_by_name(client: Client) -> None:
    made = service_accounts.create_service_account(name="door", roles=(), may_introspect=True, actor=None, now=NOW)
    headers = flows.basic(made.client.client_id, made.secret)

    assert client.post("/oauth2/introspect", {"token": "x"}, headers=headers).json() == {"active": False}
    assert made.secret not in repr(made)


# --- credentials ---------------------------------------------------------------------------------------------


def test_nobody_is_told_to_bring_a_bearer_token(client: Client) -> None:
    response = client.get(f"{PUBLISHER}/apis")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="API Manager"'
    assert response.json() == {
        "code": 900902,
        "message": "Unauthorised",
        "description": "Authentication credentials were not provided.",
        "moreInfo": "",
        "error": [],
    }


@pytest.mark.parametrize("header", ["Bearer unknown", "Bearer", "bearer unknown", "Bearer two words"])
def test_a_token_that_does_not_count_is_refused_and_the_challenge_says_so(client: Client, header: str) -> None:
    response = client.get(f"{PUBLISHER}/apis", headers={"Authorization": header})

    assert (response.status_code, response.json()["code"]) == (401, 900901)
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("how", ["revoked", "disabled"])
def test_a_service_account_is_shut_out_at_once(client: Client, account: Callable[..., Any], how: str) -> None:
    headers = account(Role.CREATOR)
    assert client.get(f"{PUBLISHER}/apis", headers=headers).status_code == 200

    if how == "revoked":
        tokens.AccessToken.objects.all().delete()
    else:
        User.objects.filter(is_service=True).update(is_active=False)
    assert client.get(f"{PUBLISHER}/apis", headers=headers).status_code == 401


@pytest.mark.parametrize("path", [f"{PUBLISHER}/apis", f"{DEVPORTAL}/applications", f"{DEVPORTAL}/apis"])
def test_a_token_of_an_application_is_told_why_it_cannot_manage(client: Client, carol: User, path: str) -> None:
    keys = builders.keys(builders.application(carol))
    issued = issue_token(client=keys.client, user=carol, scopes=["default"], seconds=600, now=moment(), actor=carol)
    response = client.get(path, headers={"Authorization": f"Bearer {issued.token}"})

    assert (response.status_code, response.json()["code"]) == (403, 900905)
    assert "service account" in response.json()["description"]


def test_basic_and_query_tokens_are_not_looked_at(client: Client, account: Callable[..., Any]) -> None:
    token = account(Role.CREATOR)["Authorization"].removeprefix("Bearer ")

    assert client.get(f"{PUBLISHER}/apis?access_token={token}").status_code == 401
    assert client.get(f"{PUBLISHER}/apis", headers=flows.basic("admin", "admin")).status_code == 401


# --- sessions ------------------------------------------------------------------------------------------------


def test_a_session_reads_freely_and_writes_with_its_csrf_token(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    body = {"name": "Chat", "context": "/chat", "version": "1"}

    assert browser.get(f"{PUBLISHER}/apis").status_code == 200
    refused = browser.post(f"{PUBLISHER}/apis", body, content_type="application/json", secure=True)
    assert (refused.status_code, refused.json()["code"]) == (403, 900403)
    assert "CSRF" in refused.json()["description"]

    browser.get("/publisher/apis/create", secure=True)
    token = browser.cookies["__Host-apim-csrf"].value
    headers = {"X-CSRFToken": token, "Referer": "https://testserver/publisher/apis/create"}
    made = browser.post(f"{PUBLISHER}/apis", body, content_type="application/json", headers=headers, secure=True)
    assert made.status_code == 201, made.content


# --- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("get", "/apis/not-an-id", None, 404),
        ("get", "/apis/00000000-0000-0000-0000-000000000000", None, 404),
        ("patch", "/apis", {}, 405),
        ("post", "/apis", "{", 400),
        ("post", "/apis", [], 400),
        ("post", "/apis", {}, 400),
        ("get", "/apis?limit=0", None, 400),
        ("get", "/apis?offset=x", None, 400),
        ("get", "/apis?sortBy=colour", None, 400),
        ("get", "/apis?query=colour:red", None, 400),
        ("get", "/apis?query=%00", None, 400),
        ("get", "/subscriptions?apiId=%00", None, 400),
        ("get", "/throttling-policies/subscription/%00", None, 400),
        ("get", "/subscriptions?apiId=nonsense", None, 404),
        ("post", "/apis", '{"name": "\\u0000", "context": "/a", "version": "1"}', 400),
        ("post", "/apis", '{"name": "\\ud800", "context": "/a", "version": "1"}', 400),
        ("post", "/apis", "[" * 100_000, 400),
        ("post", "/apis", "9" * 5000, 400),
        ("post", "/apis/change-lifecycle", None, 400),
    ],
)
def test_every_refusal_has_one_shape(
    client: Client, account: Callable[..., Any], method: str, path: str, body: Any, expected: int
) -> None:
    response = client.generic(
        method.upper(),
        f"{PUBLISHER}{path}",
        body if isinstance(body, str) else flows_json(body),
        content_type="application/json",
        headers=account(Role.ADMIN),
    )
    assert response.status_code == expected
    if path != "/apis/not-an-id":  # no route at all: the site's own page
        assert set(response.json()) == {"code", "message", "description", "moreInfo", "error"}
        assert response.json()["description"]


def flows_json(body: Any) -> str:
    """A body as JSON; nothing for none."""
    import json

    return "" if body is None else json.dumps(body)


def test_other_media_types_than_json_are_refused(client: Client, account: Callable[..., Any]) -> None:
    response = client.post(f"{PUBLISHER}/apis", {"name": "Chat"}, headers=account(Role.CREATOR))

    assert (response.status_code, response.json()["code"]) == (415, 900415)


def test_a_fault_is_not_dressed_up_as_a_refusal(
    client: Client, alice: User, signed_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from publisher import queries

    api = make_api(alice)
    monkeypatch.setattr(queries, "get_api_for", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        signed_in(alice).get(f"{PUBLISHER}/apis/{api.pk}")


# --- addresses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize(
    "address", [f"{PUBLISHER}/nothing", f"{PUBLISHER}/apis/no-id", f"{PUBLISHER}/apis/", f"{DEVPORTAL}/applications/1"]
)
def test_an_address_of_nothing_is_a_refusal_like_every_other(client: Client, method: str, address: str) -> None:
    response = getattr(client, method)(address)

    assert response.status_code == 404
    assert response.json()["code"] == 900404
    assert response.json()["description"] == "There is nothing at this address."
