"""The token endpoint: which grants work, which do not, and what a second use does."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from accounts.models import User
from accounts.roles import Role
from core.client_address import TrustedProxies
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


@pytest.fixture
def first(client: Client, keys: GeneratedKeys, carol: User) -> dict[str, Any]:
    """What Carol's client was given for its code."""
    code = flows.consent(carol, keys.client)["code"]
    given: dict[str, Any] = flows.exchange(client, keys.client, keys.secret, code).json()
    return given


def _lives(token: str) -> bool:
    return tokens.find(token, timezone.now()) is not None


def _let_the_grace_pass() -> None:
    RefreshToken.objects.exclude(revoked=None).update(revoked=timezone.now() - timedelta(seconds=11))


def test_a_refresh_rotates_and_the_token_before_it_lives_to_its_own_end(
    client: Client, keys: GeneratedKeys, carol: User, first: dict[str, Any]
) -> None:
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()

    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert tokens.find(second["access_token"], timezone.now()).user == carol
    assert _lives(first["access_token"])
    assert not AuditEntry.objects.filter(verb="token.revoked").exists()
    assert tokens.find(first["access_token"], timezone.now() + timedelta(hours=1)) is None


def test_a_refresh_token_used_twice_in_a_moment_leaves_one_family_in_which_both_go_on(
    client: Client, keys: GeneratedKeys, first: dict[str, Any]
) -> None:
    twins = [flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json() for _ in range(2)]

    assert len(set(RefreshToken.objects.values_list("token_family", flat=True))) == 1
    for twin in twins:
        assert _lives(twin["access_token"])
        assert flows.refresh(client, keys.client, keys.secret, twin["refresh_token"]).status_code == 200


def test_a_refresh_token_used_later_ends_the_whole_family(
    client: Client, keys: GeneratedKeys, first: dict[str, Any]
) -> None:
    twins = [flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json() for _ in range(2)]
    third = flows.refresh(client, keys.client, keys.secret, twins[0]["refresh_token"]).json()
    _let_the_grace_pass()

    assert _error(flows.refresh(client, keys.client, keys.secret, first["refresh_token"])) == (400, "invalid_grant")
    for each in (first, *twins, third):
        assert not _lives(each["access_token"])
        refused = flows.refresh(client, keys.client, keys.secret, each["refresh_token"])
        assert _error(refused) == (400, "invalid_grant")
    assert AuditEntry.objects.filter(verb="token.revoked").count() == 4


def test_without_a_grace_a_second_use_ends_the_family_at_once(
    client: Client, keys: GeneratedKeys, first: dict[str, Any], settings: LazySettings
) -> None:
    settings.REFRESH_GRACE_SECONDS = 0.0
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()

    assert flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).status_code == 400
    assert not _lives(first["access_token"])
    assert not _lives(second["access_token"])


def test_a_used_refresh_token_is_worth_nothing_to_another_client_and_ends_nothing(
    client: Client, keys: GeneratedKeys, opaque_keys: GeneratedKeys, first: dict[str, Any]
) -> None:
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()
    for _ in range(2):
        refused = flows.refresh(client, opaque_keys.client, opaque_keys.secret, first["refresh_token"])
        assert _error(refused) == (400, "invalid_grant")
        _let_the_grace_pass()
    assert _lives(second["access_token"])


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_a_revoked_refresh_token_has_no_grace_and_leaves_nothing_of_its_family(
    client: Client, keys: GeneratedKeys, first: dict[str, Any], which: str
) -> None:
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()
    client.post("/oauth2/revoke", {"token": second[which]}, headers=flows.basic(keys.client.client_id, keys.secret))

    for each in (first, second):
        assert not _lives(each["access_token"])
        assert flows.refresh(client, keys.client, keys.secret, each["refresh_token"]).status_code == 400


