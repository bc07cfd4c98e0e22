"""What happens by itself when tokens come and go: a row in the audit log, whoever and whatever caused it."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone
from oauth2_provider.models import AccessToken

from core import audit
from devportal import tokens
from devportal.models import OAuthClient, TokenName


def connect() -> None:
    """Start to listen; called once, when the room is ready."""
    post_save.connect(token_issued, sender=AccessToken, dispatch_uid="token_issued")
    # Before, not after: when an application goes, its client may be gone before its tokens.
    pre_delete.connect(token_revoked, sender=AccessToken, dispatch_uid="token_revoked")


def token_issued(instance: AccessToken, created: bool, raw: bool = False, **_: Any) -> None:
    if created and not raw:  # raw: it is copied, with the row that said so then
        _record("token.issued", instance)


def token_revoked(instance: AccessToken, **_: Any) -> None:
    """A token's row goes. Before its time that is a revocation, and the gateway closes what it opened.

    Listening here catches every way: revoked by hand, by RFC 7009, by rotation, with a family, an application or a
    person. Rows of expired tokens are swept silently.
    """
    doer = tokens.doer.get()
    if instance.expires > (doer.now if doer else timezone.now()):
        _record("token.revoked", instance)


def _record(verb: str, row: AccessToken) -> None:
    doer = tokens.doer.get()
    named: TokenName | None = getattr(row, "given", None)
    client = OAuthClient.objects.filter(pk=row.application_id).first()
    # The change and its row stand or fall together in the transaction of whoever caused it; this one nests in it.
    with transaction.atomic():
        audit.record(
            actor=doer.actor if doer else None,
            verb=verb,
            kind="token",
            object_id=row.pk,
            detail={
                "token_id": row.pk,
                "name": named.name if named else None,
                "client_id": client.client_id if client else None,
                "application_id": str(client.application_id) if client and client.application_id else None,
                "user_id": row.user_id,
                "expires": row.expires.isoformat(),
            },
            now=doer.now if doer else timezone.now(),
        )
