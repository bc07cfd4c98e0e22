"""Models and fields in the field's own words. Tables and columns keep their names, so nothing is moved."""

from typing import ClassVar

from django.db import migrations, models

RENAMED = {
    "Worker": "WorkerRecord",
    "Connection": "ConnectionRecord",
    "Renewal": "ReauthenticationRequest",
    "Lease": "LeaseRecord",
    "RateLine": "RateSchedule",
    "Suspension": "BreakerRecord",
}


class Migration(migrations.Migration):
    dependencies: ClassVar = [("gateway", "0001_initial")]

    operations: ClassVar = [
        *(migrations.AlterModelTable(old, f"gateway_{old.lower()}") for old in RENAMED),
        *(migrations.RenameModel(old, new) for old, new in RENAMED.items()),
        migrations.AlterField(
            "quotawindow", "wanted_at", models.FloatField(default=0.0, db_index=True, db_column="wanted_at")
        ),
        migrations.RenameField("quotawindow", "wanted_at", "contended_at"),
        migrations.RemoveConstraint("leaserecord", "lease_unique_for_its_holder"),
        migrations.AlterField("leaserecord", "serial", models.BigIntegerField(db_column="serial")),
        migrations.RenameField("leaserecord", "serial", "lease_id"),
        migrations.AlterField("leaserecord", "turn", models.BigIntegerField(default=0, db_column="turn")),
        migrations.RenameField("leaserecord", "turn", "sequence"),
        migrations.AddConstraint(
            "leaserecord",
            models.UniqueConstraint(fields=["holder", "lease_id"], name="lease_unique_for_its_holder"),
        ),
    ]
