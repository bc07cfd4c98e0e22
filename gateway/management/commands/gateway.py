"""`manage.py gateway`: the gateway's ports, served by as many workers as asked for."""

import logging
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from gateway import server
from gateway.consumers import Door
from gateway.control import Control


class Command(BaseCommand):
    """Serve until SIGTERM or Ctrl-C. The database must have been prepared by `setup`."""

    help = "Serve the gateway on APIM_GATEWAY_WS_PORT (default 9099) and APIM_GATEWAY_WSS_PORT (default 8099)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """`--workers N`, one process each."""
        parser.add_argument("--workers", type=int, default=settings.GATEWAY_WORKERS, help="how many processes")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped; the exit code is 0 unless the gateway could not start."""
        plan = server.Plan(
            hosts=settings.BIND_HOSTS,
            ws_port=settings.GATEWAY_WS_PORT,
            wss_port=settings.GATEWAY_WSS_PORT,
            certificate=settings.TLS_CERTIFICATE,
            key=settings.TLS_KEY,
            workers=max(1, options["workers"]),
            drain=settings.GATEWAY_DRAIN_SECONDS,
        )
        connections.close_all()
        try:
            code = server.run(plan, open_door, logging.getLogger("gateway").warning)
        except server.CannotServe as error:
            self.stderr.write(str(error))
            code = 1
        sys.exit(code)


def open_door() -> tuple[Door, Control]:
    """What one worker needs, made in its own process."""
    control = Control()
    return Door(catalogue=control.catalogue, connections=control.connections), control
