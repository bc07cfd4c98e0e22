"""Where somebody is signed in, and the time zone that they read in. Sessions that are there are noted when they begin anew."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ('accounts', '0012_installation'),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name='user',
            name='time_zone',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.CreateModel(
            name='SignIn',
            fields=[
                ('session', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('address', models.CharField(max_length=45)),
                ('agent', models.CharField(max_length=200)),
                ('began_at', models.DateTimeField()),
                ('used_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sign_ins', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
