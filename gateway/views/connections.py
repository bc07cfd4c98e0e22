"""Open connections: of an API in the Publisher, of all in the Administration, of one's own in the Developer Portal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core import database_clock
from core.errors import Invalid
from core.text import count, spaced
from devportal.queries import application_for
from gateway.connections import operations
from gateway.connections.board import board_of
from gateway.connections.live import EVERYTHING
from gateway.connections.selection import KEY_TYPES, WAITING, Selection
from gateway.models import ConnectionRecord
from gateway.recording import operations as recordings
from gateway.views.live import LiveRequest
from publisher.queries import get_api_for

PER_PAGE = 50
PAGE, FRAGMENT = "gateway/connections/page.html", "gateway/connections/live.html"


@require_safe
@requires()
def api_connections(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The open connections to one API."""
    api = get_api_for(current_user(request), pk)
    rows = board_of(f"api:{api.pk}").look(database_clock.now())
    return _page(request, rows, layout="layouts/publisher_api.html", api=api, closings="gateway:api-closings")


@require_safe
@requires(Role.ADMIN)
def all_connections(request: HttpRequest) -> HttpResponse:
    """The open connections of the whole installation."""
    rows = board_of(EVERYTHING).look(database_clock.now())
    return _page(request, rows, layout="layouts/admin.html", closings="gateway:all-closings")


@require_safe
@requires(Role.SUBSCRIBER)
def my_connections(request: HttpRequest) -> HttpResponse:
    """The open connections of one's own applications, or of the one named in `application`."""
    return _page(request, _mine(request), layout="layouts/devportal.html", closings="gateway:my-closings")


@require_POST
@requires()
def api_closings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Close the chosen connections to an API, or all that match."""
    api = get_api_for(current_user(request), pk)
    operations.require_close(current_user(request))
    _close(request, board_of(f"api:{api.pk}").look(database_clock.now()))
    return redirect(_back(request, "gateway:api-connections", pk))


@require_POST
@requires(Role.ADMIN)
def all_closings(request: HttpRequest) -> HttpResponse:
    """Close the chosen connections, or all that match."""
    _close(request, board_of(EVERYTHING).look(database_clock.now()))
    return redirect(_back(request, "gateway:all-connections"))


@require_POST
@requires(Role.SUBSCRIBER)
def my_closings(request: HttpRequest) -> HttpResponse:
    """Close the chosen connections of one's own applications, or all that match."""
    _close(request, _mine(request))
    return redirect(_back(request, "gateway:my-connections"))


@require_POST
@requires()
def drains(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send all connections to an API away, one after the other, to come back."""
    api, typed = get_api_for(current_user(request), pk), request.POST.get("seconds", "").strip()
    operations.require_close(current_user(request))
    try:
        seconds = float(typed) if typed.isascii() and typed.isdigit() else -1.0
        number = operations.drain_api(
            api_id=str(api.pk), seconds=seconds, actor=current_user(request), now=database_clock.now()
        )
    except Invalid as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Draining: {count(number, 'connection')} within {typed} seconds, with code 1012.")
    return redirect("gateway:api-connections", pk)


def _page(
    request: HttpRequest, rows: Sequence[ConnectionRecord], *, layout: str, closings: str, **context: Any
) -> HttpResponse:
    """The page, or what of it changes while somebody looks."""
    selection = Selection.read(request.GET.dict())
    found = selection.of(rows)
    user, query = current_user(request), request.GET.urlencode()
    goes_to = reverse(closings, args=[context["api"].pk] if "api" in context else [])
    everywhere = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "open": len(rows),
        "found": len(found),
        "applications": len({row.application_id for row in found}),
        "rate_in": sum(row.rate_in for row in found),
        "rate_out": sum(row.rate_out for row in found),
        "waiting": sum(1 for row in found if row.waits),
        "selection": selection,
        "key_types": KEY_TYPES,
        "waits": WAITING,
        "layout": layout,
        "closings": f"{goes_to}?{query}" if query else goes_to,
        "may_close": operations.can_close(user) or closings == "gateway:my-closings",
        "may_drain": operations.can_close(user),
        "may_record": recordings.can_record(user),
        "shows_api": "api" not in context,
        "shows_owner": closings != "gateway:my-closings",
        "most_reason": operations.MOST_REASON,
    }
    return render(request, FRAGMENT if isinstance(request, LiveRequest) else PAGE, {**everywhere, **context})


def _mine(request: HttpRequest) -> list[ConnectionRecord]:
    """One's own, narrowed to the application that the address names. Raises ApplicationNotFound."""
    user, named = current_user(request), request.GET.get("application", "")
    rows = board_of(f"owner:{user.pk}").look(database_clock.now())
    if not named:
        return rows
    application = application_for(user, named)
    return [row for row in rows if row.application_id == str(application.pk)]


def _close(request: HttpRequest, rows: Sequence[ConnectionRecord]) -> None:
    """Close what the form says: `one`, those `chosen`, or all that match the query of the address."""
    found = Selection.read(request.GET.dict()).of(rows)
    one = request.POST.get("one", "")
    is_chosen = bool(one) or request.POST.get("which") != "matching"
    chosen = {one} if one else set(request.POST.getlist("chosen")) if is_chosen else set()
    if is_chosen:
        found = [row for row in found if row.pk in chosen]
    try:
        closed = operations.close_connections(
            connections=found,
            reason=request.POST.get("reason", ""),
            actor=current_user(request),
            now=database_clock.now(),
        )
    except Invalid as refusal:
        messages.error(request, str(refusal))
        return
    gone = len(chosen) - len(closed)
    if closed and chosen and gone > 0:
        said = ngettext(
            "Closing %(count)s connection; %(gone)s had ended already.",
            "Closing %(count)s connections; %(gone)s had ended already.",
            len(closed),
        )
        messages.success(request, said % {"count": spaced(len(closed)), "gone": gone})
    elif closed:
        said = ngettext("Closing %(count)s connection.", "Closing %(count)s connections.", len(closed))
        messages.success(request, said % {"count": spaced(len(closed))})
    else:
        messages.info(request, _("Nothing was closed: what you chose has ended already, or nothing was chosen."))


def _back(request: HttpRequest, name: str, *args: Any) -> str:
    query = request.GET.urlencode()
    return redirect(name, *args).url + (f"?{query}" if query else "")
