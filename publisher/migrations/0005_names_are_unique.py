"""Names are one's own. A migration by itself: PostgreSQL makes no index on rows that its transaction has changed."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0004_names_in_any_spelling")]

    operations: ClassVar = [
        migrations.AddConstraint(
            "api",
            models.UniqueConstraint(models.F("name_key"), models.F("version"), name="api_name_and_version_unique"),
        ),
    ]
