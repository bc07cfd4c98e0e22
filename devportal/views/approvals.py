"""Approvals, a page of the Administration: accounts, applications and subscriptions that wait for a decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts import operations as accounts
from accounts.access import current_user, requires
from accounts.queries import get_user, waiting_sign_ups
from accounts.roles import Role
from core.errors import Conflict, Invalid
from devportal import operations, queries
from devportal.subscription_states import SubscriptionState
from publisher.lifecycle import RequestStatus
from publisher.queries import requests_of_lifecycles

MOST_SHOWN = 50  # of each kind; the rest follows as these are decided


@require_safe
@requires(Role.ADMIN)
def approvals(request: HttpRequest) -> HttpResponse:
    """Everything that waits, the oldest first."""
    viewer = current_user(request)
    waiting = {
        "people": waiting_sign_ups(viewer),
        "applications": queries.waiting_applications(),
        "subscriptions": queries.waiting_subscriptions(viewer),
    }
    context = {
        "steps": requests_of_lifecycles(RequestStatus.PENDING).count(),
        "counts": {kind: rows.count() for kind, rows in waiting.items()},
        **{kind: rows[:MOST_SHOWN] for kind, rows in waiting.items()},
    }
    return render(request, "devportal/approvals/list.html", context)


@require_POST
@requires(Role.ADMIN)
def decisions(request: HttpRequest, kind: str, pk: UUID | int) -> HttpResponse:
    """Approve or reject one of them, with a reason."""
    is_approved, reason = request.POST.get("decision") == "approve", request.POST.get("reason", "").strip()
    try:
        name = DECISIONS[kind](request, pk, is_approved, reason)
        messages.success(request, f"{name} is {'approved' if is_approved else 'rejected'}.")
    except (Conflict, Invalid) as refusal:
        messages.error(request, str(refusal))
    return redirect("devportal-admin:approvals")


def _person(request: HttpRequest, pk: Any, is_approved: bool, reason: str) -> str:
    actor, now = current_user(request), timezone.now()
    user = get_user(actor, pk)
    if is_approved:
        accounts.approve_sign_up(user=user, actor=actor, now=now)
    else:
        accounts.reject_sign_up(user=user, reason=reason, actor=actor, now=now)
    return user.username


def _application(request: HttpRequest, pk: Any, is_approved: bool, reason: str) -> str:
    actor, now = current_user(request), timezone.now()
    application = queries.waiting_application(pk)
    operations.decide_application(application=application, is_approved=is_approved, reason=reason, actor=actor, now=now)
    return application.name


def _subscription(request: HttpRequest, pk: Any, is_approved: bool, reason: str) -> str:
    actor, now = current_user(request), timezone.now()
    subscription = queries.subscriber_for(actor, pk)
    state = SubscriptionState.UNBLOCKED if is_approved else SubscriptionState.REJECTED
    operations.set_subscription_state(subscription=subscription, state=state, reason=reason, actor=actor, now=now)
    return str(subscription)


DECISIONS = {"person": _person, "application": _application, "subscription": _subscription}
