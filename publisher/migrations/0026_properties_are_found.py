from typing import Any, ClassVar

from django.db import migrations

import publisher.models


def fill(apps: Any, schema_editor: Any) -> None:
    """Fold the properties that are there."""
    alias, api_model = schema_editor.connection.alias, apps.get_model("publisher", "Api")
    field = publisher.models.FoldedProperties(of="properties")
    for api in api_model.objects.using(alias).exclude(properties=[]).only("pk", "properties"):
        rows = api_model.objects.using(alias).filter(pk=api.pk)
        rows.update(properties_key=field.made_of(api.properties))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0025_lifecycle_requests")]

    operations: ClassVar = [
        migrations.AddField("api", "properties_key", publisher.models.FoldedProperties(of="properties")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
