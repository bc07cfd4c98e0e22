"""Deny policies are found by the people and applications they name in any case and spelling, on every database."""

from typing import Any, ClassVar

from django.db import migrations

import core.folded


def fill(apps: Any, schema_editor: Any) -> None:
    """Give each row its folded value."""
    for policy in apps.get_model("devportal", "DenyPolicy").objects.using(schema_editor.connection.alias):
        policy.save(update_fields=["value_key"])  # which makes it of the value


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0018_internal_applications")]

    operations: ClassVar = [
        migrations.AddField("denypolicy", "value_key", core.folded.FoldedText(of="value")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
