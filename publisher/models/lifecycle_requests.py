"""Steps of an API's life that wait for somebody."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from publisher.lifecycle import LONGEST_REASON, Action, RequestStatus, State
from publisher.models.apis import Api
from publisher.models.choices import choices_of


class LifecycleRequest(models.Model):
    """A step of an API's life that waits for an administrator, or what became of it.

    `state` is the one in which it was asked for, `checklist` holds the check items as `publisher.lifecycle.Checklist`
    does. `decided_by` is who approved or rejected it, saying `reason`, or took it back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="lifecycle_requests")
    action = models.CharField(max_length=24, choices=[(action.value, action.value) for action in Action])
    state = models.CharField(max_length=12, choices=[(s.value, s.label) for s in State])
    checklist = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=12, choices=choices_of(RequestStatus), default=RequestStatus.PENDING.value)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["api"],
                condition=models.Q(status=RequestStatus.PENDING.value),
                name="one_pending_request_of_an_api",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["status", "-created_at"], name="lifecycle_requests_by_status")]

    def __str__(self) -> str:
        return f"{self.action} {self.api}"
