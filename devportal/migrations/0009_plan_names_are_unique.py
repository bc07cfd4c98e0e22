"""Names of plans are their own. By itself: PostgreSQL makes no index on rows that its transaction has changed."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0008_plan_names_in_any_spelling")]

    operations: ClassVar = [
        migrations.AddConstraint("applicationplan", models.UniqueConstraint(models.F("name_key"), name="application_plan_name_unique_in_any_case")),
    ]
