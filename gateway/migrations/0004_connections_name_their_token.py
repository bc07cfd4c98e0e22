"""Which token a connection rests on, so that people see what revoking it would end."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gateway", "0003_refusals_are_written_down")]

    operations: ClassVar = [
        migrations.AddField("connectionrecord", "token_id", models.CharField(default="", db_index=True, max_length=32)),
    ]
