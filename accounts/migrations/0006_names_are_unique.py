"""Names are one's own. A migration by itself: PostgreSQL makes no index on rows that its transaction has changed."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0005_names_in_any_spelling")]

    operations: ClassVar = [
        migrations.AddConstraint(
            "user", models.UniqueConstraint(models.F("username_key"), name="username_unique_in_any_case")
        ),
    ]
