"""Which recordings there are, and what they hold, for those whom they concern."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from core.errors import NotFound
from gateway.models import ConnectionRecord, RecordedMessage, Recording


class RecordingNotFound(NotFound):
    """There is no such recording, or it is not for this person."""

    sentence = gettext_noop("There is no such recording. It may have been deleted, or be too old.")


def recordings(**which: Any) -> QuerySet[Recording]:
    """What is kept, the newest first. `which` narrows by columns."""
    return Recording.objects.filter(**which).order_by("-started_at", "pk")


def on_now(rows: QuerySet[Recording], now: datetime) -> QuerySet[Recording]:
    """Those that are on."""
    return rows.filter(ended_at=None, until__gt=now)


def one_of(rows: QuerySet[Recording], pk: UUID) -> Recording:
    """One of them. Raises RecordingNotFound."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise RecordingNotFound
    return found


def messages_of(recording: Recording, *, connection_id: str = "", sender: str = "") -> QuerySet[RecordedMessage]:
    """What a recording holds, the oldest first."""
    which = Q(connection_id=connection_id) if connection_id else Q()
    if sender in ("client", "backend"):
        which &= Q(sender=sender)
    return RecordedMessage.objects.filter(which, recording=recording).order_by("at", "pk")


def connections_of(recording: Recording) -> Mapping[str, Any]:
    """The connections that a recording has heard, with what the log says of them, in the order in which they opened."""
    heard = RecordedMessage.objects.filter(recording=recording).order_by().values("connection_id").distinct()
    rows = ConnectionRecord.objects.filter(pk__in=heard).order_by("started_at", "pk")
    return {row.pk: row for row in rows}
