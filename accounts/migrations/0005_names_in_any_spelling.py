"""User names are one's own in any case and spelling, on every database. Twins stay: the younger is renamed."""

from typing import Any, ClassVar

from django.db import migrations
from django.utils import timezone

import core.folded
from core.twins import apart, report


def fill(apps: Any, schema_editor: Any) -> None:
    """Give each row its folded names, and twins names of their own."""
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias).order_by("date_joined", "pk")
    for renamed in apart(users, name="username", longest=150, among=lambda user: None, family=lambda user: user.pk):
        users.filter(pk=renamed.row.pk).update(username=renamed.name)
        report(schema_editor, apps, "user", renamed, "username", timezone.now())
    for user in users.all():
        user.save()  # which fills what is made of other columns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0004_user_session_round"), ("core", "0001_initial")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="user", name="username_unique_in_any_case"),
        migrations.AddField("user", "username_key", core.folded.FoldedText(of="username")),
        migrations.AddField("user", "first_name_key", core.folded.FoldedText(of="first_name")),
        migrations.AddField("user", "last_name_key", core.folded.FoldedText(of="last_name")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
