"""A hidden application for each person of the Publisher who tries APIs out. Those that there are are none."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0009_plan_names_are_unique")]

    operations: ClassVar = [
        migrations.AddField("application", "is_internal", models.BooleanField(default=False)),
        migrations.RemoveConstraint("application", "application_name_unique_for_its_owner"),
        migrations.AddConstraint(
            "application",
            models.UniqueConstraint(
                models.F("owner"),
                models.F("name_key"),
                condition=models.Q(is_internal=False),
                name="application_name_unique_for_its_owner",
            ),
        ),
        migrations.AddConstraint(
            "application",
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(is_internal=True), name="one_internal_application_per_person"
            ),
        ),
    ]
