"""Approvals, a page of the Administration: whoever and whatever waits for a decision."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core.errors import Conflict, Invalid
from devportal.operations.approvals import QUEUES, NothingWaits, decide

MOST_SHOWN = 50  # of each kind; the rest follows as these are decided


@require_safe
@requires(Role.ADMIN)
def approvals(request: HttpRequest) -> HttpResponse:
    """Everything that waits, the oldest first."""
    return _page(request)


@require_POST
@requires(Role.ADMIN)
def decisions(request: HttpRequest, queue: str, pk: str) -> HttpResponse:
    """Approve or reject one of them, with a reason."""
    is_approved, reason = request.POST.get("decision") == "approve", request.POST.get("reason", "").strip()
    actor, now = current_user(request), timezone.now()
    try:
        decided = decide(queue=queue, pk=pk, is_approved=is_approved, reason=reason, actor=actor, now=now)
    except Invalid as refusal:
        return _page(request, refused=(queue, pk), reason=reason, problem=str(refusal), status=refusal.status)
    except (Conflict, NothingWaits) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{decided.name}: {'approved' if is_approved else 'rejected'}. They are told.")
    return redirect("devportal-admin:approvals")


def _page(
    request: HttpRequest, *, refused: tuple[str, str] = ("", ""), reason: str = "", problem: str = "", status: int = 200
) -> HttpResponse:
    user = current_user(request)
    waiting = []
    for name, queue in QUEUES.items():
        rows = queue.rows(user)
        if number := rows.count():
            shown = [queue.about(row) for row in rows[:MOST_SHOWN]]
            at_fault = refused[1] if name == refused[0] else ""
            waiting.append({"name": name, "title": queue.title, "number": number, "shown": shown, "at_fault": at_fault})
    context = {"waiting": waiting, "reason": reason, "problem": problem}
    return render(request, "devportal/approvals/list.html", context, status=status)
