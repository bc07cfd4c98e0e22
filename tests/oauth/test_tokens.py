"""How tokens are made, stored and told of in the audit log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from jwcrypto import jwk, jwt
from oauth2_provider.models import AccessToken, RefreshToken

from accounts.models import User
from accounts.roles import Role
from core.models import AuditEntry
from devportal import tokens
from devportal.oauth.hashers import RandomSecretHasher
from devportal.operations import GeneratedKeys
from devportal.operations.tokens import issue_token

NOW = datetime.now(UTC).replace(microsecond=0)
LIFETIME = 3000  # seconds, longer than the tests take and shorter than an hour


def _issue(keys: GeneratedKeys, actor: User, **changes: Any) -> tokens.IssuedToken:
    given = {
        "client": keys.client,
        "user": None,
        "scopes": ["default"],
        "seconds": LIFETIME,
        "now": NOW,
        "actor": actor,
    }
    return issue_token(**{**given, **changes})


def _entries(verb: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(verb=verb).order_by("id"))


def test_a_jwt_is_verified_with_the_published_keys_and_says_what_rfc_9068_asks_for(
    keys: GeneratedKeys, carol: User, client: Client, settings: Any
) -> None:
    issued = _issue(keys, carol, scopes=["default", "chat"])

    published = jwk.JWKSet.from_json(client.get("/oauth2/jwks").content.decode())
    header = json.loads(jwt.JWT(jwt=issued.token).token.objects["protected"])
    verified = jwt.JWT(key=published.get_key(header["kid"]), jwt=issued.token, algs=["RS256"])
    claims = json.loads(verified.claims)

    assert header == {"typ": "at+jwt", "alg": "RS256", "kid": tokens.signing_key().thumbprint()}
    assert claims.pop("jti")
    assert claims == {
        "iss": settings.OAUTH_ISSUER,
        "aud": "websocket-gateway",
        "sub": keys.client.client_id,
        "client_id": keys.client.client_id,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + LIFETIME,
        "scope": "default chat",
    }


def test_a_token_in_a_persons_name_has_that_person_as_its_subject(keys: GeneratedKeys, bob: User, carol: User) -> None:
    issued = _issue(keys, carol, user=bob)

    assert json.loads(jwt.JWT(jwt=issued.token, key=tokens.signing_key()).claims)["sub"] == str(bob.pk)


def test_an_application_of_type_oauth_gets_256_random_bits(opaque_keys: GeneratedKeys, carol: User) -> None:
    made = {_issue(opaque_keys, carol).token for _ in range(3)}

    assert len(made) == 3
    assert all(len(token) == 43 and token.count(".") == 0 for token in made)


def test_the_database_keeps_the_digest_of_a_token_and_not_the_token(keys: GeneratedKeys, carol: User) -> None:
    issued = _issue(keys, carol)
    row = AccessToken.objects.get(pk=issued.row.pk)

    assert (row.token, row.token_checksum) == ("", tokens.digest(issued.token))
    assert issued.expires_at == row.expires == NOW + timedelta(seconds=LIFETIME)
    assert issued.token not in repr(issued)


def test_a_secret_is_stored_as_one_digest_that_survives_a_second_save(keys: GeneratedKeys) -> None:
    stored = RandomSecretHasher().encode(keys.secret, "")
    keys.client.save()
    keys.client.refresh_from_db()

    assert keys.client.client_secret == stored
    assert RandomSecretHasher().verify(keys.secret, stored)
    assert not RandomSecretHasher().verify(keys.secret + "x", stored)


@pytest.mark.parametrize("disabled", ["owner", "person"])
def test_a_token_counts_until_it_ends_or_somebody_behind_it_is_disabled(
    keys: GeneratedKeys, carol: User, bob: User, disabled: str
) -> None:
    issued = _issue(keys, carol, user=bob)
    assert tokens.find(issued.token, NOW) == issued.row
    assert tokens.find(issued.token, NOW + timedelta(seconds=LIFETIME)) is None
    assert tokens.find(issued.token + "x", NOW) is None

    someone = carol if disabled == "owner" else bob
    User.objects.filter(pk=someone.pk).update(is_active=False)
    assert tokens.find(issued.token, NOW) is None


def test_a_token_counts_while_its_owner_may_have_applications(keys: GeneratedKeys, carol: User, bob: User) -> None:
    issued = _issue(keys, carol, user=bob)
    carol.role_grants.update(role=Role.PUBLISHER)
    assert tokens.find(issued.token, NOW) is None

    carol.role_grants.update(role=Role.ADMIN)
    assert tokens.find(issued.token, NOW) == issued.row


def test_every_token_issued_leaves_a_row_in_the_audit_log_without_the_token(keys: GeneratedKeys, carol: User) -> None:
    issued = _issue(keys, carol)

    (entry,) = _entries("token.issued")
    assert (entry.actor, entry.kind, entry.object_id, entry.at) == (carol, "token", str(issued.row.pk), NOW)
    assert entry.detail == {
        "token_id": issued.row.pk,
        "name": None,
        "client_id": keys.client.client_id,
        "application_id": str(keys.client.application_id),
        "user_id": None,
        "expires": issued.expires_at.isoformat(),
    }


@pytest.mark.parametrize(
    "ending",
    [
        lambda row: row.revoke(),
        lambda row: row.delete(),
        lambda row: AccessToken.objects.filter(pk=row.pk).delete(),
        lambda row: row.application.delete(),
        lambda row: row.application.application.delete(),
        lambda row: row.application.application.owner.delete(),
    ],
    ids=["revoke", "delete", "queryset", "keys", "application", "owner"],
)
def test_however_a_living_token_is_deleted_the_audit_log_says_that_it_was_revoked(
    keys: GeneratedKeys, carol: User, ending: Any
) -> None:
    issued = _issue(keys, carol)
    where = (issued.row.pk, keys.client.client_id, str(keys.client.application_id))
    ending(AccessToken.objects.get(pk=issued.row.pk))

    (entry,) = _entries("token.revoked")
    assert (entry.detail["token_id"], entry.detail["client_id"], entry.detail["application_id"]) == where


def test_sweeping_an_expired_token_is_no_revocation(keys: GeneratedKeys, carol: User) -> None:
    _issue(keys, carol, now=NOW - timedelta(hours=1)).row.delete()

    assert _entries("token.revoked") == []


def test_a_revoked_family_leaves_a_row_for_its_access_token(keys: GeneratedKeys, carol: User) -> None:
    issued = _issue(keys, carol, user=carol)
    family = tokens.uuid.uuid4()
    RefreshToken.objects.create(
        user=carol, application=keys.client, access_token=issued.row, token_family=family, token_checksum="0" * 64
    )
    RefreshToken.revoke_family(family)

    assert [entry.object_id for entry in _entries("token.revoked")] == [str(issued.row.pk)]


def test_who_is_named_by_the_innermost_block_goes_in_the_audit_log(keys: GeneratedKeys, carol: User, bob: User) -> None:
    issued = _issue(keys, carol)
    later = NOW + timedelta(seconds=5)
    with tokens.attributed(actor=carol, now=NOW), tokens.attributed(actor=bob, now=later):
        issued.row.revoke()

    (entry,) = _entries("token.revoked")
    assert (entry.actor, entry.at) == (bob, later)
    assert tokens.doer.get() is None
