"""Where people have got to in the key generation wizard."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from devportal.models.applications import Application
from devportal.models.keys import KeyType
from publisher.models import Api


class WizardRun(models.Model):
    """A wizard that somebody has begun for an API and not ended: with which application, and which keys if chosen.

    It leads back to where they were. What is done is said by the rows of the application itself.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="+")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    key_type = models.CharField(max_length=12, choices=KeyType, blank=True, default="")
    touched_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "api"], name="one_wizard_run_for_an_api")]

    def __str__(self) -> str:
        return f"{self.user} with {self.application} for {self.api}"
