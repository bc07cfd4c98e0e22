"""Drafts, written down: sealed, and bounded in size, in number and in time.

Nothing is recorded of it: a draft changes nothing for anybody, and is gone within the hour.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Final

from cryptography.fernet import Fernet
from django.db import transaction
from django.db.models import Q

from accounts.models import Draft
from core.one_time_secret import box_of

MOST_BYTES: Final = 128 * 1024  # compressed
MOST_OF_ONE: Final = 100
MOST: Final = 500
STRANGER: Final = "-"  # in front of the client of what nobody who is signed in has sent


@transaction.atomic
def write_draft(*, body: bytes, client: str, key: str, path: str, status: int, now: datetime) -> Draft | None:
    """Seal a draft with the `key` of a browser, or with a new one where that is none; None where it is too large.

    Of one `client` the newest MOST_OF_ONE stay; of all strangers and of everybody else the newest MOST.
    """
    packed = zlib.compress(body)
    if len(packed) > MOST_BYTES:
        return None
    key = key if box_of(key) else Fernet.generate_key().decode()
    sealed = Fernet(key).encrypt(packed)
    draft = Draft(client=client, path=path[:500], status=status, sealed=sealed, created_at=now)
    draft.save(force_insert=True)
    draft.key = key
    Draft.objects.filter(created_at__lt=now - Draft.KEPT).delete()
    strangers = Q(client__startswith=STRANGER)
    kind = Draft.objects.filter(strangers if client.startswith(STRANGER) else ~strangers)
    for rows, most in ((Draft.objects.filter(client=client), MOST_OF_ONE), (kind, MOST)):
        surplus = list(rows.order_by("-created_at", "pk").values_list("pk", flat=True)[most : most + 100])
        if surplus:
            Draft.objects.filter(pk__in=surplus).delete()
    return draft
