"""What the connection log holds already is added up, so that analytics are not empty after the upgrade."""

from collections import defaultdict

from django.db import migrations
from django.db.models import F

AT_ONCE = 5000
KEYS = ("api_id", "application_id", "plan", "key_type", "topic")
PASSED = ("messages_in", "bytes_in", "messages_out", "bytes_out")


def add_up(apps, schema_editor):
    Connection, Traffic = apps.get_model("gateway", "ConnectionRecord"), apps.get_model("gateway", "TrafficFigures")
    Connection.objects.filter(ended_at__isnull=False).update(counted_until=F("ended_at"))
    days = defaultdict(lambda: [0] * 7)
    for row in Connection.objects.values(*KEYS, *PASSED, "started_at", "ended_at").iterator(AT_ONCE):
        until = row["ended_at"] or row["started_at"]
        day = int(until.timestamp()) // 86400 * 86400
        total = days[(day, *(row[name] for name in KEYS))]
        connected = round((until - row["started_at"]).total_seconds() * 1000)
        for place, value in enumerate((1, int(row["ended_at"] is not None), connected, *(row[name] for name in PASSED))):
            total[place] += value
    names = ("opened", "closed", "milliseconds", *PASSED)
    Traffic.objects.bulk_create(
        (
            Traffic(period="d", begins=day, **dict(zip(KEYS, key)), **dict(zip(names, sums)))
            for (day, *key), sums in days.items()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("gateway", "0010_what_passed_is_added_up")]

    operations = [migrations.RunPython(add_up, migrations.RunPython.noop)]
