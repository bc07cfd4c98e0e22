"""The operation that has a new key of the vault count: every secret is sealed again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from core import vault
from core.audit import record
from publisher.models import Api, Revision
from publisher.secret_options import replaced, secrets_of


@transaction.atomic
def seal_again(*, actor: User | None, now: datetime) -> int:
    """Seal every secret of designs and revisions with the first key in the file; how many there were.

    What stood twice stands twice afterwards, so no design differs from its revision by it. `actor` is None for the
    command. Raises core.vault.CannotOpen, and then nothing has changed.
    """
    anew: dict[str, str] = {}
    for api in Api.objects.select_for_update().only("pk", "endpoint_options").order_by("pk"):
        if options := _again(api.endpoint_options, anew):
            Api.objects.filter(pk=api.pk).update(endpoint_options=options)
    for revision in Revision.objects.only("pk", "snapshot").order_by("pk").iterator():
        if options := _again(revision.snapshot.get("endpoint_options", {}), anew):
            Revision.objects.filter(pk=revision.pk).update(snapshot={**revision.snapshot, "endpoint_options": options})
    record(actor=actor, verb="vault.rotated", kind="vault", object_id="", now=now, detail={"secrets": len(anew)})
    return len(anew)


def _again(options: Mapping[str, Any], anew: dict[str, str]) -> dict[str, Any] | None:
    """The document with its secrets sealed again; None where it has none."""
    tokens = {token for _, _, token in secrets_of(options)}
    for token in tokens - anew.keys():
        anew[token] = vault.seal(vault.unseal(token))
    return replaced(options, lambda field, name, token: anew[token]) if tokens else None
