"""`manage.py portal`: the Publisher, the Developer Portal, OAuth and REST, over HTTPS."""

import sys

from django.core.management.base import BaseCommand

from apimanager import launch


class Command(BaseCommand):
    """Serve the portals until SIGTERM or Ctrl-C. The database must have been prepared by `setup`."""

    help = "Serve the portals, OAuth and REST over HTTPS (APIM_PORTAL_PORT, default 9443)."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        sys.exit(launch.portal_alone())
