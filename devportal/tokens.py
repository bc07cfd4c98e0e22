"""Access tokens: how one is made, how it is stored, and who is said to have made or ended it.

Every access token has an `AccessToken` row that holds its digest and never the token itself. Whoever makes one goes
through `operations.tokens.issue_token` (or, at the OAuth endpoints, through the toolkit, which calls `mint`).
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from django.conf import settings
from jwcrypto import jwk, jwt
from oauth2_provider.models import AccessToken

from accounts.models import User
from accounts.roles import DEVELOPERS
from devportal import rest_scopes
from devportal.models import Application, OAuthClient
from publisher.permissions import TRIERS

OPAQUE_BYTES = 32
INTROSPECTION_RIGHT = "oauth2_provider.view_accesstoken"  # a permission that comes with the model


@dataclass(frozen=True)
class IssuedToken:
    """A token at the only moment when it can be shown, with its row and the time it ends."""

    token: str = field(repr=False)
    row: AccessToken
    expires_at: datetime


@dataclass(frozen=True)
class Doer:
    """Who makes or ends tokens at the moment, and when, for the rows in the audit log."""

    actor: User | None
    now: datetime


doer: ContextVar[Doer | None] = ContextVar("doer", default=None)
"""Who was named by the innermost `attributed`, if anybody."""


def mint(*, client: OAuthClient, user: User | None, scopes: Iterable[str], seconds: int, now: datetime) -> str:
    """The text of a new token: an RFC 9068 JWT for applications of that type, else 256 random bits."""
    if client.application is None or client.application.token_type != Application.TokenType.JWT:
        return random_token()
    issued = int(now.timestamp())
    claims = {
        "iss": settings.OAUTH_ISSUER,
        "aud": settings.ACCESS_TOKEN_AUDIENCE,
        "sub": str(user.pk) if user else client.client_id,
        "client_id": client.client_id,
        "iat": issued,
        "exp": issued + seconds,
        "jti": str(uuid.uuid4()),
        "scope": " ".join(scopes),
    }
    key = signing_key()
    header = {"typ": "at+jwt", "alg": "RS256", "kid": key.thumbprint()}
    token = jwt.JWT(header=header, claims=json.dumps(claims, separators=(",", ":")))
    token.make_signed_token(key)
    return str(token.serialize())


def life_of(client: OAuthClient) -> int:
    """How many seconds a client's access tokens live: as its keys say, and no longer than the administrator allows."""
    return min(client.token_seconds, settings.LONGEST_TOKEN_SECONDS)


def random_token() -> str:
    """An opaque token or secret: 256 bits from the operating system, 43 URL-safe characters."""
    return secrets.token_urlsafe(OPAQUE_BYTES)


def digest(token: str) -> str:
    """What the database keeps of a token: its SHA-256 in hexadecimal, as in `AccessToken.token_checksum`.

    A plain digest is enough because every token holds at least 256 random bits: nothing can be tried out against it.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def find(token: str, now: datetime) -> AccessToken | None:
    """The row of a token that still counts: not expired, and those who stand behind it may still act."""
    row = (
        AccessToken.objects.select_related(
            "user", "maker__person", "application__user", "application__application__owner"
        )
        .filter(token_checksum=digest(token), expires__gt=now)
        .first()
    )
    return row if row and is_backed(row) else None


def is_backed(row: AccessToken) -> bool:
    """Whether the people behind a token may still act: whom it speaks for, who owns the client, who generated it."""
    if row.application is None or not may_act(row.application):
        return False
    maker = getattr(row, "maker", None)  # there is none where the owner generated it, or a program asked for it
    return (row.user is None or row.user.is_active) and (maker is None or maker.person.is_active)


def may_act(client: OAuthClient) -> bool:
    """Whether whoever answers for a client may still: not disabled and, for an application, still a developer.

    An administrator may have to approve it first.
    """
    owner = owner_of(client)
    if owner is None or not owner.is_active or client.approval != Application.Approval.APPROVED:
        return False
    if client.application is None:
        return True
    return owner.has_role(*(TRIERS if client.application.is_internal else DEVELOPERS))


def owner_of(client: OAuthClient) -> User | None:
    """Who answers for a client: the owner of its application, or the service account that it signs in."""
    owner: User | None = client.application.owner if client.application else client.user
    return owner


def manager(row: AccessToken) -> User | None:
    """Who manages by this token: a service account, or the person of a registered client that has scopes `apim:…`."""
    client: OAuthClient | None = row.application
    if client is None or client.application_id is not None or client.user is None:
        return None
    person: User = client.user
    if person.is_service:
        return person
    return (row.user or person) if rest_scopes.narrows(row.scope.split()) else None


@contextmanager
def attributed(*, actor: User | None, now: datetime) -> Iterator[None]:
    """Say in the audit log that `actor` makes or ends the tokens that are made or ended inside the block."""
    outer = doer.set(Doer(actor, now))
    try:
        yield
    finally:
        doer.reset(outer)


@cache
def signing_key() -> jwk.JWK:
    """The RSA key that signs tokens. Its `kid` is the thumbprint of RFC 7638, here and at `/oauth2/jwks`."""
    return jwk.JWK.from_pem(settings.SIGNING_KEY.encode())
