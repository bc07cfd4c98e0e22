"""Forms that were sent in vain are kept for an hour."""

from typing import ClassVar

from django.db import migrations, models

import accounts.models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0002_audit_log_in_core")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=accounts.models._draft_id,
                        editable=False,
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("client", models.CharField(db_index=True, max_length=64)),
                ("path", models.CharField(max_length=500)),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("sealed", models.BinaryField()),
                ("created_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
