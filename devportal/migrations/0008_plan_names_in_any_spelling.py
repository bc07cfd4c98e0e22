"""The name of an application plan is its own in any case and spelling. Twins stay: the younger is renamed."""

from typing import Any, ClassVar

from django.db import migrations
from django.utils import timezone

import core.folded
from core.twins import apart, report


def fill(apps: Any, schema_editor: Any) -> None:
    """Give each row its folded name, and twins names of their own."""
    rows = apps.get_model("devportal", "ApplicationPlan").objects.using(schema_editor.connection.alias).order_by("pk")
    for renamed in apart(rows, name="name", longest=60, among=lambda row: None, family=lambda row: row.pk):
        rows.filter(pk=renamed.row.pk).update(name=renamed.name)
        report(schema_editor, apps, "applicationplan", renamed, "name", timezone.now())
    for row in rows.all():
        row.save()  # which fills what is made of other columns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0007_token_rates"), ("core", "0001_initial")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="applicationplan", name="application_plan_name_unique_in_any_case"),
        migrations.AddField("ApplicationPlan", "name_key", core.folded.FoldedText(of="name")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
