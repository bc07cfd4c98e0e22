"""Two fields that still had words of our own. Their columns keep their names, so nothing is moved."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gateway", "0004_connections_name_their_token")]

    operations: ClassVar = [
        migrations.AlterField("workerrecord", "lines", models.JSONField(default=dict, db_column="lines")),
        migrations.RenameField("workerrecord", "lines", "connections"),
        migrations.AlterField(
            "rateschedule", "booked_until", models.FloatField(default=0.0, db_column="booked_until")
        ),
        migrations.RenameField("rateschedule", "booked_until", "reserved_until"),
    ]
