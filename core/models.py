"""The audit log, who is at the upkeep of the installation, and what all its machines are set to alike."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """One change of state: the audit log a person reads and the feed every gateway worker follows by `id`."""

    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    verb = models.CharField(max_length=48)
    kind = models.CharField(max_length=24)
    object_id = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "accounts_trailentry"  # its name from before this room was there
        indexes: ClassVar = [models.Index(fields=["kind", "object_id", "id"], name="trail_by_object")]

    def document(self) -> dict[str, Any]:
        """As programs read it, in a line of JSON or a row of a table."""
        said = {"id": self.pk, "at": self.at.isoformat(), "actor": self.actor_name}
        return {**said, **{name: getattr(self, name) for name in ("verb", "kind", "object_id", "detail")}}


class ScheduledTask(models.Model):
    """A task that one process of the installation does: when it is due next, and who is at it until then, if any."""

    name = models.CharField(max_length=32, primary_key=True)
    due_at = models.DateTimeField()
    ran_at = models.DateTimeField(null=True)
    holder = models.CharField(max_length=300, default="")


class SharedSettings(models.Model):
    """The one row that tells whether a machine is set as the others are: a salted digest of each setting, by name."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    salt = models.CharField(max_length=32)
    digests = models.JSONField()
