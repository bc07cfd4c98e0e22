"""What an API is found by."""

from __future__ import annotations

from django.db import models

from core.full_text import SearchableText
from publisher.models.apis import Api
from publisher.models.choices import choices_of
from publisher.models.documents import Document
from publisher.searchable import Audience, SearchPart


class SearchText(models.Model):
    """A piece of what an API is found by, folded, as `publisher.search` writes it and no other.

    `part` says where it stands and what a hit there weighs, `audience` who finds the API by it. A document in several
    pieces has several rows. The index beside the table is the database's own and follows each row by itself.
    """

    id = models.BigAutoField(primary_key=True)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="search_texts")
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.CASCADE, related_name="search_texts")
    part = models.PositiveSmallIntegerField(choices=[(each.value, each.name.lower()) for each in SearchPart])
    audience = models.CharField(max_length=10, choices=choices_of(Audience))
    text = SearchableText()
