"""Who was not let in, to where and why."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gateway", "0002_the_fields_own_words")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="RefusalRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("request_id", models.CharField(max_length=32)),
                ("attempt", models.CharField(db_index=True, default="", max_length=32)),
                ("at", models.DateTimeField(db_index=True)),
                ("times", models.PositiveIntegerField(default=1)),
                ("api_id", models.CharField(default="", max_length=36)),
                ("application_id", models.CharField(default="", max_length=36)),
                ("client_ip", models.CharField(default="", max_length=45)),
                ("path", models.CharField(default="", max_length=200)),
                ("status", models.PositiveSmallIntegerField()),
                ("code", models.PositiveIntegerField()),
                ("message", models.CharField(max_length=100)),
                ("description", models.CharField(max_length=300)),
            ],
            options={
                "db_table": "gateway_refusal",
                "indexes": [models.Index(fields=["api_id", "-at"], name="refusal_of_api")],
            },
        ),
    ]
