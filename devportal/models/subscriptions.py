"""What applications are subscribed to, and who is kept out of which API."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _

from devportal.models.applications import LONGEST_REASON, Application
from devportal.subscription_states import BLOCKING, CHOICES, IN_A_SENTENCE, REASONS, SubscriptionState
from publisher.models import Api, Plan


class Subscription(models.Model):
    """The right of one application to call one API under one plan."""

    audit_kind: ClassVar = "subscription"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="subscriptions")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    state = models.CharField(max_length=20, choices=CHOICES, default=SubscriptionState.UNBLOCKED.value)
    decision = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "api"], name="subscribed_once_to_an_api")
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="subscriptions_by_age"),
            models.Index(fields=["state", "created_at"], name="subscriptions_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.application} on {self.api}"

    @property
    def state_in_a_sentence(self) -> str:
        """Where it stands, for the middle of a sentence: "waiting for approval"."""
        return str(IN_A_SENTENCE[SubscriptionState(self.state)])

    @property
    def reason(self) -> str:
        """Why it does not work as asked for, in a sentence; empty if it does. What the publisher said stands in it."""
        reason = str(REASONS.get(SubscriptionState(self.state), ""))
        if reason and self.decision:
            return _("%(reason)s They say: %(decision)s") % {"reason": reason, "decision": self.decision}
        return reason

    def audit_detail(self) -> dict[str, Any]:
        return {
            "subscription_id": str(self.pk),
            "api_id": str(self.api_id),
            "application_id": str(self.application_id),
            "plan": self.plan.name,
        }


class OwnerBlock(models.Model):
    """Keeps one person out of one API, whatever application asks, until a publisher lifts it.

    `state` is the one that the person's subscriptions are in meanwhile: blocked, or blocked for production keys.
    """

    audit_kind: ClassVar = "block"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="blocks")
    state = models.CharField(max_length=20, choices=[choice for choice in CHOICES if choice[0] in BLOCKING])
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "api"], name="blocked_once_from_an_api")]

    def __str__(self) -> str:
        return f"{self.owner} kept out of {self.api}"

    def audit_detail(self) -> dict[str, Any]:
        return {"block_id": str(self.pk), "api_id": str(self.api_id), "user_id": self.owner_id}
