"""`manage.py samples`: the echo and chat backends."""

from django.core.management.base import BaseCommand

from apimanager import launch


class Command(BaseCommand):
    """Serve the sample backends on loopback until SIGTERM or Ctrl-C."""

    help = "Serve the sample backends, echo and chat, on loopback (APIM_SAMPLES_PORT, default 9900)."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        launch.samples_alone()
