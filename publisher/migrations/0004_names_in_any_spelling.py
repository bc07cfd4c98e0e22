"""The name of an API is its own in any case and spelling, on every database. Twins stay: the younger is renamed."""

from typing import Any, ClassVar

from django.db import migrations
from django.utils import timezone

import core.folded
from core.twins import apart, report
from publisher.validation import context_root


def fill(apps: Any, schema_editor: Any) -> None:
    """Give each row its folded texts, and APIs that are not versions of one another names of their own."""
    apis = apps.get_model("publisher", "Api").objects.using(schema_editor.connection.alias).order_by("created_at", "pk")
    family = {api.pk: context_root(api.context) for api in apis}
    for renamed in apart(apis, name="name", longest=60, among=lambda api: None, family=lambda api: family[api.pk]):
        apis.filter(pk=renamed.row.pk).update(name=renamed.name)
        report(schema_editor, apps, "api", renamed, "name", timezone.now())
    for api in apis.all():
        api.save()  # which fills what is made of other columns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0003_plan_quota_may_pass"), ("core", "0001_initial")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="api", name="api_name_and_version_unique"),
        migrations.AddField("api", "name_key", core.folded.FoldedText(of="name")),
        migrations.AddField("api", "description_key", core.folded.FoldedText(of="description")),
        migrations.AddField("api", "tags_key", core.folded.FoldedText(of="tags")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
