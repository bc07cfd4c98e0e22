"""The audit log: every change of state is one row, written in the same transaction as the change."""

import json
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Protocol

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction

from core.models import AuditEntry


class OutsideTransaction(RuntimeError):
    """A change was to be recorded outside the transaction that makes it."""


class Audited(Protocol):
    """A row whose changes are recorded: what it is called in verbs, and what tells a reader which one it was."""

    audit_kind: ClassVar[str]
    pk: Any

    def audit_detail(self) -> dict[str, Any]:
        """What stands in every record of it. Never a credential."""


def record_change(thing: Audited, verb: str, *, actor: AbstractUser | None, now: datetime, **detail: Any) -> AuditEntry:
    """Write one row about `thing`: `record_change(plan, "updated", …)` is `plan.updated`. As `record` otherwise."""
    return record(
        actor=actor,
        verb=f"{thing.audit_kind}.{verb}",
        kind=thing.audit_kind,
        object_id=thing.pk,
        now=now,
        detail={**thing.audit_detail(), **detail},
    )


def record(
    *,
    actor: AbstractUser | None,
    verb: str,
    kind: str,
    object_id: object,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write one row. Call it inside the transaction of the change; `detail` must never hold a credential.

    `actor` is None when the system itself acts; the row then says "system".
    """
    if not transaction.get_connection().in_atomic_block:
        raise OutsideTransaction(f"{verb} must be recorded in the transaction that makes the change")
    entry = AuditEntry.objects.create(
        at=now,
        actor_id=actor.pk if actor else None,
        actor_name=actor.username if actor else "system",
        verb=verb,
        kind=kind,
        object_id=str(object_id),
        detail=detail or {},
    )
    if settings.AUDIT_LOG_TO_STDOUT:
        transaction.on_commit(partial(_say, entry))
    return entry


def _say(entry: AuditEntry) -> None:
    """One line of JSON; where nobody listens any more, nothing."""
    with suppress(OSError, ValueError):
        print(json.dumps(entry.document(), ensure_ascii=False), flush=True)  # noqa: T201 - where operators asked for it
