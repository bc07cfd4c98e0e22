"""The audit log comes to this room with its table, its rows and its index as they are: the database is not touched."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),  # which made the table
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='AuditEntry',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField()),
                        ('actor_name', models.CharField(max_length=150)),
                        ('verb', models.CharField(max_length=48)),
                        ('kind', models.CharField(max_length=24)),
                        ('object_id', models.CharField(max_length=64)),
                        ('detail', models.JSONField(default=dict)),
                        ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'db_table': 'accounts_trailentry',
                        'indexes': [models.Index(fields=['kind', 'object_id', 'id'], name='trail_by_object')],
                    },
                ),
            ],
        ),
    ]
