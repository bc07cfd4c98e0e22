"""Production keys can be made to wait for an administrator."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0020_told_of_recordings"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="installationsettings",
            name="approve_keys",
            field=models.BooleanField(default=False),
        ),
    ]
