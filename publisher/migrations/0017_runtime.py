"""The largest message of a client, and the kinds of keys that may call."""

from typing import ClassVar

from django.db import migrations, models

from publisher.runtime import all_key_types


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0016_mock")]

    operations: ClassVar = [
        migrations.AddField("api", "message_bytes", models.PositiveBigIntegerField(default=0)),
        migrations.AddField("api", "key_types", models.JSONField(blank=True, default=all_key_types)),
    ]
