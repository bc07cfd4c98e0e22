"""Deny policies are met in their order, and what waits for approval is not looked for among everything else."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0035_application_attributes")]

    operations: ClassVar = [
        migrations.AddIndex("denypolicy", models.Index(fields=["-created_at", "id"], name="denials_by_age")),
        migrations.AddIndex(
            "application", models.Index(fields=["approval", "created_at"], name="applications_by_approval")
        ),
        migrations.AddIndex("oauthclient", models.Index(fields=["approval"], name="keys_by_approval")),
        migrations.AddIndex("subscription", models.Index(fields=["state", "created_at"], name="subscriptions_by_state")),
    ]
