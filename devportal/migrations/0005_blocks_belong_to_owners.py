"""A block belongs to a person and an API, whatever becomes of the subscription that was blocked."""

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STATES = [("BLOCKED", "Blocked"), ("PROD_ONLY_BLOCKED", "Production blocked")]


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("devportal", "0004_tokens_have_a_name"),
        ("publisher", "0006_plans_limit_applications"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="OwnerBlock",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(choices=STATES, max_length=20)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "api",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="blocks", to="publisher.api"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["owner", "api"], name="blocked_once_from_an_api")],
            },
        ),
    ]