def test_an_access_token_that_was_refreshed_away_can_be_ended_alone(
    client: Client, keys: GeneratedKeys, first: dict[str, Any]
) -> None:
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()
    headers = flows.basic(keys.client.client_id, keys.secret)
    client.post("/oauth2/revoke", {"token": first["access_token"]}, headers=headers)

    assert (_lives(first["access_token"]), _lives(second["access_token"])) == (False, True)
    assert flows.refresh(client, keys.client, keys.secret, second["refresh_token"]).status_code == 200


def test_a_refresh_token_ends_two_weeks_after_its_access_token(
    client: Client, keys: GeneratedKeys, first: dict[str, Any]
) -> None:
    AccessToken.objects.update(expires=timezone.now() - timedelta(days=14))
    assert _error(flows.refresh(client, keys.client, keys.secret, first["refresh_token"])) == (400, "invalid_grant")


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


# --- how a request may be written -----------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"
ENDPOINTS = ("token", "revoke", "introspect")


def _raw(client: Client, name: str, body: str, authorization: str = "", content_type: str = FORM) -> Any:
    headers = {"Authorization": authorization} if authorization else {}
    return client.post(f"/oauth2/{name}", body, content_type=content_type, headers=headers)


def _base64(text: bytes) -> str:
    return b64encode(text).decode()


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("spoilt", ["nothing", "junk", "no colon", "Latin-1", "scheme", "padding"])
def test_credentials_that_cannot_be_read_are_401(client: Client, keys: GeneratedKeys, name: str, spoilt: str) -> None:
    good = _base64(f"{keys.client.client_id}:{keys.secret}".encode())
    authorization = {
        "nothing": "Basic ",
        "junk": f"Basic {good[:8]}!?{good[8:]}",
        "no colon": f"Basic {_base64(b'x' * 12)}",
        "Latin-1": f"Basic {_base64(bytes((0xC5, 0x73, 0x61, 0x3A, 0x78)))}",
        "scheme": f"Digest {good}",
        "padding": f"Basic {_base64(b'x:yz').rstrip('=')}A",
    }[spoilt]
    response = _raw(client, name, "grant_type=client_credentials&token=x", authorization)

    assert _error(response) == (401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "Basic  "])
def test_the_scheme_may_be_written_in_any_case(client: Client, keys: GeneratedKeys, scheme: str) -> None:
    authorization = f"{scheme} " + _base64(f"{keys.client.client_id}:{keys.secret}".encode())
    assert _raw(client, "token", "grant_type=client_credentials", authorization).status_code == 200


def test_id_and_secret_are_form_encoded_in_the_header(client: Client, keys: GeneratedKeys) -> None:
    OAuthClient.objects.update(
        client_id="id:with %+ä", client_secret=make_password("se:cret +%", hasher="random_sha256")
    )
    authorization = "Basic " + _base64(f"{quote_plus('id:with %+ä')}:{quote_plus('se:cret +%')}".encode())
    assert _raw(client, "token", "grant_type=client_credentials", authorization).status_code == 200


