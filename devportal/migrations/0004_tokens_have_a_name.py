"""An access token may have a name, by which its owner tells it from others. Those that there are have none."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("devportal", "0003_names_are_unique"),
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="TokenName",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="given",
                        serialize=False,
                        to="oauth2_provider.accesstoken",
                    ),
                ),
                ("name", models.CharField(max_length=60)),
            ],
        ),
    ]
