"""`manage.py setup`: what `up` does before it starts anything."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from apimanager import bootstrap, fingerprint


class Command(BaseCommand):
    """Migrate the database and make the rows that a new installation starts with; safe to run again."""

    help = "Prepare the database: migrations, the first administrator, default plans. Run it before each new release."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """`--new-settings`, when a key, the issuer or the store is to change on all machines."""
        parser.add_argument(
            "--new-settings",
            action="store_true",
            help="take over this machine's keys, issuer and store as those that all machines must have",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bootstrap.check_database()
        bootstrap.prepare_database(timezone.now(), self.stdout.write)
        if options["new_settings"]:
            changed = fingerprint.renew(timezone.now())
            self.stdout.write(f"All machines must have these as they are here: {', '.join(changed) or 'nothing new'}.")
        fingerprint.check()
        self.stdout.write("The database is ready.")
