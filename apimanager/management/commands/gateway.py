"""`manage.py gateway`: the gateway's ports, served by as many workers as asked for."""

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apimanager import launch, pid_file


class Command(BaseCommand):
    """Serve until SIGTERM or Ctrl-C. The database must have been prepared by `setup`."""

    help = "Serve the gateway on APIM_GATEWAY_WS_PORT (default 9099) and APIM_GATEWAY_WSS_PORT (default 8099)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """`--workers N`, one process each; `--renew`, for the gateway that runs."""
        parser.add_argument("--workers", type=int, default=settings.GATEWAY_WORKERS, help="how many processes")
        parser.add_argument("--renew", action="store_true", help="replace the workers of the gateway that runs here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, then run until stopped; the exit code is 0 unless the gateway could not start, or be found."""
        if options["renew"]:
            master = pid_file.send(settings.GATEWAY_PID_FILE, signal.SIGHUP)
            self.stdout.write(f"The gateway, process {master}, replaces its workers.")
            return
        launch.prepare_alone("gateway")
        sys.exit(launch.serve_gateway(options["workers"]))
