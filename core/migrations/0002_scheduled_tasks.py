"""Who is at the upkeep of the installation, and when it is due next."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("core", "0001_initial")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ScheduledTask",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
                ("ran_at", models.DateTimeField(null=True)),
                ("holder", models.CharField(default="", max_length=300)),
            ],
        ),
    ]
