"""What an API was at one moment, and how one deployment differs from the one before."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from publisher.models.apis import Api


class Revision(models.Model):
    """What an API was at one moment: an immutable snapshot of all that routing, policy and endpoints need.

    `breaking` are the sentences of `publisher.asyncapi.changes.breaking`, against what was deployed when it was made.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    description = models.CharField(max_length=255, blank=True)
    snapshot = models.JSONField()
    breaking = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "number"], name="revision_number_unique")]

    def __str__(self) -> str:
        return f"{self.api} revision {self.number}"


class WorkingCopy(models.Model):
    """The design as it was when somebody tried it out last: what keys for the working copy reach at the gateway.

    Its `id` is another one whenever the snapshot is, and keys name it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.OneToOneField(Api, on_delete=models.CASCADE, related_name="working_copy")
    snapshot = models.JSONField()
    taken_at = models.DateTimeField(db_index=True)


class DeployedChange(models.Model):
    """How one deployment changed what clients meet, kept for developers also when its revisions are deleted.

    `before` and `revision` are the numbers of the two; `changes` are those of `publisher.asyncapi.changes.changes`,
    `breaking` the sentences of `publisher.snapshots.breaking_between`.
    """

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="deployed_changes")
    before = models.PositiveIntegerField()
    revision = models.PositiveIntegerField()
    description = models.CharField(max_length=255, blank=True)
    changes = models.JSONField(default=list, blank=True)
    breaking = models.JSONField(default=list, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["api", "-at"], name="deployed_changes_of_an_api")]
