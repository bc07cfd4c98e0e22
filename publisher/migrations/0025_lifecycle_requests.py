import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("publisher", "0024_working_copies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="LifecycleRequest",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("Publish", "Publish"),
                            ("Deploy as a Prototype", "Deploy as a Prototype"),
                            ("Demote to Created", "Demote to Created"),
                            ("Block", "Block"),
                            ("Re-Publish", "Re-Publish"),
                            ("Deprecate", "Deprecate"),
                            ("Retire", "Retire"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("CREATED", "Created"),
                            ("PROTOTYPED", "Pre-Released"),
                            ("PUBLISHED", "Published"),
                            ("BLOCKED", "Blocked"),
                            ("DEPRECATED", "Deprecated"),
                            ("RETIRED", "Retired"),
                        ],
                        max_length=12,
                    ),
                ),
                ("checklist", models.JSONField(blank=True, default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("PENDING", "Pending"),
                            ("APPROVED", "Approved"),
                            ("REJECTED", "Rejected"),
                            ("WITHDRAWN", "Withdrawn"),
                        ],
                        default="PENDING",
                        max_length=12,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "api",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lifecycle_requests",
                        to="publisher.api",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["status", "-created_at"], name="lifecycle_requests_by_status")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "PENDING")), fields=("api",), name="one_pending_request_of_an_api"
                    )
                ],
            },
        ),
    ]
