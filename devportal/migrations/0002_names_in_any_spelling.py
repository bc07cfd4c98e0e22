"""An owner's applications have each a name of its own in any case and spelling. Twins stay: the younger is renamed."""

from typing import Any, ClassVar

from django.db import migrations
from django.utils import timezone

import core.folded
from core.twins import apart, report


def fill(apps: Any, schema_editor: Any) -> None:
    """Give each row its folded texts, and twins names of their own."""
    rows = apps.get_model("devportal", "Application").objects.using(schema_editor.connection.alias).order_by("created_at", "pk")
    for renamed in apart(rows, name="name", longest=100, among=lambda row: row.owner_id, family=lambda row: row.pk):
        rows.filter(pk=renamed.row.pk).update(name=renamed.name)
        report(schema_editor, apps, "application", renamed, "name", timezone.now())
    for row in rows.all():
        row.save()  # which fills what is made of other columns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0001_initial"), ("core", "0001_initial")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="application", name="application_name_unique_for_its_owner"),
        migrations.AddField("application", "name_key", core.folded.FoldedText(of="name")),
        migrations.AddField("application", "description_key", core.folded.FoldedText(of="description")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
