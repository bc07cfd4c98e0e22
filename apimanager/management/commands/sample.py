"""`manage.py sample`: as many APIs and subscriptions as a large installation has."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apimanager import bootstrap
from apimanager.filling import Wish, fill


class Command(BaseCommand):
    """Fill a database, to see how pages and gateway fare. Nothing takes the rows away again."""

    help = "Add many APIs, applications and subscriptions to this database, to see how it fares. For trials only."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many of each."""
        parser.add_argument("--apis", type=int, default=1000, help="published APIs (default 1000)")
        parser.add_argument("--applications", type=int, help="applications with keys (default: ten for each API)")
        parser.add_argument("--subscriptions", type=int, help="subscriptions (default: one for each application)")
        parser.add_argument("--deny-policies", type=int, default=0, help="denied addresses (default none)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many there are of what."""
        bootstrap.check_migrated()
        apis = options["apis"]
        applications = 10 * apis if options["applications"] is None else options["applications"]
        subscriptions = applications if options["subscriptions"] is None else options["subscriptions"]
        wish = Wish(apis, applications, subscriptions, options["deny_policies"])
        fill(wish, now=timezone.now(), say=self.stdout.write)
        self.stdout.write("Added. A gateway that runs serves them within a minute.")
