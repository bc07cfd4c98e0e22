"""The working copy of an API at the gateway, for the people who design it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from core import upkeep
from core.audit import record_change
from core.errors import Conflict
from publisher import permissions, snapshots
from publisher.lifecycle import State
from publisher.models import Api, WorkingCopy
from publisher.operations.common import lock

KEPT_FOR = timedelta(hours=1)
"""Longer than any key for it lives."""


class CannotTry(Conflict):
    """The design has no backend to connect to, or the API is retired."""


@transaction.atomic
def take_working_copy(*, api: Api, actor: User, now: datetime) -> WorkingCopy:
    """Give the gateway the design as it is now, beside what is deployed; only keys that name the copy reach it.

    While the design stays the same, so does the copy. Raises RoleRequired, CannotTry.
    """
    permissions.require_try(actor, api)
    row = lock(api)
    if row.stage is State.RETIRED:
        raise CannotTry(f"{row} is retired and cannot be tried out any more. Make a new version of it.")
    if not row.has_backend:
        raise CannotTry(f"{row} has no endpoint yet. Give it one on its Endpoint page, or have a mock answer.")
    snapshot = snapshots.take(row)
    kept = WorkingCopy.objects.filter(api=row).first()
    if kept and kept.snapshot == snapshot:
        WorkingCopy.objects.filter(pk=kept.pk).update(taken_at=now)
        return kept
    WorkingCopy.objects.filter(api=row).delete()
    record_change(row, "working_copy_taken", actor=actor, now=now)
    return WorkingCopy.objects.create(api=row, snapshot=snapshot, taken_at=now)


def forget_working_copies(now: datetime) -> int:
    """Delete a batch of the copies that no key can name any more; how many there were."""
    return upkeep.delete_batch(WorkingCopy.objects.filter(taken_at__lt=now - KEPT_FOR))
