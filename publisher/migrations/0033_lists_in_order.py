"""Lists of APIs are met in their order, in place of being sorted."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("publisher", "0032_fields_that_are_never_recorded")]

    operations: ClassVar = [
        migrations.AddIndex("api", models.Index(fields=["-updated_at", "id"], name="apis_by_change")),
        migrations.AddIndex("api", models.Index(fields=["-created_at", "id"], name="apis_by_age")),
    ]
