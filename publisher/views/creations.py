"""Design a New WebSocket API."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from publisher import operations, permissions
from publisher.forms import CreateForm
from publisher.lifecycle import State


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.CREATOR)
def create(request: HttpRequest) -> HttpResponse:
    """CREATE, and CREATE & PUBLISH for those who may: one operation either way."""
    user, form, publish, api = current_user(request), CreateForm(sent(request)), "publish" in request.POST, None
    if request.method == "POST" and form.is_valid():
        fields = form.cleaned_data
        api = accepted(form, lambda: operations.create_api(**fields, publish=publish, actor=user, now=now()))
    if api is None:
        context = {"form": form, "may_publish_apis": permissions.can_publish(user)}
        return render(request, "publisher/apis/create.html", context, status=status_of(form))
    if publish and api.stage is not State.PUBLISHED:
        messages.info(request, f"{api} is created. It is published once an administrator has approved that.")
    else:
        messages.success(request, f"{api} is {'published' if publish else 'created'}.")
    return redirect("publisher:api", pk=api.pk)
