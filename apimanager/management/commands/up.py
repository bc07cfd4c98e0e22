"""`manage.py up`: the whole product, each part in processes of its own."""

import sys

from django.core.management.base import BaseCommand

from apimanager import launch


class Command(BaseCommand):
    """Prepare the database and the certificate, then run and watch every part until SIGTERM or Ctrl-C."""

    help = "Run the whole product: portals, gateway and sample backends."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        sys.exit(launch.everything(self.stdout.write))
