"""Revisions can be deleted, and their numbers are never given again; what is uploaded to import waits in a table."""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Max


def fill(apps: Any, schema_editor: Any) -> None:
    """Let each API know the number of its last revision."""
    alias = schema_editor.connection.alias
    for api in apps.get_model("publisher", "Api").objects.using(alias).annotate(last=Max("revisions__number")):
        if api.last:
            type(api).objects.using(alias).filter(pk=api.pk).update(revisions_made=api.last)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("publisher", "0017_runtime"),
    ]

    operations: ClassVar = [
        migrations.AddField("api", "revisions_made", models.PositiveIntegerField(default=0)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.CreateModel(
            "ImportDraft",
            [
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("content", models.BinaryField()),
                ("created_at", models.DateTimeField(db_index=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
