"""What all machines of an installation are set to alike, as digests."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("core", "0002_scheduled_tasks")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="SharedSettings",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("salt", models.CharField(max_length=32)),
                ("digests", models.JSONField()),
            ],
        ),
    ]
