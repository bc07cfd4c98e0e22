"""What administrators want to know of each application, and what applications say."""

from typing import ClassVar

from django.db import migrations, models

import core.folded


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("devportal", "0034_keys_are_approved"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="application",
            name="attributes",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.CreateModel(
            name="ApplicationAttribute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("description", models.CharField(blank=True, max_length=300)),
                ("is_required", models.BooleanField(default=False)),
                ("is_hidden", models.BooleanField(default=False)),
                ("name_key", core.folded.FoldedText(of="name")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("name_key"), name="application_attribute_unique_in_any_case"),
                    models.CheckConstraint(
                        condition=models.Q(("is_required", False), ("is_hidden", False), _connector="OR"),
                        name="nothing_hidden_is_asked_for",
                    ),
                ],
            },
        ),
    ]
