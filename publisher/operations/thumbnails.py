"""Giving an API a picture, and taking it away."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from core.audit import record_change
from core.values import BadValue, invalid
from publisher import permissions, thumbnails
from publisher.models import Api, Thumbnail
from publisher.operations.common import lock, save_design


def set_thumbnail(*, api: Api, content: bytes, actor: User, now: datetime) -> Api:
    """Keep the picture in `content`, drawn anew and small. Raises RoleRequired, Invalid (`thumbnail`)."""
    permissions.require_edit(actor, api)
    try:
        image = thumbnails.clean_thumbnail(content)
    except BadValue as error:
        raise invalid(thumbnail=str(error)) from None
    with transaction.atomic():
        row = lock(api)
        permissions.require_edit(actor, row)
        if row.thumbnail == thumbnails.digest(image):
            return row
        Thumbnail.objects.update_or_create(api=row, defaults={"image": image})
        return _recorded(row, thumbnails.digest(image), actor=actor, now=now)


@transaction.atomic
def remove_thumbnail(*, api: Api, actor: User, now: datetime) -> Api:
    """Go back to the glyph that is made of the name. Raises RoleRequired."""
    row = lock(api)
    permissions.require_edit(actor, row)
    if not row.thumbnail:
        return row
    Thumbnail.objects.filter(api=row).delete()
    return _recorded(row, "", actor=actor, now=now)


def _recorded(row: Api, digest: str, *, actor: User, now: datetime) -> Api:
    saved = save_design(row, {"thumbnail": digest}, seen=None, now=now)
    record_change(saved, "updated", actor=actor, now=now, fields=["thumbnail"])
    return saved
