"""How an API presents itself, and to whom: names, picture, owners, links, properties, audience, categories."""

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import core.folded


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("publisher", "0009_plans_may_decline_compression"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Thumbnail",
            fields=[
                (
                    "api",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="picture",
                        serialize=False,
                        to="publisher.api",
                    ),
                ),
                ("image", models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name="api",
            name="access_control",
            field=models.CharField(
                choices=[("NONE", "None"), ("RESTRICTED", "Restricted")], default="NONE", max_length=12
            ),
        ),
        migrations.AddField(
            model_name="api",
            name="access_control_roles",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="api",
            name="access_control_roles_key",
            field=core.folded.FoldedText(of="access_control_roles"),
        ),
        migrations.AddField(
            model_name="api",
            name="business_owner",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="api",
            name="business_owner_email",
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name="api",
            name="chat_link",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="api",
            name="display_name",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name="api",
            name="display_name_key",
            field=core.folded.FoldedText(of="display_name"),
        ),
        migrations.AddField(
            model_name="api",
            name="properties",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="api",
            name="source_link",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="api",
            name="support_link",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="api",
            name="technical_owner",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="api",
            name="technical_owner_email",
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name="api",
            name="thumbnail",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="api",
            name="visibility",
            field=models.CharField(
                choices=[("PUBLIC", "Public"), ("RESTRICTED", "Restricted"), ("PRIVATE", "Private")],
                default="PUBLIC",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="api",
            name="visible_roles",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="api",
            name="visible_roles_key",
            field=core.folded.FoldedText(of="visible_roles"),
        ),
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("description", models.CharField(blank=True, max_length=1024)),
                ("name_key", core.folded.FoldedText(of="name")),
            ],
            options={
                "constraints": [models.UniqueConstraint(models.F("name_key"), name="category_name_unique")],
            },
        ),
        migrations.AddField(
            model_name="api",
            name="categories",
            field=models.ManyToManyField(blank=True, related_name="apis", to="publisher.category"),
        ),
    ]
