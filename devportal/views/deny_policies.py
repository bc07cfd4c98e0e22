"""Deny policies, a page of the Administration."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.errors import Conflict
from core.forms import accepted, sent, status_of
from devportal import operations, queries
from devportal.admin_forms import CONDITIONS, DenyPolicyForm
from devportal.deny_policies import DenyCondition

PER_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def deny_policies(request: HttpRequest) -> HttpResponse:
    """Every deny policy; POST makes one."""
    form, made = DenyPolicyForm(sent(request)), None
    if request.method == "POST" and form.is_valid():
        given, actor, now = form.cleaned_data, current_user(request), timezone.now()
        made = accepted(form, lambda: operations.add_deny_policy(**given, actor=actor, now=now))
    if made:
        acts = "acts within a second: what it keeps out is closed with 4006" if made.is_active else "is switched off"
        messages.success(request, f"The deny policy for {made.value} is there and {acts}.")
        return redirect("devportal-admin:deny-policies")
    page = Paginator(queries.deny_policies(), PER_PAGE).get_page(request.GET.get("page"))
    rows = [{"policy": each, "what": CONDITIONS[DenyCondition(each.kind)]} for each in page]
    context = {"form": form, "page": page, "rows": rows}
    return render(request, "devportal/deny_policies/list.html", context, status=status_of(form))


@require_POST
@requires(Role.ADMIN)
def states(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Switch a policy on or off."""
    policy, is_active = queries.get_deny_policy(pk), request.POST.get("state") == "on"
    try:
        operations.switch_deny_policy(
            policy=policy, is_active=is_active, actor=current_user(request), now=timezone.now()
        )
        messages.success(request, f"The deny policy for {policy.value} is {'on' if is_active else 'off'} now.")
    except Conflict as refusal:
        messages.error(request, str(refusal))
    return redirect("devportal-admin:deny-policies")


@require_POST
@requires(Role.ADMIN)
def deletions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a policy away."""
    policy = queries.get_deny_policy(pk)
    operations.delete_deny_policy(policy=policy, actor=current_user(request), now=timezone.now())
    messages.success(request, f"The deny policy for {policy.value} is deleted: who it kept out may connect again.")
    return redirect("devportal-admin:deny-policies")
