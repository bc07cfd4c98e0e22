"""What APIs are found by. The index beside the table, and the texts of APIs that are there, are made after this."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import core.full_text

PARTS = [
    (32, "name"),
    (16, "tags"),
    (12, "address"),
    (8, "topics"),
    (7, "designed_topics"),
    (6, "description"),
    (4, "document"),
    (1, "content"),
]
AUDIENCES = [("everybody", "Everybody"), ("signed-in", "Signed-in"), ("publisher", "Publisher")]


def _of(to: str, **options: bool) -> models.ForeignKey:
    return models.ForeignKey(
        to=to, on_delete=django.db.models.deletion.CASCADE, related_name="search_texts", **options
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0027_first_plan")]

    operations: ClassVar = [
        migrations.CreateModel(
            "SearchText",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("api", _of("publisher.api")),
                ("document", _of("publisher.document", blank=True, null=True)),
                ("part", models.PositiveSmallIntegerField(choices=PARTS)),
                ("audience", models.CharField(choices=AUDIENCES, max_length=10)),
                ("text", core.full_text.SearchableText()),  # last: what stands behind it is slow to read
            ],
        ),
    ]
