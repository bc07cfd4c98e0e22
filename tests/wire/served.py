"""The gateway's own processes with a catalogue of the test's making: `python -m tests.wire.served PLAN-AS-JSON`."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import django


def main(given: dict[str, Any]) -> int:
    """Serve as `manage.py gateway` does, but without a database."""
    if descriptors := given.get("descriptors"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    django.setup()
    logging.getLogger().setLevel(given.get("log_level", "INFO"))
    from django.conf import settings

    from gateway import logs, server
    from gateway.ports import CannotServe

    plan = server.Plan(
        hosts=["127.0.0.1"],
        ws_port=given["ws_port"],
        wss_port=given["wss_port"],
        certificate=Path(given["certificate"]),
        key=Path(given["key"]),
        workers=given.get("workers", 1),
        drain=given.get("drain", 0.0),
        connections=given.get("connections", 0),
        metrics_port=given.get("metrics_port", 0),
        metrics_folder=Path(given["metrics_folder"]) if "metrics_folder" in given else None,
    )
    try:
        if settings.LOG_FORMAT == "json":
            logs.take_over()
        return server.run(plan, lambda: _opened(given, plan), logging.getLogger("gateway").warning)
    except CannotServe as error:
        sys.stderr.write(f"{error}\n")
        return 1


class Reporting:
    """The part of a control plane that reports what was counted."""

    def __init__(self, door: Any, folder: Path) -> None:
        from gateway.reporting import Reporter

        connections, tally = door.connections, door.observer.tally
        self.reporter = Reporter(
            name=uuid.uuid4().hex, folder=folder, tally=tally, connections=connections, seconds=0.05
        )

    async def start(self) -> None:
        self.tasks = [asyncio.create_task(work) for work in (self.reporter.report(), self.reporter.watch())]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await self.reporter.stop()


def _opened(given: dict[str, Any], plan: Any) -> tuple[Any, Any]:
    door = _door(given["backend"], given.get("write_access", False))
    return door, Reporting(door, plan.metrics_folder) if plan.metrics_folder else None


def _door(backend: str, write_access: bool) -> Any:
    from gateway.connections import Connections
    from gateway.consumers import Door
    from gateway.routes import RouteTable
    from publisher.endpoint import Endpoint
    from tests.gateway import builders
    from tests.wire.gateway_under_test import TOKEN, Catalogue

    deployment = builders.deployment(endpoints={"PRODUCTION": Endpoint(backend)})
    grants = {TOKEN: builders.grant(expires_at=time.time() + 3600)}
    catalogue = Catalogue(RouteTable([deployment]), grants)
    return Door(catalogue=catalogue, connections=Connections(), handshake=0.5, write_access=write_access)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
