"""With whom applications are shared."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from devportal.models.applications import Application
from devportal.sharing import ABOUT, GIVEN, Right


class Membership(models.Model):
    """That an application is shared with somebody, and what they may do with it."""

    audit_kind: ClassVar = "member"

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    right = models.PositiveSmallIntegerField(choices=[(right.value, label) for right, label in GIVEN.items()])
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["application", "person"], name="shared_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.application}"

    @property
    def about(self) -> str:
        """What the right includes, in a sentence."""
        return ABOUT[Right(self.right)]

    def audit_detail(self) -> dict[str, Any]:
        about = {"application_id": str(self.application_id), "user_id": self.person_id}
        return {**about, "right": Right(self.right).name.lower()}


class TokenMaker(models.Model):
    """Who generated an access token of an application that is not their own: it ends with their right."""

    token = models.OneToOneField(
        "oauth2_provider.AccessToken", primary_key=True, on_delete=models.CASCADE, related_name="maker"
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"token by {self.person}"
