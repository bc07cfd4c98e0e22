"""Names are one's own. A migration by itself: PostgreSQL makes no index on rows that its transaction has changed."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0002_names_in_any_spelling")]

    operations: ClassVar = [
        migrations.AddConstraint(
            "application",
            models.UniqueConstraint(
                models.F("owner"), models.F("name_key"), name="application_name_unique_for_its_owner"
            ),
        ),
    ]
