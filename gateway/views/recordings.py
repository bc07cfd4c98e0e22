"""The flight recorder: of an API in the Publisher, and of one's own application in the Developer Portal."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core import database_clock
from core.errors import Conflict, NotFound
from core.forms import accepted, status_of
from core.text import spaced
from devportal.permissions import require_use_application
from devportal.queries import all_subscribers, any_application, application_for
from gateway.connections.queries import ConnectionNotFound, get_connection_for
from gateway.models import RecordedMessage, Recording
from gateway.payloads.reading import UNREAD
from gateway.recording import export, files, operations, queries
from publisher.queries import get_api_for

PER_PAGE, MESSAGES_PER_PAGE = 25, 100
MOST_OFFERED = 500  # applications to choose from
MOST_SHOWN = 16 * 1024  # letters of a payload on the page
SHOWN_AS = {"": "Text", "json": "JSON, indented", "hex": "Hex"}
SENDERS = {"": "Both directions", "client": "From clients", "backend": "From the backend"}


class RecordingForm(forms.Form):
    """Whom to record, how long and how much."""

    application = forms.ChoiceField(label="Application", error_messages={"required": "Choose an application."})
    connection = forms.CharField(required=False, widget=forms.HiddenInput)
    minutes = forms.TypedChoiceField(
        label="For at most",
        coerce=int,
        choices=[(1, "1 minute"), (5, "5 minutes"), (15, "15 minutes"), (60, "1 hour")],
        initial=5,
    )
    megabytes = forms.TypedChoiceField(
        label="And at most", coerce=int, choices=[(1, "1 MiB"), (5, "5 MiB"), (20, "20 MiB")], initial=5
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def api_recordings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What was recorded of an API, and beginning to record; `connection` names one that is open."""
    user, now = current_user(request), database_clock.now()
    api = get_api_for(user, pk)
    subscriptions = all_subscribers(user).filter(api=api)[:MOST_OFFERED]
    applications = {str(each.application_id): each.application for each in subscriptions}
    named = request.POST.get("connection") or request.GET.get("connection", "")
    chosen = get_connection_for(user, named) if named else None
    if chosen and chosen.api_id != str(api.pk):
        raise ConnectionNotFound("There is no such connection to this API.")
    if chosen and chosen.application_id not in applications:  # a pre-released API takes callers without a subscription
        with suppress(NotFound):
            applications[chosen.application_id] = any_application(chosen.application_id)
    initial = {"connection": chosen.pk, "application": chosen.application_id} if chosen else {}
    form = RecordingForm(request.POST or None, initial=initial)
    form.fields["application"].choices = [(pk, str(each)) for pk, each in applications.items()]  # type: ignore[attr-defined]
    if request.method == "POST":
        operations.require_record(user)
        if form.is_valid():
            asked = form.cleaned_data
            start = partial(
                operations.start_recording,
                api=api,
                application=applications[asked["application"]],
                connection_id=asked["connection"],
                seconds=60 * asked["minutes"],
                megabytes=asked["megabytes"],
            )
            if recording := accepted(form, partial(start, actor=user, now=now)):
                messages.success(request, f"Recording {recording.application_name} until {recording.until:%H:%M} UTC.")
                return redirect("gateway:recording", api.pk, recording.pk)
    rows = queries.recordings(api_id=str(api.pk))
    context = {
        "api": api,
        "form": form,
        "chosen": chosen,
        "has_applications": bool(applications),
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "now": now,
        "days": settings.RECORDING_DAYS,
        "may_record": operations.can_record(user),
        "is_installed": bool(settings.RECORDING_MEGABYTES),
    }
    return render(request, "gateway/recordings/page.html", context, status=status_of(form))


@require_safe
@requires()
def recording(request: HttpRequest, pk: UUID, recording: UUID) -> HttpResponse:
    """What one recording holds, the oldest first."""
    api, row = _recording_for(request, pk, recording)
    connection, sender = request.GET.get("connection", ""), request.GET.get("from", "")
    shown_as = request.GET.get("as", "")
    page = Paginator(queries.messages_of(row, connection_id=connection, sender=sender), MESSAGES_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "api": api,
        "recording": row,
        "is_on": row.ended_at is None and row.until > database_clock.now(),
        "unread": queries.messages_of(row).filter(problem=UNREAD).count(),
        "connections": list(queries.connections_of(row).values()),
        "page": page,
        "lines": [(each, shown(each, shown_as)) for each in page],
        "ways": SHOWN_AS,
        "senders": SENDERS,
        "chosen": {"connection": connection, "from": sender, "as": shown_as},
        "days": settings.RECORDING_DAYS,
    }
    return render(request, "gateway/recordings/recording.html", context)


