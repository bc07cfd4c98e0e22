"""A new version of an API, and its deletion."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from core.forms import accepted, sent, status_of
from publisher import impact, operations, permissions, queries
from publisher.forms import DeletionForm, VersionForm
from publisher.messages import deleting
from publisher.views.common import api_page


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def versions(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Every version with its state; POST copies the design under a new one."""
    user = current_user(request)
    api, form, copy = queries.get_api_for(user, pk), VersionForm(sent(request)), None
    if request.method == "POST" and form.is_valid():
        fields = form.cleaned_data
        copy = accepted(form, lambda: operations.create_version(api=api, **fields, actor=user, now=now()))
    if copy is None:
        if request.method == "POST":
            permissions.require_version(user, api)
        everywhere = queries.versions_of(api)
        subscribed = impact.subscriptions_among(everywhere)
        context = {
            "form": form,
            "versions": everywhere,
            "rows": [(each, subscribed[str(each.pk)]) for each in everywhere],
            "answers": queries.default_version_of(api),
        }
        return api_page(request, api, "versions/version.html", status=status_of(form), **context)
    messages.success(request, f"{copy} is created with the design of {api.version}.")
    return redirect("publisher:api", pk=copy.pk)


@require_POST
@requires()
def default_version(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Make this version the default one of its context."""
    user = current_user(request)
    api = queries.get_api_for(user, pk)
    permissions.require_edit(user, api)
    operations.update_api(api=api, changes={"is_default_version": True}, actor=user, now=now())
    messages.success(
        request, f"{api.version} is the default version. Deploy it, and it answers at {api.context} alone."
    )
    return redirect("publisher:versions", pk=api.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def deletion(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Say what deleting would do, in figures; delete when that is confirmed."""
    api = queries.get_api_for(current_user(request), pk)
    touched = impact.of(api)
    typed = request.POST if request.method == "POST" else None
    form = DeletionForm(typed, word=api.name if touched.applications else "")
    if not form.is_valid():
        permissions.require_delete(current_user(request), api)
        context = {"form": form, "consequences": deleting(touched, api.revisions.count(), api.stage)}
        return api_page(request, api, "versions/deletion.html", status=status_of(form), **context)
    operations.delete_api(api=api, actor=current_user(request), now=now())
    messages.success(request, f"{api} is deleted.")
    return redirect("publisher:apis")
