"""`manage.py setup`: what `up` does before it starts anything."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from apimanager import bootstrap


class Command(BaseCommand):
    """Migrate the database and make the rows that a new installation starts with; safe to run again."""

    help = "Prepare the database: migrations, the first administrator, default plans. Run it before each new release."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        bootstrap.check_database()
        bootstrap.prepare_database(timezone.now(), self.stdout.write)
        self.stdout.write("The database is ready.")
