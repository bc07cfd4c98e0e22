"""What is said about an API."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from publisher import comment_terms
from publisher.comment_terms import EntryPoint
from publisher.models.apis import Api
from publisher.models.choices import choices_of


class Comment(models.Model):
    """What somebody says about an API, in either portal; `parent` is the comment that it answers, one level deep."""

    audit_kind: ClassVar = "comment"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="replies")
    text = models.CharField(max_length=comment_terms.LENGTH)
    category = models.CharField(max_length=30, default="general")
    entry_point = models.CharField(max_length=10, choices=choices_of(EntryPoint))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["api", "parent", "-created_at"], name="comments_of_an_api"),
            models.Index(fields=["author", "-created_at"], name="comments_of_a_person"),
        ]

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id), "author": self.author.username}
