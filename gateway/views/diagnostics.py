"""What fails and what puts it right: of an API, of the whole installation, of one's own applications."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from devportal.queries import applications_of, names_of_applications
from gateway.observability import diagnosis
from publisher.queries import get_api_for, names_of_apis

PER_PAGE = 25
LONGEST_ID = 64
KINDS = {"handshakes": gettext_noop("Failed handshakes"), "closes": gettext_noop("Abnormal closes")}


@require_safe
@requires()
def api_diagnostics(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What failed at one API."""
    api = get_api_for(current_user(request), pk)
    return _page(request, {"api_id": str(api.pk)}, layout="layouts/publisher_api.html", api=api)


@require_safe
@requires(Role.ADMIN)
def all_diagnostics(request: HttpRequest) -> HttpResponse:
    """What failed anywhere."""
    return _page(request, {}, layout="layouts/admin.html")


@require_safe
@requires(Role.SUBSCRIBER)
def my_diagnostics(request: HttpRequest) -> HttpResponse:
    """What failed for one's own applications."""
    mine = [str(pk) for pk in applications_of(current_user(request)).values_list("pk", flat=True)]
    return _page(request, {"application_id__in": mine}, layout="layouts/devportal.html", is_mine=True)


def _page(request: HttpRequest, which: dict[str, Any], **context: Any) -> HttpResponse:
    request_id, kind = request.GET.get("id", "").strip()[:LONGEST_ID], request.GET.get("kind", "")
    found = diagnosis.findings(timezone.now(), request_id=request_id, kind=kind, **which)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    names = {
        "apis": names_of_apis({each.api_id for each in page}),
        "applications": names_of_applications({each.application_id for each in page}),
    }
    everywhere = {"page": page, "request_id": request_id, "kind": kind, "kinds": KINDS, "days": diagnosis.DAYS}
    return render(request, "gateway/diagnostics/page.html", {**everywhere, **names, **context})
