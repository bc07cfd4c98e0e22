"""The clock of the database, which all processes of all machines go by where they compare times with its rows."""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final

from django.db import connection

from core.clock import SharedClock

MEASURED_SECONDS: Final = 10.0
"""How often a process that goes by it should measure it."""

clock: Final = SharedClock("database")
_measured_at = -math.inf


def now() -> datetime:
    """What time it is, compared with the database if that was not done lately. Raises `django.db.Error`."""
    global _measured_at
    if monotonic() - _measured_at >= MEASURED_SECONDS:
        _measured_at = monotonic()
        measure()
    return clock.datetime()


def ask() -> float | None:
    """What time it is by the database's clock; None for SQLite, a file that has none."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(cursor.fetchone()[0])


measure: Final = partial(clock.measure, ask)
"""Ask the database what time it is. Raises `django.db.Error`."""
