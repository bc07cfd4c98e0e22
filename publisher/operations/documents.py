"""Operations on the documents of an API: add, change, put in order, delete. They act at once, without a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Sum

from accounts.models import User
from core import rows
from core.audit import record_change
from core.errors import Conflict
from core.text import byte_size
from core.values import BadValue, clean, invalid, refuse
from publisher import document_terms, documentation, permissions
from publisher.document_terms import (
    CLEANERS,
    MOST_DOCUMENTS,
    MOST_FILE_BYTES,
    DocumentType,
    DocumentVisibility,
    Source,
    Upload,
)
from publisher.models import Api, Document, DocumentFile
from publisher.operations.common import lock

DEFAULTS: Final = {
    "type": DocumentType.HOWTO.value,
    "source": Source.MARKDOWN.value,
    "visibility": DocumentVisibility.API_LEVEL.value,
    **dict.fromkeys(("other_type", "summary", "content", "url"), ""),
}


class DocumentExists(Conflict):
    """The API has a document of this name already (field `name`)."""

    code = 900252

    field = "name"
    sentence = "There is a document called {name} already. Choose another name."


class DocumentChanged(Conflict):
    """Somebody else saved the document after the person opened it; nothing has been written."""

    def __init__(self, document: Document) -> None:
        super().__init__(
            f"{document.updated_by.display_name} changed this document after you opened it. What you typed is still "
            "here: save again to put it in its place."
        )
        self.document = document


@transaction.atomic
def create_document(
    *, api: Api, fields: Mapping[str, Any], upload: Upload | None = None, actor: User, now: datetime
) -> Document:
    """Write a document about the API, last in its list. `fields` are those of `document_terms.CLEANERS`.

    Raises RoleRequired, Invalid (by field; `upload` for the file) or DocumentExists.
    """
    permissions.require_document(actor, api)
    values = {**DEFAULTS, **clean({"name": "", **fields}, CLEANERS)}
    if upload:
        values["source"] = Source.FILE.value
    refuse(document_terms.missing(values))
    row = lock(api)
    present = row.documents.aggregate(last=Max("position"))["last"]
    if row.documents.count() >= MOST_DOCUMENTS:
        raise invalid(name=f"An API has at most {MOST_DOCUMENTS} documents. Delete one first.")
    by = {"created_by": actor, "created_at": now, "updated_by": actor, "updated_at": now}
    document = Document(api=row, position=0 if present is None else present + 1, **values, **by)
    rows.save(document, taken=lambda: DocumentExists(name=values["name"]))
    _put_file(document, upload)
    record_change(document, "created", actor=actor, now=now)
    return document


@transaction.atomic
def update_document(
    *,
    document: Document,
    changes: Mapping[str, Any],
    upload: Upload | None = None,
    seen: datetime | None = None,
    actor: User,
    now: datetime,
) -> Document:
    """Change what `changes` holds; a file takes the place of the one before it. Where nothing differs, nothing is done.

    Raises RoleRequired, Invalid (by field), DocumentExists, or DocumentChanged if it was saved after `seen`.
    """
    permissions.require_document(actor, document.api)
    values = clean(changes, CLEANERS)
    if upload:
        values["source"] = Source.FILE.value
    lock(document.api)
    row = documentation.get_document(documentation.documents_of(document.api), document.pk)
    if seen is not None and row.updated_at != seen:
        raise DocumentChanged(row)
    differing = sorted(name for name, value in values.items() if getattr(row, name) != value)
    if not differing and not upload:
        return row
    for name in differing:
        setattr(row, name, values[name])
    refuse(document_terms.missing({name: getattr(row, name) for name in CLEANERS}))
    row.updated_by, row.updated_at = actor, now
    rows.save(row, taken=lambda: DocumentExists(name=row.name))
    if row.source != Source.FILE:
        DocumentFile.objects.filter(document=row).delete()
    _put_file(row, upload)
    record_change(row, "updated", actor=actor, now=now, fields=[*differing, *(["file"] if upload else [])])
    return documentation.get_document(documentation.documents_of(document.api), row.pk)


@transaction.atomic
def move_document(*, document: Document, by: int, actor: User, now: datetime) -> None:
    """Put a document `by` places further down its API's list (up when negative), as far as the list goes."""
    permissions.require_document(actor, document.api)
    listed = list(documentation.documents_of(lock(document.api)))
    place = next((index for index, each in enumerate(listed) if each.pk == document.pk), None)
    if place is None:
        raise documentation.DocumentNotFound
    target = min(max(place + by, 0), len(listed) - 1)
    if target == place:
        return
    listed.insert(target, listed.pop(place))
    for position, each in enumerate(listed):
        each.position = position
    Document.objects.bulk_update(listed, ["position"])
    record_change(document, "moved", actor=actor, now=now, position=target + 1)


@transaction.atomic
def delete_document(*, document: Document, actor: User, now: datetime) -> None:
    """Delete a document with its file. Raises RoleRequired, or DocumentNotFound if it is gone already."""
    permissions.require_document(actor, document.api)
    row = rows.lock(document, gone=documentation.DocumentNotFound)
    record_change(row, "deleted", actor=actor, now=now)
    row.delete()


def copy_documents(*, source: Api, copy: Api) -> None:
    """Give a new version the documents of the one before it. Part of the operation that makes the version."""
    for document in documentation.documents_of(source):
        file = DocumentFile.objects.filter(document=document).first()
        document.pk, document.api, document._state.adding = Document().pk, copy, True
        document.save(force_insert=True)
        if file:
            file.document = document
            file.save(force_insert=True)


def _put_file(document: Document, upload: Upload | None) -> None:
    """Keep the file that was sent, if its kind is one that is taken and there is room. Raises Invalid (`upload`)."""
    if upload is None:
        return
    try:
        name = document_terms.clean_file_name(upload.name)
        kind = document_terms.kind_of(name, upload.body)
    except BadValue as error:
        raise invalid(upload=str(error)) from None
    others = DocumentFile.objects.filter(document__api=document.api_id).exclude(document=document)
    if (others.aggregate(size=Sum("size"))["size"] or 0) + len(upload.body) > MOST_FILE_BYTES:
        raise invalid(upload=f"All files of an API hold at most {byte_size(MOST_FILE_BYTES)}. Delete one first.")
    fields = {"name": name, "media_type": kind.media_type, "size": len(upload.body), "body": upload.body}
    DocumentFile.objects.update_or_create(document=document, defaults=fields)
