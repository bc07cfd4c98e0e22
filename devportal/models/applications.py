"""Applications, and the quotas that they share."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.folded import FoldedText, Folding, KeepsFolded

LONGEST_NAME = 100  # characters, of an application
LONGEST_DESCRIPTION = 512
LONGEST_REASON = 300  # that somebody gives who approves or rejects


class ApplicationPlan(KeepsFolded):
    """A quota shared by all of an application's tokens, in messages a minute; null means no limit."""

    audit_kind: ClassVar = "applicationplan"

    name = models.CharField(max_length=60)
    display_name = models.CharField(max_length=512)
    description = models.CharField(max_length=1024, blank=True)
    per_minute = models.PositiveBigIntegerField(null=True, blank=True)
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("name_key", name="application_plan_name_unique_in_any_case")]

    def __str__(self) -> str:
        return self.display_name

    def audit_detail(self) -> dict[str, Any]:
        return {"plan_id": str(self.pk), "plan": self.name}


class ApplicationAttribute(KeepsFolded):
    """Something that administrators want to know of each application; a hidden one is seen over REST only."""

    audit_kind: ClassVar = "attribute"

    name = models.CharField(max_length=60)
    description = models.CharField(max_length=300, blank=True)
    is_required = models.BooleanField(default=False)
    is_hidden = models.BooleanField(default=False)
    name_key = FoldedText(of="name")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("name_key", name="application_attribute_unique_in_any_case"),
            models.CheckConstraint(
                condition=models.Q(is_required=False) | models.Q(is_hidden=False), name="nothing_hidden_is_asked_for"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def audit_detail(self) -> dict[str, Any]:
        return {"name": self.name, "required": self.is_required, "hidden": self.is_hidden}


class Application(KeepsFolded):
    """A developer's program. It subscribes to APIs and holds one set of keys for production and one for sandbox.

    `attributes` holds by name what administrators want to know of it. An internal one is hidden: with its keys somebody
    of the Publisher tries APIs out (`devportal.internal_keys`).
    """

    audit_kind: ClassVar = "application"

    class TokenType(models.TextChoices):
        JWT = "JWT", gettext_lazy("JWT")
        OAUTH = "OAUTH", gettext_lazy("OAuth")

    class Approval(models.TextChoices):
        APPROVED = "APPROVED", gettext_lazy("Approved")
        WAITING = "CREATED", gettext_lazy("Waiting for approval")
        REJECTED = "REJECTED", gettext_lazy("Rejected")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="applications")
    name = models.CharField(max_length=LONGEST_NAME)
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True)
    plan = models.ForeignKey(ApplicationPlan, on_delete=models.PROTECT, related_name="applications")
    token_type = models.CharField(max_length=8, choices=TokenType, default=TokenType.JWT)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    is_internal = models.BooleanField(default=False)
    approval = models.CharField(max_length=12, choices=Approval, default=Approval.APPROVED)
    decision = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    attributes = models.JSONField(blank=True, default=dict)
    name_key = FoldedText(of="name")
    description_key = FoldedText(of="description")

    objects = Folding.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "owner",
                "name_key",
                condition=models.Q(is_internal=False),
                name="application_name_unique_for_its_owner",
            ),
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(is_internal=True), name="one_internal_application_per_person"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["approval", "created_at"], name="applications_by_approval")]

    def __str__(self) -> str:
        return self.name

    @property
    def reason(self) -> str:
        """Why there can be no keys, in a sentence; empty once it is approved. What was said with a rejection stands
        in it."""
        if self.approval == self.Approval.WAITING:
            return _("%(name)s waits for an administrator's approval. You are told when it is there.") % {"name": self}
        if self.approval == self.Approval.REJECTED:
            about = {"name": self, "decision": self.decision}
            if self.decision:
                return (
                    _("An administrator has rejected %(name)s. They say: %(decision)s Change and save it to ask again.")
                    % about
                )
            return _("An administrator has rejected %(name)s. Change and save it to ask again.") % about
        return ""

    def audit_detail(self) -> dict[str, Any]:
        return {"application_id": str(self.pk), "name": self.name}
