"""The token endpoint: which grants work, which do not, and what a second use does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from accounts.models import User
from core.models import AuditEntry
from devportal import tokens
from devportal.models import OAuthClient
from devportal.operations import GeneratedKeys
from tests.devportal import builders
from tests.oauth import flows

pytestmark = pytest.mark.django_db


def _error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


# --- client credentials --------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["header", "body"])
def test_client_credentials_earn_a_token_that_lasts_as_long_as_the_keys_say(
    client: Client, carol: User, where: str
) -> None:
    keys = builders.keys(builders.application(carol), token_seconds=90)
    fields = {"grant_type": "client_credentials"}
    if where == "header":
        response = flows.token(client, keys.client, keys.secret, **fields)
    else:
        response = client.post(
            "/oauth2/token", {**fields, "client_id": keys.client.client_id, "client_secret": keys.secret}
        )
    body = response.json()

    assert response.status_code == 200, body
    assert response["Cache-Control"] == "no-store"
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 90, "default")
    assert "refresh_token" not in body
    row = AccessToken.objects.get(token_checksum=tokens.digest(body["access_token"]))
    assert row.user is None
    assert row.expires - AuditEntry.objects.get(verb="token.issued").at == timedelta(seconds=90)


def test_a_token_lasts_an_hour_unless_the_keys_say_otherwise(client: Client, keys: GeneratedKeys) -> None:
    body = flows.token(client, keys.client, keys.secret, grant_type="client_credentials").json()

    assert body["expires_in"] == 3600


@pytest.mark.parametrize(
    ("fields", "secret", "expected"),
    [
        ({"grant_type": "client_credentials"}, "wrong", (401, "invalid_client")),
        ({"grant_type": "client_credentials"}, "", (401, "invalid_client")),
        ({"grant_type": "client_credentials", "scope": "admin"}, None, (400, "invalid_scope")),
        ({"grant_type": "password", "username": "carol", "password": "x"}, None, (400, "unsupported_grant_type")),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, None, (400, "unsupported_grant_type")),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, None, (400, "unsupported_grant_type")),
        ({"grant_type": "openid", "code": "x"}, None, (400, "unauthorized_client")),
        ({}, None, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code"}, None, (400, "invalid_request")),
        ({"grant_type": "authorization_code", "code": "unknown"}, None, (400, "invalid_grant")),
        ({"grant_type": "refresh_token"}, None, (400, "invalid_request")),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, None, (400, "invalid_grant")),
        ({"grant_type": "refresh_token", "refresh_token": "\0"}, None, (400, "invalid_grant")),
        ({"grant_type": "authorization_code", "code": "\0"}, None, (400, "invalid_grant")),
        ({"grant_type": "client_credentials", "scope": "\0"}, None, (400, "invalid_scope")),
        ({"grant_type": "client_credentials", "resource": "nonsense"}, None, (400, "invalid_target")),
    ],
)
def test_what_is_not_offered_is_refused_in_the_words_of_rfc_6749(
    client: Client, keys: GeneratedKeys, fields: dict[str, str], secret: str | None, expected: tuple[int, str]
) -> None:
    response = flows.token(client, keys.client, keys.secret if secret is None else secret, **fields)

    assert _error(response) == expected
    assert AccessToken.objects.count() == 0
    if expected[0] == 401:
        assert response["WWW-Authenticate"].startswith("Basic ")


def test_a_client_uses_the_grants_it_was_given_and_no_other(client: Client, carol: User) -> None:
    only_code = builders.keys(
        builders.application(carol), grant_types=["authorization_code"], callback_url=flows.CALLBACK
    )
    refused = flows.token(client, only_code.client, only_code.secret, grant_type="client_credentials")
    assert _error(refused) == (400, "unauthorized_client")

    code = flows.consent(carol, only_code.client)["code"]
    body = flows.exchange(client, only_code.client, only_code.secret, code).json()
    assert "refresh_token" not in body
    refused = flows.refresh(client, only_code.client, only_code.secret, "anything")
    assert _error(refused) == (400, "unauthorized_client")


INVENTED = {
    "user": "1",
    "client": "1",
    "refresh_token_instance": "1",
    "issued_at": "1",
    "expires_in": "1",
    "code_row": "1",
}


def test_form_fields_named_like_what_the_server_keeps_change_nothing(
    client: Client, keys: GeneratedKeys, carol: User
) -> None:
    own = flows.token(client, keys.client, keys.secret, grant_type="client_credentials", **INVENTED)
    code = flows.consent(carol, keys.client)["code"]
    hers = flows.exchange(client, keys.client, keys.secret, code, **INVENTED)

    assert (own.status_code, hers.status_code) == (200, 200)
    rows = AccessToken.objects.order_by("id")
    assert [row.user for row in rows] == [None, carol]
    assert all(row.expires > timezone.now() + timedelta(minutes=59) for row in rows)
    assert flows.refresh(client, keys.client, keys.secret, hers.json()["refresh_token"], **INVENTED).status_code == 200


def test_get_is_no_way_to_ask_for_a_token(client: Client) -> None:
    assert client.get("/oauth2/token").status_code == 405


# --- authorization code --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["keys", "opaque_keys"])
def test_a_code_with_its_verifier_earns_tokens_in_the_persons_name(
    client: Client, bob: User, kind: str, request: pytest.FixtureRequest
) -> None:
    keys: GeneratedKeys = request.getfixturevalue(kind)
    answer = flows.consent(bob, keys.client)
    assert (answer["state"], answer["iss"]) == ("xyz", "https://localhost:9443")

    body = flows.exchange(client, keys.client, keys.secret, answer["code"]).json()

    row = AccessToken.objects.get(token_checksum=tokens.digest(body["access_token"]))
    assert row.user == bob
    assert (body["access_token"].count(".") == 2) == (kind == "keys")
    assert RefreshToken.objects.get(access_token=row).token_checksum == tokens.digest(body["refresh_token"])
    assert Grant.objects.count() == 0
    assert AuditEntry.objects.get(verb="token.issued").actor == bob


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": flows.VERIFIER + "x"}, "invalid_grant"),
        ({"code_verifier": flows.challenge()}, "invalid_grant"),
        ({"redirect_uri": flows.CALLBACK + "/"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
    ],
    ids=["no verifier", "wrong verifier", "challenge as verifier", "other path", "other host"],
)
def test_a_code_is_worth_nothing_without_its_verifier_and_its_redirect(
    client: Client, keys: GeneratedKeys, carol: User, changes: dict[str, str | None], expected: str
) -> None:
    code = flows.consent(carol, keys.client)["code"]

    assert _error(flows.exchange(client, keys.client, keys.secret, code, **changes)) == (400, expected)
    assert AccessToken.objects.count() == 0


def test_a_code_belongs_to_the_client_that_asked_for_it(
    client: Client, keys: GeneratedKeys, opaque_keys: GeneratedKeys, carol: User
) -> None:
    code = flows.consent(carol, keys.client)["code"]
    refused = flows.exchange(client, opaque_keys.client, opaque_keys.secret, code)

    assert _error(refused) == (400, "invalid_grant")
    assert flows.exchange(client, keys.client, keys.secret, code).status_code == 200


def test_a_code_expires(client: Client, keys: GeneratedKeys, carol: User) -> None:
    code = flows.consent(carol, keys.client)["code"]
    Grant.objects.update(expires=timezone.now())

    assert _error(flows.exchange(client, keys.client, keys.secret, code)) == (400, "invalid_grant")


@pytest.mark.parametrize("grants", [flows.ALL_GRANTS, ("authorization_code",)], ids=["with refresh", "without"])
def test_a_code_used_twice_ends_what_its_first_use_began(client: Client, carol: User, grants: tuple[str, ...]) -> None:
    keys = builders.keys(builders.application(carol), grant_types=grants, callback_url=flows.CALLBACK)
    code = flows.consent(carol, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    again = flows.exchange(client, keys.client, keys.secret, code)

    assert _error(again) == (400, "invalid_grant")
    assert tokens.find(first["access_token"], timezone.now()) is None
    assert AuditEntry.objects.filter(verb="token.revoked").count() == 1
    if "refresh_token" in first:
        assert flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).status_code == 400


def test_another_client_that_saw_a_code_cannot_end_its_tokens(
    client: Client, keys: GeneratedKeys, opaque_keys: GeneratedKeys, carol: User
) -> None:
    code = flows.consent(carol, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    flows.exchange(client, opaque_keys.client, opaque_keys.secret, code)

    assert tokens.find(first["access_token"], timezone.now())


def test_a_public_client_needs_no_secret_but_the_verifier(client: Client, keys: GeneratedKeys, carol: User) -> None:
    OAuthClient.objects.update(client_type=OAuthClient.CLIENT_PUBLIC)
    code = flows.consent(carol, keys.client)["code"]
    fields = {
        "grant_type": "authorization_code",
        "client_id": keys.client.client_id,
        "code": code,
        "redirect_uri": flows.CALLBACK,
    }
    assert _error(client.post("/oauth2/token", {**fields, "code_verifier": "x" * 43})) == (400, "invalid_grant")
    assert client.post("/oauth2/token", {**fields, "code_verifier": flows.VERIFIER}).status_code == 200


# --- refresh -------------------------------------------------------------------------------------------------


def test_a_refresh_rotates_and_ends_the_token_before_it(client: Client, keys: GeneratedKeys, carol: User) -> None:
    code = flows.consent(carol, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()

    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert tokens.find(first["access_token"], timezone.now()) is None
    assert tokens.find(second["access_token"], timezone.now()).user == carol
    assert [entry.actor for entry in AuditEntry.objects.filter(verb="token.revoked")] == [carol]


def test_a_refresh_token_used_twice_ends_the_whole_family(client: Client, keys: GeneratedKeys, carol: User) -> None:
    code = flows.consent(carol, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()
    third = flows.refresh(client, keys.client, keys.secret, second["refresh_token"]).json()

    assert _error(flows.refresh(client, keys.client, keys.secret, first["refresh_token"])) == (400, "invalid_grant")
    assert tokens.find(third["access_token"], timezone.now()) is None
    assert _error(flows.refresh(client, keys.client, keys.secret, third["refresh_token"])) == (400, "invalid_grant")
    assert AuditEntry.objects.filter(verb="token.revoked").count() == 3


def test_a_refresh_cannot_widen_what_was_agreed_to(client: Client, keys: GeneratedKeys, carol: User) -> None:
    code = flows.consent(carol, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    refused = flows.refresh(client, keys.client, keys.secret, first["refresh_token"], scope="default openid")

    assert _error(refused) == (400, "invalid_scope")


def test_a_refresh_token_belongs_to_its_client(
    client: Client, keys: GeneratedKeys, opaque_keys: GeneratedKeys, carol: User
) -> None:
    code = flows.consent(carol, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()

    refused = flows.refresh(client, opaque_keys.client, opaque_keys.secret, first["refresh_token"])
    assert _error(refused) == (400, "invalid_grant")
    assert flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).status_code == 200


# --- people who are disabled ---------------------------------------------------------------------------------


def _disable(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def test_a_disabled_owner_means_no_tokens_for_the_client(client: Client, keys: GeneratedKeys, carol: User) -> None:
    _disable(carol)

    refused = flows.token(client, keys.client, keys.secret, grant_type="client_credentials")
    assert _error(refused) == (401, "invalid_client")


def test_a_person_disabled_after_agreeing_gets_no_token(client: Client, keys: GeneratedKeys, bob: User) -> None:
    code = flows.consent(bob, keys.client)["code"]
    _disable(bob)

    assert _error(flows.exchange(client, keys.client, keys.secret, code)) == (400, "invalid_grant")


def test_a_person_disabled_later_cannot_be_refreshed(client: Client, keys: GeneratedKeys, bob: User) -> None:
    code = flows.consent(bob, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    _disable(bob)

    assert _error(flows.refresh(client, keys.client, keys.secret, first["refresh_token"])) == (400, "invalid_grant")


# --- guessing ------------------------------------------------------------------------------------------------


def test_after_ten_failures_in_a_minute_the_caller_waits_even_with_the_right_secret(
    client: Client, keys: GeneratedKeys, opaque_keys: GeneratedKeys
) -> None:
    for _ in range(10):
        refused = flows.token(client, keys.client, "wrong", grant_type="client_credentials")
        assert refused.status_code == 401

    held = flows.token(client, keys.client, keys.secret, grant_type="client_credentials")
    assert (held.status_code, held["Retry-After"]) == (429, "60")
    other_client = flows.token(client, opaque_keys.client, opaque_keys.secret, grant_type="client_credentials")
    other_place = client.post(
        "/oauth2/token",
        {"grant_type": "client_credentials"},
        headers=flows.basic(keys.client.client_id, keys.secret),
        REMOTE_ADDR="192.0.2.7",
    )
    assert (other_client.status_code, other_place.status_code) == (200, 200)


def test_behind_a_proxy_callers_are_told_apart_by_the_hop_that_the_proxy_names(
    client: Client, keys: GeneratedKeys, settings: LazySettings
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    def ask(secret: str, hops: str) -> int:
        headers = {**flows.basic(keys.client.client_id, secret), "X-Forwarded-For": hops}
        return int(client.post("/oauth2/token", {"grant_type": "client_credentials"}, headers=headers).status_code)

    for number in range(10):
        assert ask("wrong", f"198.51.100.{number}, 192.0.2.7") == 401
    assert ask(keys.secret, "198.51.100.99, 192.0.2.7") == 429, "an invented hop let the guesser go on"
    assert ask(keys.secret, "192.0.2.8") == 200, "one caller's failures locked another out"


def test_a_scope_that_is_refused_is_no_guess(client: Client, keys: GeneratedKeys) -> None:
    for _ in range(11):
        refused = flows.token(client, keys.client, keys.secret, grant_type="client_credentials", scope="nope")
        assert refused.status_code == 400
