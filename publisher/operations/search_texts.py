"""What APIs are found by, written in the transaction of each change.

Every change of an API or a document is a row of the audit log, and `follow` hears of each. Who writes APIs past the
operations calls `write`.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from core.models import AuditEntry
from core.rows import batches
from publisher.document_terms import TEXT_LENGTH
from publisher.models import Api, Document, DocumentFile, SearchText
from publisher.searchable import Audience, Piece, SearchPart, pieces_of_api, pieces_of_document

BATCH = 100
OF_API = frozenset({"api.created", "api.updated", "api.deployed", "api.undeployed"})
COLUMNS = ("name", "display_name", "context", "version", "tags", "description")


def follow(entry: AuditEntry) -> None:
    """Keep the texts of what an entry of the audit log says has changed, in the transaction that writes it."""
    if entry.verb in OF_API:
        write(Api.objects.filter(pk=entry.object_id), documents=entry.verb == "api.created")
    elif entry.kind == "document" and entry.verb != "document.deleted":
        write_documents(Document.objects.filter(pk=entry.object_id))


def write(apis: QuerySet[Api], *, documents: bool = True) -> None:
    """Write what these APIs are found by, and with `documents` what theirs are, where it is not there already."""
    rows = apis.order_by().select_related("deployed_revision").only(*COLUMNS, "topics", "deployed_revision__snapshot")
    for some in batches(rows.iterator(BATCH), BATCH):
        wanted: set[tuple[UUID, UUID | None, Piece]] = set()
        for api in some:
            served = api.deployed_revision.snapshot.get("topics", []) if api.deployed_revision else []
            columns = {name: getattr(api, name) for name in COLUMNS}
            wanted |= {(api.pk, None, piece) for piece in pieces_of_api(columns, api.topics, served)}
        _keep(SearchText.objects.filter(api__in=some, document=None), wanted)
    if documents:
        write_documents(Document.objects.filter(api__in=apis.order_by().values("pk")))


def write_documents(documents: QuerySet[Document]) -> None:
    """Write what these documents are found by: what they are called, their text, and that of files which are text."""
    for some in batches(documents.order_by().iterator(BATCH), BATCH):
        files = DocumentFile.objects.filter(document__in=some, media_type__startswith="text/")
        bodies = {each.document_id: bytes(each.body).decode("utf-8-sig", "replace") for each in files}
        wanted: set[tuple[UUID, UUID | None, Piece]] = set()
        for row in some:
            content = row.content if row.is_text else bodies.get(row.pk, "")[:TEXT_LENGTH]
            pieces = pieces_of_document(row.visibility, [row.name, row.summary], content)
            wanted |= {(row.api_id, row.pk, piece) for piece in pieces}
        _keep(SearchText.objects.filter(document__in=some), wanted)


@transaction.atomic
def rebuild() -> int:
    """Write all texts anew; of how many APIs."""
    SearchText.objects.all().delete()
    write(Api.objects.all())
    return Api.objects.count()


def complete() -> None:
    """Write the texts of APIs that have none: those of an older release."""
    without = Api.objects.filter(~Exists(SearchText.objects.filter(api=OuterRef("pk"))))
    while some := list(without.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            write(Api.objects.filter(pk__in=some))


def _keep(present: QuerySet[SearchText], wanted: set[tuple[UUID, UUID | None, Piece]]) -> None:
    """Write what is not there, delete what is no more: a change costs what it changes."""
    there = {
        (row.api_id, row.document_id, Piece(SearchPart(row.part), Audience(row.audience), row.text)): row.pk
        for row in present
    }
    SearchText.objects.filter(pk__in=[pk for each, pk in there.items() if each not in wanted]).delete()
    SearchText.objects.bulk_create(
        SearchText(api_id=api, document_id=document, **piece._asdict())
        for api, document, piece in wanted
        if (api, document, piece) not in there
    )
