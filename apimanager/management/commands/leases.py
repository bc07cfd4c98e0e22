"""`manage.py leases`: what gateways that are gone hold of quotas."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from time import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apimanager import bootstrap
from gateway.quotas.stores import open_store


class Command(BaseCommand):
    """List it, or settle it. A gateway that only pauses is not to be settled: it would count twice when it is back."""

    help = "List what gateways that are gone hold of quotas; with --settle let nobody wait for it any more."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How it is settled."""
        parser.add_argument("--settle", action="store_true", help="count all that they were lent as spent, now")
        parser.add_argument(
            "--as-reported",
            action="store_true",
            help="with --settle: count only what they have said; what they spent in their last second is given away",
        )

    def handle(self, *args: Any, settle: bool, as_reported: bool, **options: Any) -> None:
        """One line for each worker that is gone."""
        bootstrap.check_migrated()
        store = open_store(settings.REDIS_URL)
        lost = store.lost(store.time() or time())
        for holder in lost:
            since = datetime.fromtimestamp(holder.seen_at, UTC)
            self.stdout.write(
                f"{holder.name}: last seen {since:%Y-%m-%d %H:%M:%S} UTC, "
                f"was lent {holder.lent}, of which it has said {holder.reported} to be spent"
            )
            if settle:
                store.settle(holder.name, as_reported=as_reported)
        if not lost:
            self.stdout.write("No gateway that is gone holds anything.")
        elif settle:
            self.stdout.write(f"Settled {len(lost)}.")
        else:
            self.stdout.write("Once the machine is certain not to return: --settle.")
