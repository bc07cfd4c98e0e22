"""What may be read of an API's documents, already scoped to the reader."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.permissions import Viewer
from core.downloads import download
from core.errors import NotFound
from publisher.document_terms import DocumentVisibility, Source
from publisher.models import Api, Document, DocumentFile


class DocumentNotFound(NotFound):
    """The API has no such document for this person."""

    code = 900408  # WSO2's
    sentence = gettext_noop("There is no such document. It may have been deleted.")


def documents_of(api: Api) -> QuerySet[Document]:
    """All documents of an API in their order, for people of the Publisher."""
    rows = Document.objects.filter(api=api).select_related("created_by", "updated_by", "file").defer("file__body")
    return rows.order_by("position", "created_at", "pk")


def readable_documents_of(api: Api, viewer: Viewer) -> QuerySet[Document]:
    """Those that `viewer`, who sees the API, reads in the Developer Portal."""
    return documents_of(api).filter(pk__in=readable_documents(viewer).filter(api=api).values("pk"))


def readable_documents(viewer: Viewer) -> QuerySet[Document]:
    """Those of any API that whoever sees it reads in the Developer Portal; not those that still lack their content."""
    read_by = {DocumentVisibility.API_LEVEL, *([DocumentVisibility.PRIVATE] if isinstance(viewer, User) else [])}
    is_whole = ~Q(source=Source.FILE) | Q(file__isnull=False)
    return Document.objects.filter(is_whole, visibility__in=read_by)


def get_document(rows: QuerySet[Document], pk: uuid.UUID | str) -> Document:
    """One of these documents; raises DocumentNotFound."""
    try:
        return rows.get(pk=pk)
    except (Document.DoesNotExist, ValidationError):
        raise DocumentNotFound from None


def file_of(document: Document) -> HttpResponse:
    """The file of a document as an answer, to save; raises DocumentNotFound where there is none."""
    found = DocumentFile.objects.filter(document=document).first()
    if found is None:
        raise DocumentNotFound("This document has no file yet.")
    return download(found.name, found.media_type, bytes(found.body))
