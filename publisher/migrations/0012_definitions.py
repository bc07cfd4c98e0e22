from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('publisher', '0010_presentation'),
    ]

    operations = [
        migrations.AddField(
            model_name='api',
            name='definition',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='revision',
            name='breaking',
            field=models.JSONField(blank=True, default=list),
        ),
    ]
