"""What is said in place of a backend."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0015_comments")]

    operations: ClassVar = [
        migrations.AddField("api", "mock", models.JSONField(blank=True, default=dict)),
    ]
