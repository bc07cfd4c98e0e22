"""Fields of payloads that are taken out before any is kept."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0028_texts_to_search")]

    operations: ClassVar = [
        migrations.AddField("api", "redacted", models.JSONField(blank=True, default=list)),
    ]
