"""How many applications one person may subscribe to an API. Plans of before get the number of new ones."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0005_names_are_unique")]

    operations: ClassVar = [
        migrations.AddField("plan", "applications", models.PositiveIntegerField(blank=True, default=10, null=True)),
    ]
