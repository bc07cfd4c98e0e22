"""The shelves of the catalogue."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models

from core.folded import FoldedText, Folding, KeepsFolded
from publisher.presentation import CATEGORY_DESCRIPTION_LENGTH, CATEGORY_NAME_LENGTH


class Category(KeepsFolded):
    """A shelf of the catalogue. Administrators make them, creators put their APIs on them."""

    audit_kind: ClassVar = "category"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=CATEGORY_NAME_LENGTH)
    description = models.CharField(max_length=CATEGORY_DESCRIPTION_LENGTH, blank=True)
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("name_key", name="category_name_unique")]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"category_id": str(self.pk), "category": self.name}
