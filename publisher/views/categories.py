"""The categories of the catalogue, a page of the Administration."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from publisher import operations, queries
from publisher.forms import CategoryForm

CATEGORIES_A_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def categories(request: HttpRequest) -> HttpResponse:
    """Every category with its number of APIs; POST makes one."""
    form, made = CategoryForm(sent(request)), None
    if request.method == "POST" and form.is_valid():
        fields, actor = form.cleaned_data, current_user(request)
        made = accepted(form, lambda: operations.create_category(**fields, actor=actor, now=now()))
    if made:
        messages.success(request, f"{made} is put up.")
        return redirect("publisher-admin:categories")
    page = Paginator(queries.all_categories(), CATEGORIES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "publisher/categories/list.html", {"form": form, "page": page}, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def category(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One category to change."""
    found, done = queries.get_category(pk), None
    form = CategoryForm(sent(request), initial={"name": found.name, "description": found.description})
    if request.method == "POST" and form.is_valid():
        changes, actor = form.cleaned_data, current_user(request)
        done = accepted(
            form, lambda: operations.update_category(category=found, changes=changes, actor=actor, now=now())
        )
    if done:
        messages.success(request, f"{done} is saved.")
        return redirect("publisher-admin:categories")
    return render(
        request, "publisher/categories/category.html", {"form": form, "category": found}, status=status_of(form)
    )


@require_POST
@requires(Role.ADMIN)
def deletions(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a category down; its APIs stay."""
    found = queries.get_category(pk)
    operations.delete_category(category=found, actor=current_user(request), now=now())
    messages.success(request, f"{found} is deleted.")
    return redirect("publisher-admin:categories")
