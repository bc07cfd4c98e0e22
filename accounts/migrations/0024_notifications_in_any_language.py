"""Notifications keep what their sentence is made of, to be said in the language of whoever reads it."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0023_languages")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="notification", name="said", field=models.TextField(blank=True, default="")
        ),
    ]
