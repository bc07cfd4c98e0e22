"""What became of the latest dial of each backend, as all workers saw it, written by a task of its own.

A row for each address. A worker writes what it saw last: at once when that is another outcome than before, else every
REPEAT_SECONDS, so a backend that is dialled a thousand times a second costs a row in ten.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from django.db import Error as DatabaseError

from core.upkeep import delete_batch
from gateway.database import Runner
from gateway.models import DialRecord
from gateway.refusals import Refusal
from gateway.upstream.breaker_store import address_key, worker_name

REPEAT_SECONDS: Final = 10.0
MOST_ADDRESSES: Final = 1000  # that one worker remembers
MOST_AT_ONCE: Final = 100
KEPT: Final = timedelta(days=30)
OPENED: Final = 101

_now: Final = partial(datetime.now, UTC)

log = logging.getLogger("gateway.dial_log")


class SeenDial(NamedTuple):
    """When an address was dialled, how it ended (101, or a refusal's status with its sentence) and after how long."""

    at: datetime
    status: int
    sentence: str
    seconds: float


@dataclass(eq=False, kw_only=True, repr=False)
class DialLog:
    """The dials of one worker."""

    run: Runner
    clock: Callable[[], datetime] = _now
    _worker: str = field(default_factory=worker_name, init=False)
    _waiting: dict[str, SeenDial] = field(default_factory=dict, init=False)
    _written: dict[str, SeenDial] = field(default_factory=dict, init=False)

    def dialled(self, address: str, seconds: float, refusal: Refusal | None) -> None:
        """An address, behind the id of its API, was dialled. Neither waits nor raises."""
        status, sentence = (refusal.status, refusal.description) if refusal else (OPENED, "")
        if address in self._waiting or len(self._waiting) < MOST_ADDRESSES:
            self._waiting[address] = SeenDial(self.clock(), status, sentence, seconds)

    def is_waiting(self) -> bool:
        """Whether there may be anything to write."""
        return bool(self._waiting)

    async def write(self) -> None:
        """Write what there is to say. Never raises: while the database is away the latest of each address waits."""
        due, now = list[tuple[str, SeenDial]](), self.clock()
        for address, seen in self._waiting.items():
            before = self._written.get(address)
            if (
                before is None
                or (before.status, before.sentence) != (seen.status, seen.sentence)
                or now - before.at >= timedelta(seconds=REPEAT_SECONDS)
            ):
                due.append((address, seen))
        due = due[:MOST_AT_ONCE]
        if not due:
            return
        try:
            await self.run(partial(write, self._worker, due))
        except DatabaseError as error:
            log.debug("Dials cannot be written down now: %s", error)
            return
        if len(self._written) > MOST_ADDRESSES:
            self._written.clear()
        for address, seen in due:
            self._written[address] = seen
            if self._waiting.get(address) is seen:
                del self._waiting[address]


def write(worker: str, dials: Iterable[tuple[str, SeenDial]]) -> None:
    """Put what one worker saw in the place of what was seen before it. Raises `django.db.Error`."""
    for address, seen in dials:
        values = {
            "api_id": address.partition(" ")[0],
            "address": address.partition(" ")[2],
            "worker": worker,
            "at": seen.at,
            "status": seen.status,
            "sentence": seen.sentence[:300],
            "seconds": seen.seconds,
            "opened_at" if seen.status == OPENED else "failed_at": seen.at,
        }
        rows = DialRecord.objects.filter(pk=address_key(address))
        if not rows.filter(at__lte=seen.at).update(**values) and not rows.exists():
            DialRecord.objects.bulk_create([DialRecord(pk=address_key(address), **values)], ignore_conflicts=True)


def prune(now: datetime) -> int:
    """Delete a batch of addresses that were not dialled for long; how many they were."""
    return delete_batch(DialRecord.objects.filter(at__lt=now - KEPT).order_by("at"))
