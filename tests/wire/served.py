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

    from gateway.logging import formats
    from gateway.server import config, master
    from gateway.server.listeners import CannotServe

    plan = config.ServerConfig(
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
            formats.take_over()
        return master.run(plan, lambda: _opened(given, plan), logging.getLogger("gateway").warning)
    except CannotServe as error:
        sys.stderr.write(f"{error}\n")
        return 1


class Reporting:
    """The part of a control plane that reports what was counted."""

    def __init__(self, context: Any, folder: Path) -> None:
        from gateway.observability.writer import MetricsWriter

        connections, counters = context.connections, context.telemetry.counters
        self.reporter = MetricsWriter(
            name=uuid.uuid4().hex, folder=folder, counters=counters, connections=connections, seconds=0.05
        )

    async def start(self) -> None:
        self.tasks = [asyncio.create_task(work) for work in (self.reporter.report(), self.reporter.watch())]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await self.reporter.stop()


class AwayAtTimes:
    """The part of a control plane that reads the database, which is away as long as there is a file."""

    def __init__(self, away: Path) -> None:
        self.away = away

    async def start(self) -> None:
        from django.db import OperationalError

        if self.away.exists():
            raise OperationalError

    async def stop(self) -> None:
        """Nothing to stop."""


def _opened(given: dict[str, Any], plan: Any) -> tuple[Any, Any]:
    context = _context(given["backend"], given.get("write_access", False))
    if away := given.get("away"):
        return context, AwayAtTimes(Path(away))
    return context, Reporting(context, plan.metrics_folder) if plan.metrics_folder else None


def _context(backend: str, write_access: bool) -> Any:
    from gateway.connections.registry import ConnectionRegistry
    from gateway.routing.table import RouteTable
    from gateway.server.context import GatewayContext
    from publisher.endpoint import Endpoint
    from tests.gateway import builders
    from tests.wire.gateway_under_test import TOKEN, FixedRouting

    deployment = builders.deployment(endpoints={"PRODUCTION": Endpoint(backend)})
    grants = {TOKEN: builders.grant(expires_at=time.time() + 3600)}
    routing = FixedRouting(RouteTable([deployment]), grants)
    return GatewayContext(routing=routing, connections=ConnectionRegistry(), handshake=0.5, write_access=write_access)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
