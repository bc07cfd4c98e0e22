"""What people think of APIs, and of which they want to hear."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from core.text import count
from publisher.models import Api

MOST_STARS = 5


class Rating(models.Model):
    """What one person thinks of an API, in stars."""

    audit_kind: ClassVar = "rating"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="ratings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    stars = models.PositiveSmallIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["api", "by"], name="rated_once_by_a_person"),
            models.CheckConstraint(condition=models.Q(stars__range=(1, MOST_STARS)), name="one_to_five_stars"),
        ]

    def __str__(self) -> str:
        return count(self.stars, "star")

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id), "stars": self.stars}


class Follow(models.Model):
    """That one person wants to hear of an API without being subscribed: of new versions, ends and what breaks."""

    audit_kind: ClassVar = "follow"

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="follows")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["api", "by"], name="followed_once_by_a_person")]

    def __str__(self) -> str:
        return f"{self.by} on {self.api}"

    def audit_detail(self) -> dict[str, Any]:
        return {"api_id": str(self.api_id)}
