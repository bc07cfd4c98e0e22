"""Whom an administrator keeps out."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models

from core.folded import FoldedText, Folding, KeepsFolded
from devportal.deny_policies import DenyCondition


class DenyPolicy(KeepsFolded):
    """Keeps a caller out as `devportal.deny_policies` says. `subject` is the id of what `value` names, if anything."""

    audit_kind: ClassVar = "deny_policy"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in DenyCondition])
    value = models.CharField(max_length=300)
    subject = models.CharField(max_length=64, blank=True)
    invert = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    value_key = FoldedText(of="value")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "value", "invert"], name="denied_once_for_one_reason")
        ]
        indexes: ClassVar = [models.Index(fields=["-created_at", "id"], name="denials_by_age")]

    def __str__(self) -> str:
        return f"{self.kind} {'not ' if self.invert else ''}{self.value}"

    def audit_detail(self) -> dict[str, Any]:
        return {"condition": self.kind, "value": self.value, "invert": self.invert, "is_active": self.is_active}
