"""A migration by itself: PostgreSQL makes no index on rows that its transaction has changed."""

from typing import ClassVar

from django.db import migrations

import core.folded


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0007_how_names_look")]

    operations: ClassVar = [
        migrations.AlterField("user", "username_look", core.folded.LookText(db_index=True, of="username")),
    ]
