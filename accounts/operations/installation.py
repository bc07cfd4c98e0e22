"""Settings that are changed while the product runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import installation
from accounts.models import InstallationSettings, User
from accounts.permissions import require_manage_settings
from core.audit import record_change
from core.values import clean_line


def save_settings(*, changes: Mapping[str, Any], actor: User, now: datetime) -> InstallationSettings:
    """Change some of `installation.FIELDS`; they act in all processes within a few seconds.

    Raises RoleRequired, or BadValue for a notice that is too long.
    """
    require_manage_settings(actor)
    with transaction.atomic():
        row, _ = InstallationSettings.objects.select_for_update().get_or_create(pk=1)
        before = {field: getattr(row, field) for field in installation.FIELDS}
        given = {**before, **changes}
        after = {**given, "notice": clean_line(given["notice"], 300, "A notice")}
        for field in installation.FIELDS:
            setattr(row, field, after[field])
        row.save()
        differing = {field: [before[field], after[field]] for field in before if before[field] != after[field]}
        record_change(row, "updated", actor=actor, now=now, changes=differing)
        transaction.on_commit(installation.forget)
    return row
