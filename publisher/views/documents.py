"""The documents of an API: list, add, read or edit, put in order, delete, and what is in a file."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_user, requires
from core import markdown
from core.errors import Conflict, Invalid
from core.forms import accepted, sent, show_refusal, status_of
from publisher import documentation, permissions, queries
from publisher.forms.documents import DocumentForm
from publisher.models import Api, Document
from publisher.operations import documents as operations
from publisher.views.common import api_page

DOCUMENTS_A_PAGE = 50
DIRECTIONS = {"up": -1, "down": 1}


@require_safe
@requires()
def documents(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Every document of the API in its order."""
    user = current_user(request)
    api = queries.get_api_for(user, pk)
    page = Paginator(documentation.documents_of(api), DOCUMENTS_A_PAGE).get_page(request.GET.get("page"))
    return api_page(request, api, "documents/list.html", page=page, may_change=permissions.can_document(user, api))


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def create(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Write a document, look at a preview, or save it."""
    user = current_user(request)
    api = queries.get_api_for(user, pk)
    permissions.require_document(user, api)
    form = _form(request)
    if request.method == "POST" and form.is_valid() and not form.is_preview:
        upload = form.cleaned_data["upload"]
        made = accepted(
            form,
            lambda: operations.create_document(
                api=api, fields=form.fields_sent(), upload=upload, actor=user, now=now()
            ),
        )
        if made:
            messages.success(request, f"{made} is added.")
            return redirect("publisher:documents", pk=api.pk)
    return _edit_page(request, api, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def document(request: HttpRequest, pk: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """One document: to edit for those who may, to read for the others."""
    user = current_user(request)
    api, found = _document(request, pk, document)
    if request.method != "POST" and not permissions.can_document(user, api):
        rendered = markdown.markup(found.content) if found.is_text else ""
        context = {"document": found, "rendered": rendered, "may_change": False}
        return api_page(request, api, "documents/document.html", status=200, **context)
    permissions.require_document(user, api)
    form = _form(request, found)
    if request.method == "POST" and form.is_valid() and not form.is_preview:
        upload, seen = form.cleaned_data["upload"], form.seen_at
        try:
            saved = operations.update_document(
                document=found, changes=form.fields_sent(), upload=upload, seen=seen, actor=user, now=now()
            )
        except (Invalid, Conflict) as refusal:
            show_refusal(form, refusal)
            if isinstance(refusal, operations.DocumentChanged):  # the next save goes over the other one
                form.look_again(refusal.document)
        else:
            messages.success(request, f"{saved} is saved.")
            return redirect("publisher:documents", pk=api.pk)
    return _edit_page(request, api, form, found)


@require_POST
@requires()
def moves(request: HttpRequest, pk: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """Put a document one place up or down."""
    _, found = _document(request, pk, document)
    by = DIRECTIONS.get(request.POST.get("direction", ""), 0)
    operations.move_document(document=found, by=by, actor=current_user(request), now=now())
    page = request.POST.get("page", "")
    query = f"?page={page}" if page.isdecimal() and page != "1" else ""
    return redirect(f"{reverse('publisher:documents', args=[pk])}{query}")


@require_POST
@requires()
def deletions(request: HttpRequest, pk: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """Delete a document."""
    _, found = _document(request, pk, document)
    operations.delete_document(document=found, actor=current_user(request), now=now())
    messages.success(request, f"{found} is deleted.")
    return redirect("publisher:documents", pk=pk)


@require_safe
@requires()
def file(request: HttpRequest, pk: uuid.UUID, document: uuid.UUID) -> HttpResponseBase:
    """The file of a document."""
    return documentation.file_of(_document(request, pk, document)[1])


def _document(request: HttpRequest, pk: uuid.UUID, document: uuid.UUID) -> tuple[Api, Document]:
    api = queries.get_api_for(current_user(request), pk)
    return api, documentation.get_document(documentation.documents_of(api), document)


def _form(request: HttpRequest, document: Document | None = None) -> DocumentForm:
    data = sent(request)
    files = None if data is None else request.FILES  # an empty one would count as a form that was sent
    return DocumentForm(data, files, document=document, is_preview="preview" in request.POST)


def _edit_page(request: HttpRequest, api: Api, form: DocumentForm, document: Document | None = None) -> HttpResponse:
    text = str(form["content"].value() or "") if form.is_preview and "content" not in form.errors else ""
    context = {
        "form": form,
        "document": document,
        "is_preview": form.is_preview,
        "preview": markdown.markup(text),
        "may_change": permissions.can_document(current_user(request), api),
    }
    return api_page(request, api, "documents/edit.html", status=status_of(form), **context)
