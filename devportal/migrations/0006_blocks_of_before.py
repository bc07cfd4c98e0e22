"""Whose subscription is blocked already is kept out from now on. Other subscriptions of theirs stay as they are."""

from typing import Any, ClassVar

from django.db import migrations


def fill(apps: Any, schema_editor: Any) -> None:
    """One block for each person and API; of two the stricter."""
    alias = schema_editor.connection.alias
    subscriptions = apps.get_model("devportal", "Subscription").objects.using(alias)
    blocks = apps.get_model("devportal", "OwnerBlock").objects.using(alias)
    blocked = subscriptions.filter(state__in=["BLOCKED", "PROD_ONLY_BLOCKED"]).select_related("application")
    for row in blocked.order_by("state"):  # BLOCKED first
        at = {"created_at": row.updated_at, "updated_at": row.updated_at}
        blocks.get_or_create(
            owner_id=row.application.owner_id, api_id=row.api_id, defaults={"state": row.state, **at}
        )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0005_blocks_belong_to_owners")]

    operations: ClassVar = [migrations.RunPython(fill, migrations.RunPython.noop)]
