"""The scopes of an API and, in the Administration, those that all APIs share: the same pages, without an API."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role, to_tick
from core.errors import Conflict, Invalid
from core.forms import accepted, sent, show_refusal, status_of
from publisher import permissions, queries, scoping
from publisher.forms.scopes import ScopeForm
from publisher.models import Api, Scope
from publisher.operations import scopes as operations
from publisher.views.common import api_page

PER_PAGE = 25


@require_safe
@requires()
def scopes(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The API's own scopes, and what its topics ask for besides."""
    api = queries.get_api_for(current_user(request), pk)
    uses = scoping.uses_of(api)
    unknown = [each.name for each in uses if each.definition is None]
    return api_page(request, api, "scopes/list.html", uses=uses, unknown=unknown)


@require_safe
@requires(Role.ADMIN)
def shared(request: HttpRequest) -> HttpResponse:
    """The scopes that every API may name."""
    page = Paginator(scoping.scopes_of(None), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "publisher/scopes/shared.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def create(request: HttpRequest, pk: uuid.UUID | None = None) -> HttpResponse:
    """Describe a scope; `name` fills it in, for one that a topic names already."""
    api, form = _place(request, pk), ScopeForm(sent(request))
    form.initial.setdefault("name", request.GET.get("name", ""))
    if request.method == "POST" and form.is_valid():
        fields, actor = form.fields_sent(), current_user(request)
        made = accepted(form, lambda: operations.create_scope(api=api, fields=fields, actor=actor, now=now()))
        if made:
            messages.success(request, f"{made} is added.")
            return _list(api)
    return _page(request, form, api)


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def scope(request: HttpRequest, scope: uuid.UUID, pk: uuid.UUID | None = None) -> HttpResponse:
    """Change what people read of a scope, or who gets it."""
    api = _place(request, pk)
    found = scoping.get_scope(scoping.scopes_of(api), scope)
    form = ScopeForm(sent(request), scope=found)
    if request.method == "POST" and form.is_valid():
        changes, seen, actor = form.fields_sent(), form.seen_at, current_user(request)
        try:
            operations.update_scope(scope=found, changes=changes, seen=seen, actor=actor, now=now())
        except (Invalid, Conflict) as refusal:
            show_refusal(form, refusal)
            form.see(found.updated_at)
        else:
            messages.success(request, f"{found} is saved. It acts on tokens that are made from now on.")
            return _list(api)
    return _page(request, form, api, found)


@require_POST
@requires()
def deletions(request: HttpRequest, scope: uuid.UUID, pk: uuid.UUID | None = None) -> HttpResponse:
    """Delete a scope that no topic names."""
    api = _place(request, pk)
    found = scoping.get_scope(scoping.scopes_of(api), scope)
    try:
        operations.delete_scope(scope=found, actor=current_user(request), now=now())
        messages.success(request, f"{found} is deleted.")
    except Conflict as refusal:
        messages.error(request, str(refusal))
    return _list(api)


def _place(request: HttpRequest, pk: uuid.UUID | None) -> Api | None:
    """The API whose scopes are changed, or None for those of all. Raises ApiNotFound, or RoleRequired."""
    user = current_user(request)
    api = queries.get_api_for(user, pk) if pk else None
    permissions.require_describe_scopes(user, api)
    return api


def _list(api: Api | None) -> HttpResponse:
    return redirect("publisher:scopes", pk=api.pk) if api else redirect("publisher-admin:scopes")


def _page(request: HttpRequest, form: ScopeForm, api: Api | None, scope: Scope | None = None) -> HttpResponse:
    context = {"form": form, "scope": scope, "roles": to_tick(form["roles"].value() or [])}
    if api:
        return api_page(request, api, "scopes/edit.html", status=status_of(form), **context)
    return render(request, "publisher/scopes/shared_edit.html", context, status=status_of(form))
