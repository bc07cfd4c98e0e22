"""Files that wait to become APIs."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class ImportDraft(models.Model):
    """A file that somebody uploaded to import, until they say what becomes of it or a day has passed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    content = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)
