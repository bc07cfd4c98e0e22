from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0019_runtime_limits")]

    operations: ClassVar = [
        migrations.CreateModel(
            "DeployedChange",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.PositiveIntegerField()),
                ("revision", models.PositiveIntegerField()),
                ("description", models.CharField(blank=True, max_length=255)),
                ("changes", models.JSONField(blank=True, default=list)),
                ("breaking", models.JSONField(blank=True, default=list)),
                ("at", models.DateTimeField()),
                (
                    "api",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deployed_changes",
                        to="publisher.api",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["api", "-at"], name="deployed_changes_of_an_api")]},
        ),
    ]
