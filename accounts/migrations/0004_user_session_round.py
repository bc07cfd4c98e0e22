from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_drafts'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='session_round',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
