"""The control plane of one worker, put together: what it knows, who is on the line, and what keeps both true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from django.conf import settings

from gateway.catalogue import Catalogue, refuse_backend
from gateway.connections import Connections
from gateway.database import DatabaseThread
from gateway.desk import Desk
from gateway.follow import Follower
from gateway.heartbeat import Heart
from gateway.journal import Journal
from gateway.leases import open_store
from gateway.leases.keeper import Keeper
from gateway.observer import Observer
from gateway.plans import KeptPlans
from gateway.renewals import Renewals
from gateway.reporting import Reporter
from gateway.shared_health import SharedHealth
from gateway.upstream import Upstreams
from gateway.watched import WatchedStore

log = logging.getLogger("gateway.control")


class Control:
    """`await start()` before the first client is taken, `await stop()` after the last is gone."""

    def __init__(self) -> None:
        # Three threads: a slow step of the follower must not keep a client with a new token waiting, and neither must
        # the writing of books.
        self._asking, self._following = DatabaseThread("gateway-tokens"), DatabaseThread("gateway-follow")
        self._writing = DatabaseThread("gateway-books")
        self.catalogue = Catalogue(run=self._asking)
        self.connections = Connections()
        self.renewals = Renewals(catalogue=self.catalogue, connections=self.connections, run=self._asking)
        self.desk = Desk(catalogue=self.catalogue, renewals=self.renewals, run=self._asking)
        store = WatchedStore(open_store(settings.REDIS_URL), lambda *answer: self.observer.store_asked(*answer))
        self._keeper = Keeper(store, settings.DATA_DIR / "leases")
        self.plans = KeptPlans(self._keeper)
        self._follower = Follower(
            catalogue=self.catalogue,
            connections=self.connections,
            run=self._following,
            renew=self.renewals.answer,
            readmitted=self.plans.follow,
        )
        self._heart = Heart(connections=self.connections, run=self._following)
        self._journal = Journal(
            worker_id=self._heart.worker_id,
            connections=self.connections,
            run=self._writing,
            days=settings.CONNECTION_LOG_DAYS,
        )
        self.observer = Observer(self._journal)
        self._reporter = Reporter(
            name=str(self._heart.worker_id),
            folder=settings.METRICS_FOLDER,
            tally=self.observer.tally,
            connections=self.connections,
        )
        self._health = SharedHealth(run=self._writing)
        self.upstreams = Upstreams(health=self._health, refuse=refuse_backend())
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read everything and begin to follow. Raises `django.db.Error` when the database cannot be read."""
        await self._follower.start()
        await self._keeper.start()
        self._tasks = [
            _forever(self._follower.follow(), "follow"),
            _forever(self._follower.expire(), "expire"),
            _forever(self._heart.beat_on(), "heartbeat"),
            _forever(self._health.share(), "health"),
            _forever(self._journal.keep(), "journal"),
            _forever(self._reporter.report(), "report"),
            _forever(self._reporter.watch(), "lag"),
        ]

    def not_ready(self) -> str:
        """Why clients should go elsewhere; empty once everything has been read."""
        return "" if self._tasks else "The routes are not loaded yet."

    async def stop(self) -> None:
        """End everything that `start` began."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._keeper.stop()
        await self._reporter.stop()
        await self._journal.stop()
        await self._heart.stop()
        self._asking.close()
        self._following.close()
        self._writing.close()


def _forever(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    task = asyncio.create_task(work, name=f"gateway-{name}")
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("The task %s ended, and with it what it kept true.", task.get_name(), exc_info=error)
