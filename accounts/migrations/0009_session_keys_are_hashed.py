"""Sessions are found by a digest of their keys. Those that are there go on; on the way back everybody signs in again."""

from typing import Any, ClassVar

from django.db import migrations

from accounts.sessions import at_rest

LENGTH_IN_CLEAR = 32


def hash_keys(apps: Any, schema_editor: Any) -> None:
    """Put the digest in place of each key."""
    sessions = apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias)
    for key in list(sessions.values_list("session_key", flat=True)):
        if len(key) == LENGTH_IN_CLEAR:
            sessions.filter(session_key=key).update(session_key=at_rest(key))


def forget(apps: Any, schema_editor: Any) -> None:
    """No key can be made out of its digest."""
    apps.get_model("sessions", "Session").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0008_an_index_of_how_names_look"), ("sessions", "0001_initial")]

    operations: ClassVar = [migrations.RunPython(hash_keys, forget)]
