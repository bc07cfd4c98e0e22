"""People who are invited by e-mail and have not come yet."""

from typing import ClassVar

import core.folded
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ('accounts', '0021_approve_keys'),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('email_key', core.folded.FoldedText(of='email', unique=True)),
                ('roles', models.JSONField()),
                ('round', models.PositiveIntegerField(default=0)),
                ('sent_at', models.DateTimeField(db_index=True)),
                ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
