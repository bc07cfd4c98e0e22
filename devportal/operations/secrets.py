"""Several secrets of the same keys, so that programs change from one to the next without a pause."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict, NotFound
from core.values import BadValue, clean_line, invalid
from devportal import news, queries, tokens
from devportal.errors import KeysNotFound
from devportal.models import LONGEST_TOKEN_NAME, ClientSecret, OAuthClient
from devportal.operations.tokens import revoke_tokens_of
from devportal.permissions import require_use_keys
from devportal.sharing import Right

MOST_SECRETS = 5  # beside the first one
DAY: Final = 86_400
SHORTEST_LIFE, LONGEST_LIFE = 60, 730 * DAY
OVERLAPS = {
    0: gettext_noop("At once"),
    3600: gettext_noop("In an hour"),
    DAY: gettext_noop("In a day"),
    7 * DAY: gettext_noop("In a week"),
    30 * DAY: gettext_noop("In a month"),
}
SAID_BEFORE = timedelta(days=7)


class TooManySecrets(Conflict):
    """These keys have as many secrets as keys may."""

    sentence = gettext_noop("These keys have {most} further secrets, as many as keys may. End one of them first.")


class SecretNotFound(NotFound):
    """There is no such secret, or it has ended."""

    sentence = gettext_noop("This secret has ended already.")


def add_secret(
    *, client: OAuthClient, name: str, seconds: int | None, actor: User, now: datetime
) -> tuple[str, ClientSecret]:
    """Make another secret of the keys, which works beside the others; it is returned with its row, and kept nowhere.

    With `seconds` it expires, and its owner is told a week before. Raises NotYourApplication, KeysNotFound, Invalid
    (name, seconds) or TooManySecrets.
    """
    require_use_keys(actor, client, Right.MANAGE)
    try:
        called = clean_line(name, LONGEST_TOKEN_NAME, _("A name"), missing=_("Say where the secret is used."))
    except BadValue as error:
        raise invalid(name=str(error)) from None
    if seconds is not None and not SHORTEST_LIFE <= seconds <= LONGEST_LIFE:
        most = {"most": LONGEST_LIFE // DAY}
        raise invalid(
            seconds=_("A secret lives from a minute to %(most)d days, or for good if nothing is said.") % most
        )
    secret = tokens.random_token()
    expires = now + timedelta(seconds=seconds) if seconds is not None else None
    with transaction.atomic():
        keys = rows.lock(client, gone=KeysNotFound, no_key=True)
        row = _keep(keys, called, stored(secret), expires, now, by=actor)
        record_change(row, "created", actor=actor, now=now, expires=expires.isoformat() if expires else None)
    return secret, row


def end_secret(*, client: OAuthClient, pk: int, actor: User, now: datetime) -> None:
    """End one of the further secrets at once; tokens stay. Raises NotYourApplication, KeysNotFound, SecretNotFound."""
    require_use_keys(actor, client, Right.MANAGE)
    with transaction.atomic():
        row = ClientSecret.objects.select_for_update().filter(client=client, pk=pk).first()
        if row is None:
            raise SecretNotFound
        record_change(row, "deleted", actor=actor, now=now)
        row.delete()


def regenerate_secret(
    *, client: OAuthClient, revoke_tokens: bool = False, overlap: int = 0, actor: User, now: datetime
) -> str:
    """Replace the first secret and return the new one. The old one works for `overlap` more seconds.

    With `revoke_tokens` every token that was issued to these keys ends too. Raises NotYourApplication, KeysNotFound,
    Invalid (overlap) or TooManySecrets.
    """
    require_use_keys(actor, client, Right.MANAGE)
    if not 0 <= overlap <= 30 * DAY:
        raise invalid(overlap=_("The old secret goes on for a month at most."))
    secret = tokens.random_token()
    with transaction.atomic():
        row = rows.lock(client, gone=KeysNotFound, no_key=True)
        if overlap:
            ends, seen_by = now + timedelta(seconds=overlap), row.secret_by
            _keep(row, _("The one before"), row.client_secret, ends, now, by=seen_by, is_announced=True)
        row.client_secret, row.secret_by = secret, actor
        row.save()
        if revoke_tokens:
            revoke_tokens_of(client=row, actor=actor, now=now)
        record_change(row, "secret_regenerated", actor=actor, now=now, overlap=overlap)
    return secret


def is_secret_of(client: OAuthClient, secret: str, now: datetime) -> bool:
    """Whether it is one of the secrets of these keys that work."""
    if check_password(secret, client.client_secret):
        return not queries.is_suspended_secret(client.client_secret)
    return queries.is_other_secret(client.client_secret, stored(secret), now)


def stored(secret: str) -> str:
    """What the table holds of a secret, as `devportal.oauth.hashers` makes it."""
    return make_password(secret, hasher="random_sha256")


def look_after_secrets(now: datetime) -> int:
    """Forget expired secrets, and tell owners of those that expire within a week; how many were forgotten."""
    soon = ClientSecret.objects.filter(is_announced=False, expires_at__gt=now, expires_at__lt=now + SAID_BEFORE)
    with transaction.atomic():
        for row in soon.select_related("client__application__owner")[:500]:
            news.secret_expires(row, now)
            ClientSecret.objects.filter(pk=row.pk).update(is_announced=True)
        return ClientSecret.objects.filter(expires_at__lte=now).delete()[0]


def _keep(
    client: OAuthClient,
    name: str,
    digest: str,
    expires: datetime | None,
    now: datetime,
    *,
    by: User | None,
    is_announced: bool = False,
) -> ClientSecret:
    alive = client.secrets.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    if alive.count() >= MOST_SECRETS:
        raise TooManySecrets(most=MOST_SECRETS)
    return ClientSecret.objects.create(
        client=client, name=name, digest=digest, created_at=now, expires_at=expires, by=by, is_announced=is_announced
    )
