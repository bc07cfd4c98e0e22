"""Metadata, keys, userinfo, revocation and introspection."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from jwcrypto import jwk, jwt
from oauth2_provider.models import AccessToken

from accounts.models import User
from core.models import AuditEntry
from devportal import tokens
from devportal.models import OAuthClient
from devportal.operations import GeneratedKeys
from tests.oauth import flows

pytestmark = pytest.mark.django_db


def _token(client: Client, keys: GeneratedKeys) -> str:
    return str(flows.token(client, keys.client, keys.secret, grant_type="client_credentials").json()["access_token"])


# --- metadata ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_the_metadata_names_its_own_place_as_issuer_and_endpoints_that_exist(client: Client, name: str) -> None:
    response = client.get(f"/.well-known/{name}")
    document = response.json()

    assert document["issuer"] == "https://localhost:9443"
    assert response["Access-Control-Allow-Origin"] == "*"
    names = ("authorization", "token", "revocation", "introspection", "userinfo")
    addresses = [document[f"{each}_endpoint"] for each in names] + [document["jwks_uri"]]
    for address in addresses:
        assert client.get(address.removeprefix(document["issuer"])).status_code != 404
    assert document["grant_types_supported"] == ["authorization_code", "client_credentials", "refresh_token"]
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]


def test_the_published_keys_hold_nothing_private(client: Client) -> None:
    (key,) = client.get(reverse("oauth2_provider:jwks")).json()["keys"]

    assert set(key) == {"kty", "n", "e", "alg", "use", "kid"}
    assert key["kid"] == jwk.JWK(kty=key["kty"], n=key["n"], e=key["e"]).thumbprint()


# --- OpenID Connect ------------------------------------------------------------------------------------------


def test_the_scope_openid_earns_a_signed_id_token_and_opens_userinfo(
    client: Client, keys: GeneratedKeys, bob: User
) -> None:
    code = flows.consent(bob, keys.client, scope="openid default", nonce="n-1")["code"]
    body = flows.exchange(client, keys.client, keys.secret, code).json()

    verified = jwt.JWT(key=tokens.signing_key(), jwt=body["id_token"], algs=["RS256"])
    claims = json.loads(verified.claims)
    assert (claims["iss"], claims["aud"]) == ("https://localhost:9443", keys.client.client_id)
    assert (claims["sub"], claims["preferred_username"], claims["nonce"]) == (str(bob.pk), "bob", "n-1")

    info = client.get("/oauth2/userinfo", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert info.json() == {"sub": str(bob.pk), "preferred_username": "bob", "name": "bob"}


@pytest.mark.parametrize("why", ["no openid", "disabled", "query", "none"])
def test_userinfo_is_closed_to_everything_else(client: Client, keys: GeneratedKeys, bob: User, why: str) -> None:
    scope = "default" if why == "no openid" else "openid"
    code = flows.consent(bob, keys.client, scope=scope)["code"]
    token = flows.exchange(client, keys.client, keys.secret, code).json()["access_token"]
    if why == "disabled":
        User.objects.filter(pk=bob.pk).update(is_active=False)
    query = f"?access_token={token}" if why == "query" else ""
    headers = {"Authorization": f"Bearer {token}"} if why in {"no openid", "disabled"} else {}

    assert client.get(f"/oauth2/userinfo{query}", headers=headers).status_code == 401


# --- revocation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "refresh_token"}])
def test_a_client_ends_its_own_token_at_once(
    client: Client, keys: GeneratedKeys, carol: User, hint: dict[str, str]
) -> None:
    token = _token(client, keys)
    headers = flows.basic(keys.client.client_id, keys.secret)
    response = client.post("/oauth2/revoke", {"token": token, **hint}, headers=headers)

    assert response.status_code == 200
    assert tokens.find(token, timezone.now()) is None
    assert AuditEntry.objects.get(verb="token.revoked").actor == carol
    assert client.post("/oauth2/revoke", {"token": token}, headers=headers).status_code == 200


def test_ending_a_refresh_token_ends_its_access_token(client: Client, keys: GeneratedKeys, carol: User) -> None:
    code = flows.consent(carol, keys.client)["code"]
    body = flows.exchange(client, keys.client, keys.secret, code).json()
    headers = flows.basic(keys.client.client_id, keys.secret)
    client.post("/oauth2/revoke", {"token": body["refresh_token"]}, headers=headers)

    assert tokens.find(body["access_token"], timezone.now()) is None


def test_nobody_ends_another_clients_token(client: Client, keys: GeneratedKeys, opaque_keys: GeneratedKeys) -> None:
    token = _token(client, keys)
    others = flows.basic(opaque_keys.client.client_id, opaque_keys.secret)

    assert client.post("/oauth2/revoke", {"token": token}, headers=others).status_code == 200
    assert client.post("/oauth2/revoke", {"token": token}).status_code == 401
    wrong = flows.basic(keys.client.client_id, "wrong")
    assert client.post("/oauth2/revoke", {"token": token}, headers=wrong).status_code == 401
    assert tokens.find(token, timezone.now())


# --- introspection -------------------------------------------------------------------------------------------


@pytest.fixture
def gatekeeper(db: None) -> tuple[OAuthClient, str]:
    """A service account that may introspect, with its secret."""
    user = User.objects.create(username="gatekeeper", is_service=True)
    user.user_permissions.add(Permission.objects.get(codename="view_accesstoken"))
    secret = tokens.random_token()
    made = OAuthClient.objects.create(
        user=user, client_type="confidential", client_secret=secret, grant_types=["client_credentials"]
    )
    return made, secret


def _introspect(client: Client, asker: tuple[OAuthClient, str], token: str) -> Any:
    return client.post("/oauth2/introspect", {"token": token}, headers=flows.basic(asker[0].client_id, asker[1]))


def test_introspection_describes_a_living_token(
    client: Client, keys: GeneratedKeys, gatekeeper: tuple[OAuthClient, str]
) -> None:
    token = _token(client, keys)
    row = AccessToken.objects.get(token_checksum=tokens.digest(token))

    assert _introspect(client, gatekeeper, token).json() == {
        "active": True,
        "token_type": "Bearer",
        "client_id": keys.client.client_id,
        "username": "carol",
        "sub": keys.client.client_id,
        "scope": "default",
        "iss": "https://localhost:9443",
        "aud": "websocket-gateway",
        "iat": int(row.created.timestamp()),
        "exp": int(row.expires.timestamp()),
    }


@pytest.mark.parametrize("why", ["unknown", "expired", "revoked", "disabled"])
def test_introspection_says_only_that_a_token_no_longer_counts(
    client: Client, keys: GeneratedKeys, gatekeeper: tuple[OAuthClient, str], carol: User, why: str
) -> None:
    token = _token(client, keys)
    if why == "unknown":
        token += "x"
    if why == "expired":
        AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    if why == "revoked":
        AccessToken.objects.all().delete()
    if why == "disabled":
        User.objects.filter(pk=carol.pk).update(is_active=False)

    response = _introspect(client, gatekeeper, token)
    assert (response.status_code, response.json()) == (200, {"active": False})


def test_introspection_takes_the_gatekeepers_own_bearer_token(
    client: Client, keys: GeneratedKeys, gatekeeper: tuple[OAuthClient, str]
) -> None:
    own = flows.token(client, gatekeeper[0], gatekeeper[1], grant_type="client_credentials").json()["access_token"]
    response = client.post(
        "/oauth2/introspect", {"token": _token(client, keys)}, headers={"Authorization": f"Bearer {own}"}
    )

    assert response.json()["active"] is True


def test_introspection_needs_a_right_of_its_own(client: Client, keys: GeneratedKeys) -> None:
    token = _token(client, keys)

    assert client.post("/oauth2/introspect", {"token": token}).status_code == 401
    assert _introspect(client, (keys.client, "wrong"), token).status_code == 401
    assert _introspect(client, (keys.client, keys.secret), token).status_code == 403
    bearer = client.post("/oauth2/introspect", {"token": token}, headers={"Authorization": f"Bearer {token}"})
    assert bearer.status_code == 401


def test_introspection_needs_a_token_in_the_body(client: Client, gatekeeper: tuple[OAuthClient, str]) -> None:
    headers = flows.basic(gatekeeper[0].client_id, gatekeeper[1])

    assert client.post("/oauth2/introspect", headers=headers).status_code == 400
    assert client.get("/oauth2/introspect?token=x", headers=headers).status_code == 405


def test_the_configuration_passes_the_toolkits_own_deployment_checks() -> None:
    from django.core import checks

    found = checks.run_checks(include_deployment_checks=True)
    assert [each for each in found if each.id and each.id.startswith("oauth2_provider")] == []
