"""The gateway's own processes with a catalogue of the test's making: `python -m tests.wire.served PLAN-AS-JSON`."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import django


def main(given: dict[str, Any]) -> int:
    """Serve as `manage.py gateway` does, but without a database."""
    django.setup()
    logging.getLogger().setLevel(given.get("log_level", "INFO"))
    from gateway import server

    plan = server.Plan(
        hosts=["127.0.0.1"],
        ws_port=given["ws_port"],
        wss_port=given["wss_port"],
        certificate=Path(given["certificate"]),
        key=Path(given["key"]),
        workers=given.get("workers", 1),
        drain=given.get("drain", 0.0),
        metrics_port=given.get("metrics_port", 0),
        metrics_folder=Path(given.get("metrics_folder", ".")),
    )
    try:
        return server.run(plan, lambda: (_door(given["backend"]), None), logging.getLogger("gateway").warning)
    except server.CannotServe as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _door(backend: str) -> Any:
    from gateway.connections import Connections
    from gateway.consumers import Door
    from gateway.routes import RouteTable
    from publisher.endpoint import Endpoint
    from tests.gateway import builders
    from tests.wire.gateway_under_test import TOKEN, Catalogue

    deployment = builders.deployment(endpoints={"PRODUCTION": Endpoint(backend)})
    grants = {TOKEN: builders.grant(expires_at=time.time() + 3600)}
    return Door(catalogue=Catalogue(RouteTable([deployment]), grants), connections=Connections(), handshake=0.5)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
