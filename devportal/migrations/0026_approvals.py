"""Applications may wait for approval, and decisions have a reason. All that are there are approved."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ("devportal", "0019_deny_policies_in_any_spelling"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name='application',
            name='approval',
            field=models.CharField(choices=[('APPROVED', 'Approved'), ('CREATED', 'Waiting for approval'), ('REJECTED', 'Rejected')], default='APPROVED', max_length=12),
        ),
        migrations.AddField(
            model_name='application',
            name='decision',
            field=models.CharField(blank=True, default='', max_length=300),
        ),
        migrations.AddField(
            model_name='subscription',
            name='decision',
            field=models.CharField(blank=True, default='', max_length=300),
        ),
    ]
