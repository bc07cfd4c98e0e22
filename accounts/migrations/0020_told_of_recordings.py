"""Somebody may be told that an application of theirs is recorded."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0015_second_factors'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.CharField(choices=[('approvals', 'Approvals'), ('ends', 'Ends'), ('breaking', 'Breaking changes'), ('versions', 'Versions'), ('expiry', 'Expiry'), ('limits', 'Limits'), ('recordings', 'Recordings'), ('account', 'Your account')], max_length=16),
        ),
        migrations.AlterField(
            model_name='notificationchoice',
            name='kind',
            field=models.CharField(choices=[('approvals', 'Approvals'), ('ends', 'Ends'), ('breaking', 'Breaking changes'), ('versions', 'Versions'), ('expiry', 'Expiry'), ('limits', 'Limits'), ('recordings', 'Recordings'), ('account', 'Your account')], max_length=16),
        ),
    ]
