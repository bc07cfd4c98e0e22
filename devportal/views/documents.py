"""The documents of an API, for those who find it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import markdown
from devportal import queries
from publisher import documentation


@require_safe
def documents(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What there is to read, in the publisher's order."""
    api = queries.api_for(request.user, pk)
    context = {"api": api, "documents": documentation.readable_documents_of(api, request.user)}
    return render(request, "devportal/documents/list.html", context)


@require_safe
def document(request: HttpRequest, pk: UUID, document: UUID) -> HttpResponse:
    """One document, with the others beside it."""
    api = queries.api_for(request.user, pk)
    rows = documentation.readable_documents_of(api, request.user)
    found = documentation.get_document(rows, document)
    rendered = markdown.markup(found.content) if found.is_text else ""
    context = {"api": api, "documents": rows, "document": found, "rendered": rendered}
    return render(request, "devportal/documents/document.html", context)


@require_safe
def file(request: HttpRequest, pk: UUID, document: UUID) -> HttpResponse:
    """The file of a document, to save."""
    rows = documentation.readable_documents_of(queries.api_for(request.user, pk), request.user)
    return documentation.file_of(documentation.get_document(rows, document))
