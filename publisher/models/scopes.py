"""What a token may be allowed."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models

from publisher import scope_terms
from publisher.models.apis import Api


class Scope(models.Model):
    """What a token may be allowed, as topics name it: of one API, or shared by all (`api` is null).

    `roles` are those whose people get it; none: everybody. It acts at once, on tokens made from then on.
    """

    audit_kind: ClassVar = "scope"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="scopes", null=True, blank=True)
    name = models.CharField(max_length=scope_terms.NAME_LENGTH)
    display_name = models.CharField(max_length=scope_terms.DISPLAY_NAME_LENGTH, blank=True)
    description = models.CharField(max_length=scope_terms.DESCRIPTION_LENGTH, blank=True)
    roles = models.JSONField(default=list, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["api", "name"], name="scope_of_an_api_unique"),
            models.UniqueConstraint(fields=["name"], condition=models.Q(api=None), name="shared_scope_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"scope": self.name, "api_id": str(self.api_id) if self.api_id else ""}
