"""What all the workers know of backends that fail, in rows of the database.

Each worker reports and reads every 0.4 seconds, unless there is nothing to report and nobody has written anything; and
at once when it has suspended an address or found it well again.
When a suspension is over, one of all the workers takes the probe with a guarded update. While the database is away each
worker goes by its own experience.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import platform
from collections.abc import Callable, Hashable, Iterable
from functools import partial

from django.db import Error as DatabaseError
from django.db import connection, transaction

from core import database_clock
from gateway.database import Runner, WriteMark
from gateway.models import BreakerRecord
from gateway.pulse import rest
from gateway.upstream.breaker import BreakerReport, BreakerState, CircuitBreaker, merge
from publisher.endpoint import EndpointOptions

SHARE_SECONDS = 0.4
PROBE_GRACE = 5.0  # seconds over the connect timeout before another worker may take a probe over
CLAIM_SECONDS = 2.0  # for the database to say who probes; the dial does not wait longer for it
FORGET_SECONDS = 8 * 24 * 3600.0  # more than the longest suspension
# In words of its own, because making them costs more than asking.
_ALL = f'SELECT address, failures, pause, "until" FROM {BreakerRecord._meta.db_table}'  # noqa: S608

log = logging.getLogger("gateway.breaker")


class SharedBreaker(CircuitBreaker):
    """All workers' experience. `clock` is in seconds since the epoch, the same for all; `share` keeps it shared."""

    def __init__(
        self, *, run: Runner, mark: WriteMark | None = None, clock: Callable[[], float] = database_clock.clock
    ) -> None:
        self._is_urgent = False
        self._sleep: asyncio.Future[None] | None = None
        super().__init__(clock, self._wake)
        self._run = run
        self._mark = mark
        self._read_mark: Hashable = None
        self._worker = worker_name()

    async def begin(self, address: str, options: EndpointOptions) -> float:
        """Asks the database only where a suspension is over."""
        wait = await super().begin(address, options)
        state = self.failing.get(address)
        if wait or state is None or not state.probing:
            return wait
        now = self.clock()
        is_claimed = False
        try:
            until = now + options.connect_timeout + PROBE_GRACE
            is_claimed = await asyncio.wait_for(self._run(partial(claim, address, now, until)), CLAIM_SECONDS)
        except (DatabaseError, TimeoutError):
            is_claimed = True
        finally:
            if not is_claimed:
                self.abandoned(address, is_released=False)
        return 0.0 if is_claimed else 1.0

    async def share(self) -> None:
        """Exchange with the others until cancelled."""
        while True:
            self._sleep = asyncio.get_running_loop().create_future()
            if not self._is_urgent:
                await rest(SHARE_SECONDS, self._is_due, self._sleep)
            self._is_urgent = False
            await self.exchange()

    async def exchange(self) -> None:
        """Report and read once. Never raises: what cannot be reported now is reported later."""
        if not self._is_due():
            return
        reports = self.reports()
        mark = self._mark.known() if self._mark else None
        try:
            known = await self._run(partial(exchange, reports, self.clock(), self._worker))
        except DatabaseError as error:
            self.take_back(reports)
            log.debug("What is known of backends cannot be shared between workers now: %s", error)
        else:
            self.adopt(known)
            self._read_mark = mark

    def _is_due(self) -> bool:
        """Whether there is anything to tell, or may be anything to hear."""
        mark = self._mark.known() if self._mark else None
        return mark is None or mark != self._read_mark or bool(self.failing and self.reports())

    def _wake(self) -> None:
        self._is_urgent = True
        if self._sleep and not self._sleep.done():
            self._sleep.set_result(None)


def exchange(reports: Iterable[BreakerReport], now: float, worker: str = "") -> list[BreakerState]:
    """Store what one worker reports, and read what all know of every address."""
    for report in reports:
        with transaction.atomic():
            key = address_key(report.address)
            row = BreakerRecord.objects.select_for_update().filter(pk=key).first()
            known = merge(BreakerState(row.address, row.failures, row.pause, row.until) if row else None, report, now)
            if known is None:
                BreakerRecord.objects.filter(pk=key).delete()
                continue
            values = {"address": known.address, "failures": known.failures, "pause": known.pause, "until": known.until}
            suspended = {"worker": worker} if known.until > (row.until if row else 0.0) else {}
            probed = {"probed_until": 0.0} if report.is_released or report.failures or row is None else {}
            BreakerRecord.objects.update_or_create(
                pk=key, defaults={**values, **probed, **suspended, "changed_at": now}
            )
            BreakerRecord.objects.filter(changed_at__lt=now - FORGET_SECONDS).delete()
    with connection.cursor() as cursor:
        cursor.execute(_ALL)
        return [BreakerState(*values) for values in cursor.fetchall()]


def claim(address: str, now: float, until: float) -> bool:
    """Whether this worker may look if an address is well again; the others leave it alone `until` then."""
    row = BreakerRecord.objects.filter(pk=address_key(address))
    if row.filter(until__lte=now, probed_until__lte=now).update(probed_until=until) == 1:
        return True
    return not row.exists()


def worker_name() -> str:
    """What people call this process: its host and number."""
    return f"{platform.node()}:{os.getpid()}"[:100]


def address_key(address: str) -> str:
    """The key of an address's rows."""
    return hashlib.sha256(address.encode()).hexdigest()
