"""In which language people read, and which their browser asked for at the last sign-in: e-mails are in it."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ('accounts', '0022_invitations'),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name='user',
            name='language',
            field=models.CharField(blank=True, default='', max_length=16),
        ),
        migrations.AddField(
            model_name='user',
            name='seen_language',
            field=models.CharField(blank=True, default='', max_length=16),
        ),
    ]
