"""Recordings in the database: rows are added while there is room, and all of them go when they are old."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from core import audit
from core.upkeep import delete_batch
from gateway.models import RecordedMessage, Recording, UnrecordedApplication

MOST_MESSAGES: Final = 20_000  # of one recording
OVERHEAD: Final = 100  # octets of a message besides its payload, about
FULL: Final = "full"


class ActiveRecording(NamedTuple):
    """A recording that is on, as workers know it."""

    id: UUID
    api_id: str
    application_id: str
    connection_id: str
    until: datetime


class Taken(NamedTuple):
    """A message as it was taken down."""

    connection_id: str
    at: datetime
    sender: str
    is_text: bool
    octets: int
    payload: bytes | None
    fields: int
    problem: str

    @property
    def size(self) -> int:
        """What it takes to keep it."""
        return len(self.payload or b"") + OVERHEAD


def active(now: datetime) -> list[ActiveRecording]:
    """What is to be recorded now, and may be. One query."""
    rows = Recording.objects.filter(ended_at=None, until__gt=now).order_by()
    rows = rows.exclude(application_id__in=UnrecordedApplication.objects.values("application_id"))
    return [ActiveRecording(*row) for row in rows.values_list(*ActiveRecording._fields)]


def add(taken: Mapping[UUID, Sequence[Taken]], missed: Mapping[UUID, int], now: datetime) -> set[UUID]:
    """Keep messages of several recordings; which of these are over, because they ended or have no room left.

    They are counted first, and by all workers on one row, so that none goes over together.
    """
    over = set()
    for recording_id in sorted(taken.keys() | missed.keys()):  # in one order: workers do not wait for each other
        kept, lost = list(taken.get(recording_id, ())), missed.get(recording_id, 0)
        number, size = len(kept), sum(each.size for each in kept)
        with transaction.atomic():
            row = Recording.objects.filter(pk=recording_id, ended_at=None)
            if not row.update(messages=F("messages") + number, octets=F("octets") + size, missed=F("missed") + lost):
                over.add(recording_id)
                continue
            recording = row.get()
            while kept and (recording.messages > MOST_MESSAGES or recording.octets > recording.most_octets):
                recording.messages, recording.octets = recording.messages - 1, recording.octets - kept.pop().size
            rows = [RecordedMessage(recording_id=recording_id, **each._asdict()) for each in kept]
            RecordedMessage.objects.bulk_create(rows, batch_size=500)
            if len(kept) < number:
                over.add(recording_id)
                recording.missed += number - len(kept)
                recording.ended_at, recording.ended_by = now, FULL
                recording.save()
                audit.record_change(recording, "ended", actor=None, now=now, why=FULL)
    return over


def prune(now: datetime) -> int:
    """Delete a batch of what is older than it is kept; how many rows that were."""
    old = Recording.objects.filter(until__lt=now - timedelta(days=settings.RECORDING_DAYS))
    messages = delete_batch(RecordedMessage.objects.filter(recording__in=old.values("pk")).order_by("pk"))
    return messages or delete_batch(old.order_by("until"))


def forget(recordings: Iterable[UUID]) -> None:
    """Delete recordings with all that they hold."""
    # Held first: a worker that adds to one of them meanwhile finds it gone.
    held = Recording.objects.select_for_update().filter(pk__in=list(recordings))
    Recording.objects.filter(pk__in=[row.pk for row in held]).delete()
