"""Measure what a year of analytics takes: `python -m scripts.year [APIs [hours]]`, in a database of its own.

Writes what the roll-up leaves of a year in which each of so many APIs (1 000) is called by three applications in so
many hours of every day (8), at the end of a busy hour, when most rows are there; prints what they take. A connection
lasts a quarter of an hour. Rows go in as the gateway's own do, and the schema is that of the migrations.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

CALLERS = 3
PER_API = [("dial", "5"), ("dial", "10"), ("handshake", "10"), ("handshake", "20"), ("handshake", "50")]
PER_CALLER = [("close", "client 1000"), ("close", "client 1001")]
REFUSED = 20  # of so many applications one is refused now and then
LASTS = 15  # minutes, a connection


def main() -> None:
    """Fill, and measure."""
    asked = argparse.ArgumentParser()
    asked.add_argument("apis", type=int, nargs="?", default=1000)
    asked.add_argument("hours", type=int, nargs="?", default=8)
    apis, hours = vars(asked.parse_args()).values()
    with tempfile.TemporaryDirectory(prefix="apim-year-") as folder:
        os.environ["APIM_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection, transaction

        from gateway.models import EventFigures, TrafficFigures
        from gateway.statistics.figures import add

        call_command("migrate", "gateway", verbosity=0)
        before = _size(connection)
        for model, rows in ((TrafficFigures, _traffic(apis, hours)), (EventFigures, _events(apis, hours))):
            while some := dict(islice(rows, 10_000)):
                with transaction.atomic():
                    add(model, some)
        after = _size(connection)
        rows = TrafficFigures.objects.count(), EventFigures.objects.count()
    size = after - before
    sys.stdout.write(
        f"{apis} APIs, {CALLERS} applications each, {hours} hours a day: {rows[0]} rows of traffic, "
        f"{rows[1]} of events, {size / sum(rows):.0f} bytes a row, {size / 1e6:.0f} MB; "
        f"1 000 APIs: {size / apis / 1e3:.0f} MB\n"
    )


def _periods(hours: int) -> Iterator[tuple[str, int]]:
    """What is left of a year, by period and beginning."""
    from gateway.statistics.figures import SECONDS
    from gateway.statistics.rollup import STEPS

    now, end = int(datetime(2026, 12, 31, 17, 59, tzinfo=UTC).timestamp()), 365 * 86400
    last = now
    for period, into, kept in (*STEPS, ("w", "w", end)):
        first = (now - kept) // SECONDS[into] * SECONDS[into]
        for begins in range(first, last, SECONDS[period]):
            if period != "h" or (17 - begins // 3600) % 24 < hours:
                yield period, begins
        last = first


def _callers(apis: int) -> Iterator[tuple[str, str]]:
    for _ in range(apis):
        api = str(uuid.uuid4())
        yield from ((api, str(uuid.uuid4())) for _ in range(CALLERS))


def _traffic(apis: int, hours: int) -> Iterator[tuple[Any, ...]]:
    worker = str(uuid.uuid4())
    callers = list(_callers(apis))
    sums = (40, 40, 86_400_000, 500_000, 60_000_000, 500_000, 60_000_000)
    for period, begins in _periods(hours):
        for caller in callers:
            key = (period, begins, worker if period == "m" else "")
            yield (*key, *caller, "Gold", "PRODUCTION", "/rooms/{id}"), sums


def _events(apis: int, hours: int) -> Iterator[tuple[Any, ...]]:
    callers = list(_callers(apis))
    for period, begins in _periods(hours):
        for number, (api, application) in enumerate(callers):
            if period == "m" and (begins // 60 + number) % LASTS:
                continue
            named = [(application, *event) for event in PER_CALLER]
            if number % CALLERS == 0:
                named += [("", *event) for event in PER_API]
            if number % REFUSED == 0:
                named.append((application, "refusal", "401 900901"))
            yield from (((period, begins, api, *each), (40,)) for each in named)


def _size(connection: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(connection.settings_dict["NAME"]).stat().st_size


if __name__ == "__main__":
    main()
