"""What Redis knows of windows, saved in the database: quotas survive all but the loss of both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from gateway.models import WindowCheckpoint

EPOCH: Final = "epoch"


class Epoch(NamedTuple):
    """The `name` of a life of the store, and when it was last saved, by its own clock."""

    name: str
    saved_at: float


class Checkpoint(NamedTuple):
    """One window: its key, when it ends, and its hash."""

    key: str
    ends: int
    state: Mapping[str, str]


class DatabaseCheckpoints:
    """Where a store that may forget is saved: in rows of Django's default database. Calls block.

    Raises django.db.Error when it cannot be asked.
    """

    def epoch(self) -> Epoch | None:
        """The last life of the store that was saved; None before the first."""
        row = WindowCheckpoint.objects.filter(pk=EPOCH).first()
        return Epoch(row.state, row.saved_at) if row else None

    def begin(self, epoch: Epoch) -> None:
        """Remember this life of the store in the place of the one before."""
        WindowCheckpoint.objects.update_or_create(
            pk=EPOCH, defaults={"ends": 0, "state": epoch.name, "saved_at": epoch.saved_at}
        )

    def save(self, windows: Sequence[Checkpoint], epoch: Epoch) -> None:
        """Put these in the place of what was saved of them before, unless that is younger, and forget what is over."""
        rows: list[Sequence[Any]] = [
            (window.key, window.ends, json.dumps(window.state), epoch.saved_at)
            for window in sorted(windows)  # in one order for all, so that nobody waits in a circle
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(_SAVE, rows)
            WindowCheckpoint.objects.filter(pk=EPOCH, state=epoch.name).update(saved_at=epoch.saved_at)
            WindowCheckpoint.objects.filter(ends__gt=0, ends__lt=epoch.saved_at).delete()

    def load(self, now: float) -> Iterator[Checkpoint]:
        """The windows that are not over."""
        rows = WindowCheckpoint.objects.filter(ends__gt=now).order_by("pk").values_list("key", "ends", "state")
        for key, ends, state in rows.iterator(1000):
            yield Checkpoint(key, ends, json.loads(state))

    def close(self) -> None:
        """This thread asks for nothing more for long: a server can hold so many connections, and each worker needs two.

        A transaction that is under way stays.
        """
        if not connection.in_atomic_block:
            connection.close()


_TABLE: Final = WindowCheckpoint._meta.db_table
_SAVE: Final = f"""
    INSERT INTO {_TABLE} (key, ends, state, saved_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (key) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at
    WHERE {_TABLE}.saved_at < excluded.saved_at
"""  # noqa: S608
