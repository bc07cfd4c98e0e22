"""E-mail addresses are found in any case and spelling, on every database."""

from typing import Any, ClassVar

from django.db import migrations

import core.folded


def fill(apps: Any, schema_editor: Any) -> None:
    """Give each row its folded address."""
    for user in apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias).exclude(email=""):
        user.save(update_fields=["email_key"])  # which makes it of the address


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0009_session_keys_are_hashed")]

    operations: ClassVar = [
        migrations.AddField("user", "email_key", core.folded.FoldedText(of="email")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
