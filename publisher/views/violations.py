"""Messages that fitted no schema of their topic: who sent them, and what was wrong."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from publisher import permissions, queries
from publisher import violations as book
from publisher.runtime import ValidationMode
from publisher.views.common import api_page

PER_PAGE = 25


@require_safe
@requires()
def violations(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The applications whose connections it was, with the newest of what they sent; payloads for those who may."""
    user = current_user(request)
    api = queries.get_api_for(user, pk)
    page = Paginator(book.counted(api), PER_PAGE).get_page(request.GET.get("page"))
    kept = book.samples(api, list(page))
    rows = [(each, [one for one in kept if (one.application_id, one.topic, one.sender) == each.kind]) for each in page]
    deployed = api.deployed_revision.snapshot.get("payload_validation") if api.deployed_revision else None
    may_see, mode = permissions.can_see_payloads(user, api), deployed or ValidationMode.OFF.value
    return api_page(request, api, "violations/list.html", page=page, rows=rows, may_see=may_see, mode=mode)


@require_POST
@requires()
def deletions(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Count anew."""
    user = current_user(request)
    api = queries.get_api_for(user, pk)
    permissions.require_see_payloads(user, api)
    book.forget(api)
    messages.success(request, "Violations are counted anew.")
    return redirect("publisher:violations", pk=pk)