def shown(message: RecordedMessage, shown_as: str) -> str:
    """A payload as it stands on the page: as text, as indented JSON where it is JSON, or in hex where it is no text."""
    payload, text = bytes(message.payload or b""), export.text_of(message)
    if text is None or shown_as == "hex":
        rows = range(0, min(len(payload), MOST_SHOWN // 4), 16)
        letters = "".join(chr(each) if 32 <= each < 127 else "." for each in payload[: MOST_SHOWN // 4])
        drawn = "\n".join(f"{at:06x}  {payload[at : at + 16].hex(' '):<47}  {letters[at : at + 16]}" for at in rows)
        return f"{drawn}\n…" if len(payload) > MOST_SHOWN // 4 else drawn
    if shown_as == "json" and len(text) <= MOST_SHOWN:
        with suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


@require_GET
@requires()
def recording_file(request: HttpRequest, pk: UUID, recording: UUID) -> HttpResponse:
    """A recording as a file: `format` is `jsonl` or `har`; `connection` takes one of its connections."""
    _, row = _recording_for(request, pk, recording)
    return files.file_of(row, request.GET.get("format", ""), request.GET.get("connection", ""))


@require_POST
@requires()
def recording_endings(request: HttpRequest, pk: UUID, recording: UUID) -> HttpResponse:
    """End a recording before its time."""
    api, row = _recording_for(request, pk, recording)
    _end(request, row)
    return redirect("gateway:recording", api.pk, row.pk)


@require_POST
@requires()
def recording_deletions(request: HttpRequest, pk: UUID, recording: UUID) -> HttpResponse:
    """Delete a recording with all that it holds."""
    api, row = _recording_for(request, pk, recording)
    operations.delete_recording(recording=row, actor=current_user(request), now=database_clock.now())
    messages.success(request, f"The recording of {row.application_name} is deleted.")
    return redirect("gateway:api-recordings", api.pk)


@require_safe
@requires(Role.SUBSCRIBER)
def application_recordings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is and was recorded of one's own application, and whether that is allowed."""
    application = application_for(current_user(request), pk)
    now, rows = database_clock.now(), queries.recordings(application_id=str(application.pk))
    context = {
        "application": application,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "on": queries.on_now(rows, now).count(),
        "now": now,
        "is_forbidden": operations.is_forbidden(str(application.pk)),
        "days": settings.RECORDING_DAYS,
    }
    return render(request, "gateway/recordings/application.html", context)


@require_POST
@requires(Role.SUBSCRIBER)
def recording_consents(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forbid or allow that one's own application is recorded: `consent` is `no` or `yes`."""
    user, now = current_user(request), database_clock.now()
    application = application_for(user, pk)
    if request.POST.get("consent") == "yes":
        operations.allow_recordings(application=application, actor=user, now=now)
        said = _("%(application)s may be recorded. You are told each time.")
        messages.success(request, said % {"application": application.name})
    else:
        number = operations.forbid_recordings(application=application, actor=user, now=now)
        said = ngettext(
            "%(application)s is not recorded any more. %(count)s recording of it deleted.",
            "%(application)s is not recorded any more. %(count)s recordings of it deleted.",
            number,
        )
        if not number:
            said = _("%(application)s is not recorded any more. Nothing was kept of it.")
        messages.success(request, said % {"application": application.name, "count": spaced(number)})
    return redirect("gateway:application-recordings", application.pk)


@require_POST
@requires(Role.SUBSCRIBER)
def application_recording_endings(request: HttpRequest, pk: UUID, recording: UUID) -> HttpResponse:
    """End a recording of one's own application, without forbidding the next."""
    application = application_for(current_user(request), pk)
    require_use_application(current_user(request), application)
    _end(request, queries.one_of(queries.recordings(application_id=str(application.pk)), recording))
    return redirect("gateway:application-recordings", application.pk)


def _end(request: HttpRequest, row: Recording) -> None:
    try:
        operations.end_recording(recording=row, actor=current_user(request), now=database_clock.now())
    except Conflict as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The recording is over within a second."))


def _recording_for(request: HttpRequest, pk: UUID, recording: UUID) -> tuple[Any, Recording]:
    """An API and a recording of it, for who may read what was recorded."""
    api = get_api_for(current_user(request), pk)
    operations.require_record(current_user(request))
    return api, queries.one_of(queries.recordings(api_id=str(api.pk)), recording)
