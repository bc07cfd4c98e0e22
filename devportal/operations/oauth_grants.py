"""What the OAuth endpoints write beside the toolkit: refresh tokens are used once, and what came of one grant ends.

The rows in the audit log come from `devportal.token_audit`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from devportal import tokens
from devportal.models import OAuthClient


def leave_out_address(*, code: Grant) -> None:
    """Remember that no redirect URI was named when the code was asked for (RFC 6749 §4.1.3)."""
    code.redirect_uri = ""
    code.save(update_fields=["redirect_uri"])


def use_refresh_token(*, token: RefreshToken, clock: Callable[[], datetime]) -> RefreshToken | None:
    """The token's row, used from now on and held until the caller's transaction ends; None if it may not be used.

    `clock` is asked once the row is held: who had to wait for it comes after whoever held it before.
    """
    row: RefreshToken | None = RefreshToken.objects.select_for_update().filter(pk=token.pk).first()
    now = clock()
    if row is None or (row.revoked is not None and not may_be_used_again(row, now)):
        return None
    if row.revoked is None:
        row.revoked = now
        row.save(update_fields=["revoked", "updated"])
    return row


def may_be_used_again(token: RefreshToken, now: datetime) -> bool:
    """Whether a refresh token was used a moment ago, and not revoked: then it has no successor that lives."""
    grace = timedelta(seconds=settings.REFRESH_GRACE_SECONDS)
    return bool(token.revoked > now - grace) and has_successor(token)


def has_successor(token: RefreshToken) -> bool:
    """Whether an access token came of it."""
    return bool(AccessToken.objects.filter(source_refresh_token=token).exists())


def join_family(*, token: RefreshToken, family: uuid.UUID) -> None:
    """Count a token among those that came of one grant."""
    token.token_family = family
    token.save(update_fields=["token_family"])


def end_family(*, family: uuid.UUID, client: OAuthClient, now: datetime) -> None:
    """Revoke all tokens that came of one grant, in the name of whoever answers for the client."""
    if RefreshToken.objects.filter(token_family=family, application=client).exists():
        with tokens.attributed(actor=tokens.owner_of(client), now=now):
            RefreshToken.revoke_family(family)


def end_token(*, token: str, client: OAuthClient, now: datetime) -> None:
    """RFC 7009: end a token of this client and what hangs on it.

    A refresh token is the whole grant: every access token that came of it ends. So it is with the access token
    that came with the newest refresh token; an older one, which a refresh has replaced, ends alone.
    """
    digest = tokens.digest(token)
    with tokens.attributed(actor=tokens.owner_of(client), now=now), transaction.atomic():
        for refresh in RefreshToken.objects.filter(token_checksum=digest, application=client):
            end_family(family=refresh.token_family, client=client, now=now)
        for access in AccessToken.objects.filter(token_checksum=digest, application=client):
            newest = RefreshToken.objects.filter(access_token=access, revoked=None).first()
            if newest:
                end_family(family=newest.token_family, client=client, now=now)
            else:
                access.revoke()
