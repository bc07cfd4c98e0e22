"""Steps of the lives of APIs that wait for an administrator, a page of the Administration."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core.errors import Conflict, Invalid
from publisher import impact, operations, queries
from publisher.lifecycle import Action, RequestStatus
from publisher.messages import consequence
from publisher.models import LifecycleRequest

REQUESTS_A_PAGE, LATEST = 10, 10


@require_safe
@requires(Role.ADMIN)
def requests(request: HttpRequest) -> HttpResponse:
    """What waits, the oldest first, each with what it would do; and what was decided last."""
    return _page(request)


@require_POST
@requires(Role.ADMIN)
def decisions(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Approve (`decision=approve`), or reject with a `reason`."""
    found, actor = queries.get_lifecycle_request(pk), current_user(request)
    try:
        if request.POST.get("decision") == "approve":
            api = operations.approve_request(request=found, actor=actor, now=now())
            messages.success(request, f"{api} is {api.stage.label} now.")
        else:
            operations.reject_request(request=found, reason=request.POST.get("reason", ""), actor=actor, now=now())
            messages.success(request, f"{found} is rejected.")
    except (Invalid, Conflict) as refusal:
        return _page(request, refusal=str(refusal), about=found, status=refusal.status)
    return redirect("publisher-admin:lifecycle-requests")


def _page(
    request: HttpRequest, *, refusal: str = "", about: LifecycleRequest | None = None, status: int = 200
) -> HttpResponse:
    waiting = queries.requests_of_lifecycles(RequestStatus.PENDING)
    page = Paginator(waiting, REQUESTS_A_PAGE).get_page(request.GET.get("page"))
    touched = impact.among([each.api for each in page])
    rows = []
    for each in page:
        plans = [plan.name for plan in each.api.plans.all()]
        rows.append((each, consequence(Action(each.action), each.api.stage, touched[str(each.api_id)], plans)))
    context = {
        "page": page,
        "rows": rows,
        "decided": queries.requests_of_lifecycles()[:LATEST],
        "refusal": refusal,
        "about": about,
    }
    return render(request, "publisher/approvals/list.html", context, status=status)
