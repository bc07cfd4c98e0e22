"""Keys wait for approval, and may be clients that were registered before."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("devportal", "0033_members"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="oauthclient",
            name="approval",
            field=models.CharField(
                choices=[("APPROVED", "Approved"), ("CREATED", "Waiting for approval"), ("REJECTED", "Rejected")],
                default="APPROVED",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="decision",
            field=models.CharField(blank=True, default="", max_length=300),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="is_mapped",
            field=models.BooleanField(default=False),
        ),
    ]
