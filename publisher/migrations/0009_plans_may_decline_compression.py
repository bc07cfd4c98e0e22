"""A plan may say that messages under it are not compressed on the way."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0008_plan_names_are_unique")]

    operations: ClassVar = [migrations.AddField("plan", "uncompressed", models.BooleanField(default=False))]
