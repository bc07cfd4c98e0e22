"""What is written about an API."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext

from core.folded import FoldedText, Folding, KeepsFolded
from publisher import document_terms
from publisher.document_terms import TYPE_LABELS, VISIBILITY_LABELS, DocumentType, DocumentVisibility, Source
from publisher.models.apis import Api
from publisher.models.choices import choices_of


class Document(KeepsFolded):
    """What is written about an API: Markdown kept here, a file (`DocumentFile`), or an address elsewhere.

    `position` is its place in the list. `updated_at` guards an edit.
    """

    audit_kind: ClassVar = "document"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=document_terms.NAME_LENGTH)
    type = models.CharField(
        max_length=20,
        choices=[(each.value, TYPE_LABELS[each]) for each in DocumentType],
        default=DocumentType.HOWTO.value,
    )
    other_type = models.CharField(max_length=document_terms.NAME_LENGTH, blank=True)
    summary = models.TextField(max_length=document_terms.SUMMARY_LENGTH, blank=True)
    source = models.CharField(max_length=8, choices=choices_of(Source), default=Source.MARKDOWN.value)
    content = models.TextField(max_length=document_terms.TEXT_LENGTH, blank=True)
    url = models.CharField(max_length=document_terms.URL_LENGTH, blank=True)
    visibility = models.CharField(
        max_length=10,
        choices=[(each.value, VISIBILITY_LABELS[each]) for each in DocumentVisibility],
        default=DocumentVisibility.API_LEVEL.value,
    )
    position = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField()
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "name_key"], name="document_name_unique")]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id), "document": self.name}

    @property
    def is_text(self) -> bool:
        """Whether its content is Markdown that is kept here."""
        return self.source in document_terms.TEXTS

    @property
    def type_label(self) -> str:
        """What it is for, in words."""
        return self.other_type or gettext(TYPE_LABELS[DocumentType(self.type)])


class DocumentFile(models.Model):
    """The file of a document, apart from it so that lists do not read files."""

    document = models.OneToOneField(Document, primary_key=True, on_delete=models.CASCADE, related_name="file")
    name = models.CharField(max_length=document_terms.FILE_NAME_LENGTH)
    media_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    body = models.BinaryField()
