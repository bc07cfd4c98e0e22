"""Names that look alike are kept apart from now on. Those that are there stay; each is given what it looks like."""

from typing import Any, ClassVar

from django.db import migrations

import core.folded
from core.lookalikes import looks


def fill(apps: Any, schema_editor: Any) -> None:
    """Say of each name what it looks like."""
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    for pk, username in users.values_list("pk", "username"):
        users.filter(pk=pk).update(username_look=looks(username))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0006_names_are_unique")]

    operations: ClassVar = [
        migrations.AddField("user", "username_look", core.folded.LookText(of="username")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
