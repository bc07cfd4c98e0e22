"""What administrators change while the product runs, and accounts that wait for approval."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ('accounts', '0011_notifications'),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='InstallationSettings',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('sign_up', models.CharField(choices=[('open', 'Everybody, at once'), ('approval', 'Everybody, after an administrator has approved it'), ('closed', 'Nobody: administrators make the accounts')], default='open', max_length=12)),
                ('approve_applications', models.BooleanField(default=False)),
                ('anonymous_browsing', models.BooleanField(default=True)),
                ('notice', models.CharField(blank=True, default='', max_length=300)),
            ],
        ),
        migrations.AddField(
            model_name='user',
            name='awaits_approval',
            field=models.BooleanField(default=False),
        ),
    ]
