import uuid
from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0023_deployed_changes")]

    operations: ClassVar = [
        migrations.CreateModel(
            "WorkingCopy",
            [
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("snapshot", models.JSONField()),
                ("taken_at", models.DateTimeField(db_index=True)),
                (
                    "api",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="working_copy",
                        to="publisher.api",
                    ),
                ),
            ],
        ),
    ]
