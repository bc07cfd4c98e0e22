"""What people may do with the flight recorder: record, end, delete; and forbid it for an application of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse

from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations.notifications import notify
from accounts.permissions import Viewer, asks, require_role
from accounts.roles import Role
from core import audit
from core.errors import Conflict, Invalid
from core.sentences import Sentence
from core.text import count
from core.translating import gettext_noop
from devportal.permissions import require_use_application
from devportal.queries import names_of_applications
from gateway.models import Recording, UnrecordedApplication
from gateway.recording import store
from publisher.queries import names_of_apis

LONGEST_SECONDS: Final = 3600
MOST_MEGABYTES: Final = 20
MOST_ON, MOST_KEPT = 5, 20  # recordings of one API
MEGABYTE: Final = 1 << 20
FORBIDDEN: Final = "its owner"


class CannotRecord(Conflict):
    """The owner forbids it, there are too many recordings, or the installation takes none."""


class BadBounds(Invalid):
    """How long and how much is recorded is out of bounds."""


class RecordingHasEnded(Conflict):
    """It is over already."""

    sentence = gettext_noop("This recording is over already.")


def require_record(user: Viewer) -> None:
    """Recording what others send, and reading it."""
    require_role(user, Role.PUBLISHER, to="Recording connections and reading what was recorded")


can_record = asks(require_record)


@transaction.atomic
def start_recording(
    *,
    api: Any,
    application: Any,
    connection_id: str = "",
    seconds: int,
    megabytes: int,
    actor: User,
    now: datetime,
) -> Recording:
    """Record an application's connections to an API, or the one named, until so many seconds or MiB are over.

    The owner of the application is told. Raises RoleRequired, BadBounds (fields `seconds`, `megabytes`), CannotRecord.
    """
    require_record(actor)
    bounds = {"seconds": (seconds, LONGEST_SECONDS), "megabytes": (megabytes, MOST_MEGABYTES)}
    wrong = {name: f"From 1 to {most}." for name, (given, most) in bounds.items() if not 1 <= given <= most}
    if wrong:
        raise BadBounds("Choose how long and how much is recorded.", wrong)
    _require_room(str(api.pk), megabytes, now)
    if is_forbidden(str(application.pk)):
        raise CannotRecord(f"The owner of {application.name} forbids that its connections are recorded. Ask them.")
    recording = Recording.objects.create(
        api_id=str(api.pk),
        api_name=str(api)[:100],
        application_id=str(application.pk),
        application_name=application.name,
        connection_id=connection_id,
        started_by=actor.username,
        started_at=now,
        until=now + timedelta(seconds=seconds),
        most_octets=megabytes * MEGABYTE,
    )
    bounded = {"seconds": seconds, "megabytes": megabytes}
    audit.record_change(recording, "started", actor=actor, now=now, **bounded)
    if application.owner_id != actor.pk and not application.is_internal:
        told = gettext_noop(
            "%(person)s records what %(application)s sends and receives on %(api)s, until %(time)s UTC. You can end "
            "and forbid it."
        )
        about = {"person": actor.display_name, "application": application.name, "api": api}
        sentence = Sentence(told, **about, time=f"{recording.until:%H:%M}")
        link = reverse("gateway:application-recordings", args=[application.pk])
        notify(people=[application.owner], kind=NotificationKind.RECORDINGS, sentence=sentence, link=link, now=now)
    return recording


@transaction.atomic
def end_recording(*, recording: Recording, actor: User, now: datetime) -> None:
    """End it before its time; what was recorded stays. Its application's owner may too. Raises RecordingHasEnded."""
    row = Recording.objects.filter(pk=recording.pk, ended_at=None, until__gt=now)
    if row.update(ended_at=now, ended_by=actor.username) != 1:
        raise RecordingHasEnded
    audit.record_change(recording, "ended", actor=actor, now=now)


@transaction.atomic
def delete_recording(*, recording: Recording, actor: User, now: datetime) -> None:
    """Delete it with all that it holds; one that is on ends with it. Raises RoleRequired."""
    require_record(actor)
    audit.record_change(recording, "deleted", actor=actor, now=now)
    store.forget([recording.pk])


@transaction.atomic
def forbid_recordings(*, application: Any, actor: User, now: datetime) -> int:
    """Have the application recorded no more, and what was recorded of it deleted; how many recordings that were.

    Raises NotYourApplication.
    """
    require_use_application(actor, application)
    _, is_new = UnrecordedApplication.objects.get_or_create(pk=str(application.pk), defaults={"at": now})
    recordings = list(Recording.objects.filter(application_id=str(application.pk)).values_list("pk", flat=True))
    store.forget(recordings)
    if is_new or recordings:
        _note("forbidden", application, actor, now, recordings)
    return len(recordings)


@transaction.atomic
def allow_recordings(*, application: Any, actor: User, now: datetime) -> None:
    """Take back `forbid_recordings`. Raises NotYourApplication."""
    require_use_application(actor, application)
    if UnrecordedApplication.objects.filter(pk=str(application.pk)).delete()[0]:
        _note("allowed", application, actor, now, ())


def forget_orphaned(now: datetime) -> int:
    """Delete recordings whose API or application is gone, for nobody may read them any more; how many they were."""
    rows = list(Recording.objects.order_by().values_list("pk", "api_id", "application_id"))
    apis = names_of_apis({api_id for _, api_id, _ in rows})
    applications = names_of_applications({application_id for *_, application_id in rows})
    orphaned = [pk for pk, api, application in rows if api not in apis or application not in applications]
    store.forget(orphaned)
    return len(orphaned)


def is_forbidden(application_id: str) -> bool:
    """Whether the owner of an application forbids that it is recorded."""
    return UnrecordedApplication.objects.filter(pk=application_id).exists()


def _note(what: str, application: Any, actor: User, now: datetime, recordings: Sequence[object]) -> None:
    detail = {"application_id": str(application.pk), "application": application.name, "deleted": len(recordings)}
    verb, kind = f"recordings.{what}", Recording.audit_kind
    audit.record(actor=actor, verb=verb, kind=kind, object_id=application.pk, now=now, detail=detail)


def _require_room(api_id: str, megabytes: int, now: datetime) -> None:
    """Raises CannotRecord where there is none. What is on counts with all that it may still take."""
    if not settings.RECORDING_MEGABYTES:
        raise CannotRecord("This installation records nothing. An administrator can set APIM_RECORDING_MEGABYTES.")
    on = Q(ended_at=None, until__gt=now)
    of_api = Recording.objects.filter(api_id=api_id)
    if of_api.filter(on).count() >= MOST_ON:
        raise CannotRecord(f"{count(MOST_ON, 'recording')} of this API are on already. End one first.")
    if of_api.count() >= MOST_KEPT:
        raise CannotRecord(f"{count(MOST_KEPT, 'recording')} of this API are kept. Delete one first.")
    held = Recording.objects.aggregate(on=Sum("most_octets", filter=on), over=Sum("octets", filter=~on))
    if sum(each or 0 for each in held.values()) + megabytes * MEGABYTE > settings.RECORDING_MEGABYTES * MEGABYTE:
        raise CannotRecord(
            f"All recordings together may hold {settings.RECORDING_MEGABYTES} MiB, and so much is not left. "
            "Delete some, or record less."
        )