@pytest.mark.parametrize("body", ["scope=&", "scope=&resource=&client_id=&client_secret=&"])
def test_a_parameter_without_a_value_counts_as_left_out(client: Client, keys: GeneratedKeys, body: str) -> None:
    authorization = flows.basic(keys.client.client_id, keys.secret)["Authorization"]
    response = _raw(client, "token", f"{body}grant_type=client_credentials", authorization)
    assert (response.status_code, response.json().get("scope")) == (200, "default")


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("token=a&token=b", ""),
        ("grant_type=client_credentials&scope=default&scope=default&token=a", ""),
        ("grant_type=client_credentials&token=a", "?token=b"),
        ("grant_type=client_credentials&token=a", "?client_id=x&client_secret=y"),
        ("grant_type=client_credentials&token=a&client_secret=again", ""),
        ("grant_type=client_credentials&token=a&client_id=another", ""),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(
    client: Client, keys: GeneratedKeys, name: str, body: str, query: str
) -> None:
    authorization = flows.basic(keys.client.client_id, keys.secret)["Authorization"]
    assert _error(_raw(client, f"{name}{query}", body, authorization)) == (400, "invalid_request")
    assert AccessToken.objects.count() == 0


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    ("content_type", "is_read"),
    [
        (FORM, True),
        (f"{FORM}; charset=UTF-8", True),
        (f"{FORM};charset=utf-8", True),
        (f"{FORM.upper()}; charset=utf-8", True),
        (f"{FORM}; charset=utf-16", False),
        (f"{FORM}; charset=iso-8859-1", False),
        ("application/json", False),
        ("text/plain", False),
        ("multipart/form-data; boundary=", False),
    ],
)
def test_forms_are_read_in_utf_8_and_anything_else_is_refused_in_json(
    client: Client, keys: GeneratedKeys, name: str, content_type: str, is_read: bool
) -> None:
    authorization = flows.basic(keys.client.client_id, keys.secret)["Authorization"]
    response = _raw(client, name, "grant_type=client_credentials&token=a", authorization, content_type)
    if not is_read:
        assert _error(response) == (400, "invalid_request")
    else:
        assert response.status_code == (403 if name == "introspect" else 200), response.content


# --- people who are disabled ---------------------------------------------------------------------------------


def _disable(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def test_a_disabled_owner_means_no_tokens_for_the_client(client: Client, keys: GeneratedKeys, carol: User) -> None:
    _disable(carol)

    refused = flows.token(client, keys.client, keys.secret, grant_type="client_credentials")
    assert _error(refused) == (401, "invalid_client")


def test_an_owner_who_is_no_developer_any_more_gets_no_tokens_for_the_client_until_they_are_again(
    client: Client, keys: GeneratedKeys, carol: User
) -> None:
    carol.role_grants.update(role=Role.CREATOR)
    refused = flows.token(client, keys.client, keys.secret, grant_type="client_credentials")
    assert _error(refused) == (401, "invalid_client")

    carol.role_grants.update(role=Role.SUBSCRIBER)
    made = flows.token(client, keys.client, keys.secret, grant_type="client_credentials")
    assert made.status_code == 200


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
    settings.TRUSTED_PROXIES = TrustedProxies(["127.0.0.1"])

    def ask(secret: str, hops: str, **given: str) -> int:
        headers = {**flows.basic(keys.client.client_id, secret), "X-Forwarded-For": hops}
        fields = {"grant_type": "client_credentials"}
        return int(client.post("/oauth2/token", fields, headers=headers, **given).status_code)  # type: ignore[arg-type]

    for number in range(10):
        assert ask("wrong", f"198.51.100.{number}, 192.0.2.7") == 401
    assert ask(keys.secret, "198.51.100.99, 192.0.2.7") == 429, "an invented hop let the guesser go on"
    assert ask(keys.secret, "192.0.2.8") == 200, "one caller's failures locked another out"
    assert ask(keys.secret, "192.0.2.7", REMOTE_ADDR="203.0.113.9") == 200, "somebody else was taken for a proxy"


def test_one_customers_many_addresses_count_together(client: Client, keys: GeneratedKeys) -> None:
    def ask(secret: str, address: str) -> int:
        headers, fields = flows.basic(keys.client.client_id, secret), {"grant_type": "client_credentials"}
        return int(client.post("/oauth2/token", fields, headers=headers, REMOTE_ADDR=address).status_code)

    assert [ask("wrong", f"2001:db8::{number}") for number in range(10)] == [401] * 10
    assert (ask(keys.secret, "2001:db8::ffff"), ask(keys.secret, "2001:db8:0:1::1")) == (429, 200)


def test_a_scope_that_is_refused_is_no_guess(client: Client, keys: GeneratedKeys) -> None:
    for _ in range(11):
        refused = flows.token(client, keys.client, keys.secret, grant_type="client_credentials", scope="nope")
        assert refused.status_code == 400
