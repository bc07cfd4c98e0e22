"""What people are told, how they want to be told, and the e-mails that wait to be sent. Nothing that is there changes."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies: ClassVar = [
        ('accounts', '0010_emails_in_any_spelling'),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='OutgoingMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('to', models.CharField(max_length=254)),
                ('sealed', models.TextField()),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddField(
            model_name='user',
            name='confirmed_email',
            field=models.EmailField(blank=True, default='', max_length=254),
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('approvals', 'Approvals'), ('ends', 'Ends'), ('breaking', 'Breaking changes'), ('versions', 'Versions'), ('expiry', 'Expiry'), ('limits', 'Limits'), ('account', 'Your account')], max_length=16)),
                ('sentence', models.CharField(max_length=500)),
                ('link', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(db_index=True)),
                ('read_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-id'], name='notifications_newest_first'), models.Index(condition=models.Q(('read_at', None)), fields=['user'], name='notifications_unread')],
            },
        ),
        migrations.CreateModel(
            name='NotificationChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('approvals', 'Approvals'), ('ends', 'Ends'), ('breaking', 'Breaking changes'), ('versions', 'Versions'), ('expiry', 'Expiry'), ('limits', 'Limits'), ('account', 'Your account')], max_length=16)),
                ('in_portal', models.BooleanField(default=True)),
                ('by_mail', models.BooleanField(default=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notification_choices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'kind'), name='chosen_once_for_a_kind')],
            },
        ),
    ]
