"""`manage.py prune`: delete what is over, now."""

from typing import Any

from django.core.management.base import BaseCommand

from apimanager import bootstrap, upkeep


class Command(BaseCommand):
    """What the portal does by itself every APIM_UPKEEP_SECONDS. Safe to run while everything runs, and again."""

    help = "Delete expired tokens, sessions and the like now, and move the oldest of the audit log into the archive."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many rows of what; another process that is at it goes on alone."""
        bootstrap.check_migrated()
        deleted = upkeep.run(asked=True)
        if deleted is None:
            self.stdout.write("Another process is at it.")
            return
        for what, number in deleted.items():
            self.stdout.write(f"{what}: {number}")
        self.stdout.write("Nothing else is over." if deleted else "Nothing is over.")
