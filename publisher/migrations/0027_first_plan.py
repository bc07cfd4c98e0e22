"""The plan under which a developer starts who chooses none."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0026_properties_are_found")]

    operations: ClassVar = [
        migrations.AddField("api", "first_plan", models.CharField(blank=True, default="", max_length=60)),
        migrations.AlterField("api", "first_plan", models.CharField(blank=True, max_length=60)),
    ]
