from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0013_sessions_and_time_zones")]

    operations: ClassVar = [
        migrations.AddField("installationsettings", "approve_steps", models.JSONField(blank=True, default=list)),
    ]
