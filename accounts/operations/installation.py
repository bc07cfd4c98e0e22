"""Settings that are changed while the product runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import installation
from accounts.models import InstallationSettings, User
from accounts.permissions import require_manage_settings
from core.audit import record_change
from core.values import BadValue, clean_line, invalid


def save_settings(*, changes: Mapping[str, Any], actor: User, now: datetime) -> InstallationSettings:
    """Change some of `installation.FIELDS`; they act in all processes within a few seconds.

    Raises RoleRequired or Invalid (notice).
    """
    require_manage_settings(actor)
    if "notice" in changes:
        try:
            changes = {**changes, "notice": clean_line(changes["notice"], 300, "A notice")}
        except BadValue as error:
            raise invalid(notice=str(error)) from None
    with transaction.atomic():
        row, _ = InstallationSettings.objects.select_for_update().get_or_create(pk=1)
        before = {field: getattr(row, field) for field in installation.FIELDS}
        after = {**before, **changes}
        for field in installation.FIELDS:
            setattr(row, field, after[field])
        row.save()
        differing = {field: [before[field], after[field]] for field in before if before[field] != after[field]}
        record_change(row, "updated", actor=actor, now=now, changes=differing)
        transaction.on_commit(installation.forget)
    return row
