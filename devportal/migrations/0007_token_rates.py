"""How fast tokens are issued to each application."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("devportal", "0006_blocks_of_before")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="TokenRate",
            fields=[
                ("key", models.CharField(max_length=48, primary_key=True, serialize=False)),
                ("booked_until", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
