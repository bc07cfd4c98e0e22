"""Figures name what they are alike in by a number: a year of a thousand APIs takes a third of what it took."""

import django.db.models.deletion
from django.db import migrations, models

SUMS = "opened, closed, milliseconds, messages_in, bytes_in, messages_out, bytes_out"
TRAFFIC = ("traffic", "api_id, application_id, plan, key_type, topic", f"period, begins, worker, {SUMS}")
EVENTS = ("event", "api_id, application_id, kind, name", "period, begins, number")


def move(apps, schema_editor):
    for noun, alike, told in (TRAFFIC, EVENTS):
        before, likeness, after = f"gateway_{noun}", f"gateway_{noun}_likeness", f"gateway_{noun}_figures"
        same = " AND ".join(f"old.{name} = one.{name}" for name in alike.split(", "))
        schema_editor.execute(f"INSERT INTO {likeness} ({alike}) SELECT DISTINCT {alike} FROM {before}")
        schema_editor.execute(
            f"INSERT INTO {after} ({told}, likeness_id) SELECT {told}, one.id FROM {before} old "
            f"JOIN {likeness} one ON {same}"
        )


class Migration(migrations.Migration):
    dependencies = [("gateway", "0015_flight_recorder")]

    operations = [
        migrations.CreateModel(
            name="TrafficLikeness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("api_id", models.CharField(max_length=36)),
                ("application_id", models.CharField(max_length=36)),
                ("plan", models.CharField(max_length=150)),
                ("key_type", models.CharField(max_length=10)),
                ("topic", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "gateway_traffic_likeness",
                "indexes": [models.Index(fields=["application_id"], name="traffic_of_an_application")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("api_id", "application_id", "plan", "key_type", "topic"),
                        name="traffic_likeness_stands_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EventLikeness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("api_id", models.CharField(max_length=36)),
                ("application_id", models.CharField(max_length=36)),
                ("kind", models.CharField(max_length=10)),
                ("name", models.CharField(max_length=24)),
            ],
            options={
                "db_table": "gateway_event_likeness",
                "indexes": [models.Index(fields=["application_id"], name="event_of_an_application")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("api_id", "application_id", "kind", "name"), name="event_likeness_stands_once"
                    )
                ],
            },
        ),
        migrations.RenameModel("TrafficFigures", "TrafficBefore"),
        migrations.RenameModel("EventFigures", "EventBefore"),
        migrations.CreateModel(
            name="TrafficFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(max_length=1)),
                ("begins", models.BigIntegerField()),
                ("worker", models.CharField(default="", max_length=36)),
                ("opened", models.BigIntegerField(default=0)),
                ("closed", models.BigIntegerField(default=0)),
                ("milliseconds", models.BigIntegerField(default=0)),
                ("messages_in", models.BigIntegerField(default=0)),
                ("bytes_in", models.BigIntegerField(default=0)),
                ("messages_out", models.BigIntegerField(default=0)),
                ("bytes_out", models.BigIntegerField(default=0)),
                (
                    "likeness",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="figures",
                        to="gateway.trafficlikeness",
                    ),
                ),
            ],
            options={
                "db_table": "gateway_traffic_figures",
                "indexes": [models.Index(fields=["period", "begins"], name="traffic_of_a_period")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("likeness", "begins", "period", "worker"), name="traffic_is_told_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="EventFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(max_length=1)),
                ("begins", models.BigIntegerField()),
                ("number", models.BigIntegerField(default=0)),
                (
                    "likeness",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="figures",
                        to="gateway.eventlikeness",
                    ),
                ),
            ],
            options={
                "db_table": "gateway_event_figures",
                "indexes": [models.Index(fields=["period", "begins"], name="event_of_a_period")],
                "constraints": [
                    models.UniqueConstraint(fields=("likeness", "begins", "period"), name="event_is_told_once")
                ],
            },
        ),
        migrations.RunPython(move, migrations.RunPython.noop),
        migrations.DeleteModel("TrafficBefore"),
        migrations.DeleteModel("EventBefore"),
    ]
