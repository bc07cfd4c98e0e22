"""The control plane of one worker, put together: what it knows, who is connected, and what keeps both true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from core import database_clock
from core.postgresql.deadline import answer_within
from gateway.connections.heartbeat import LOOK_SECONDS, Heartbeat
from gateway.connections.live import LiveReporter
from gateway.connections.log import ConnectionLog
from gateway.connections.plans import ConnectionPlans
from gateway.connections.registry import ConnectionRegistry
from gateway.control.change_feed import ChangeFeed
from gateway.control.loaders import make_identity_signer
from gateway.control.reauthentication import Reauthentication
from gateway.control.routing import RoutingState
from gateway.database import DatabaseThread, Places, WriteMark
from gateway.observability.counters import Counters
from gateway.observability.refusal_log import RefusalLog
from gateway.observability.telemetry import Telemetry
from gateway.observability.tracing import open_tracing
from gateway.observability.violation_log import ViolationLog
from gateway.observability.writer import MetricsWriter
from gateway.pulse import rest
from gateway.quotas.client import LeaseClient
from gateway.quotas.clock import clock as plan_clock
from gateway.quotas.rules import StoreRecovering
from gateway.quotas.stores import open_store, unreachable
from gateway.quotas.stores.instrumented import InstrumentedStore
from gateway.recording.recorder import Recorder
from gateway.statistics.events import EventCounter
from gateway.upstream.breaker_store import SharedBreaker
from gateway.upstream.dial_log import DialLog
from gateway.upstream.dialer import Dialer
from publisher import ssrf

CHECKPOINT_SECONDS = 1.0
EXPIRY_SECONDS = 0.2
WRITE_SECONDS = 1.0  # dials, violations
EVENT_SECONDS = 5.0
IDLE_SECONDS = 10.0  # after which nobody seems to come with a token that is not known yet

log = logging.getLogger("gateway.control")


class ControlPlane:
    """`await start()` before the first client is taken, `await stop()` after the last is gone."""

    def __init__(self) -> None:
        # Two threads, and so two connections at most: neither a slow step of the change feed nor the writing of
        # records, a batch of some milliseconds at a time, must keep a client with a new token waiting, or one whose
        # quota is to be renewed. Where no client asks, the first of them has none. Of a server's connections, which all
        # workers have to share, half of a gateway's have the first at one time; the others ask on the second.
        answer_within(settings.DATABASE_SECONDS)
        patience = settings.DATABASE_LOOKUP_SECONDS or None
        half = Places(settings.DATA_DIR / "places", max(1, settings.GATEWAY_WORKERS // 2))
        self._following = DatabaseThread("gateway-feed")
        self._asking = DatabaseThread(
            "gateway-tokens",
            seconds=patience,
            idle=IDLE_SECONDS,
            places=half if connection.vendor == "postgresql" else None,
            otherwise=self._following,
        )
        self._mark = WriteMark()
        self.routing = RoutingState(run=self._asking, patience=patience)
        self.connections = ConnectionRegistry()
        self.reauthentication = Reauthentication(routing=self.routing, connections=self.connections, run=self._asking)
        self.run = self._asking
        counters = Counters()
        self._store = InstrumentedStore(open_store(settings.REDIS_URL), counters.store_asked, counters.store_forgot)
        self._lease_client = LeaseClient(
            self._store,
            settings.DATA_DIR / "leases",
            run=None if settings.REDIS_URL else self._asking,
            mark=None if settings.REDIS_URL else self._mark,
        )
        self.plans = ConnectionPlans(self._lease_client)
        self._heartbeat = Heartbeat(connections=self.connections, run=self._following)
        self.connection_log = ConnectionLog(
            worker_id=self._heartbeat.worker_id,
            connections=self.connections,
            run=self._following,
        )
        self._live = LiveReporter(
            worker_id=self._heartbeat.worker_id, connections=self.connections, run=self._following, mark=self._mark
        )
        self.recorder = Recorder(
            run=self._following, connections=self.connections, redacted_of=self.routing.redacted_of
        )
        self._change_feed = ChangeFeed(
            routing=self.routing,
            connections=self.connections,
            run=self._following,
            reauthenticate=self.reauthentication.answer,
            readmitted=self.plans.follow,
            restored=self.connection_log.write_anew,
            record=self.recorder.refresh,
            mark=self._mark,
        )
        known_seconds: float = settings.KNOWN_TOKENS_SECONDS
        self.routing.is_outdated = lambda: 0 < known_seconds < self._change_feed.age()
        self._events = EventCounter(run=self._following)
        self._refusal_log = RefusalLog(run=self._following, concerns=self.routing.concerns, events=self._events)
        self._violation_log = ViolationLog(
            run=self._following, samples=settings.PAYLOAD_SAMPLES, redacted_of=self.routing.redacted_of
        )
        self.telemetry = Telemetry(
            self.connection_log, self._refusal_log, self._violation_log, self._events, self.recorder, counters
        )
        self._writer = MetricsWriter(
            name=str(self._heartbeat.worker_id),
            folder=settings.METRICS_FOLDER,
            counters=counters,
            connections=self.connections,
            figures=lambda: {
                "feed_age_seconds": self._change_feed.age(),
                "clock_skew_seconds": max(database_clock.clock.skew(), plan_clock.skew(), key=abs),
            },
        )
        self._breaker = SharedBreaker(run=self._following, mark=self._mark)
        self._dial_log = DialLog(run=self._following)
        self.dialer = Dialer(
            breaker=self._breaker,
            refuse=lru_cache(maxsize=4096)(ssrf.policy().refuse),
            proxy=settings.BACKEND_PROXY,
            on_dial=self._dial_log.dialled,
        )
        self.identities = make_identity_signer()
        self.tracing = open_tracing(settings.TRACES_ENDPOINT, settings.TRACES_SHARE, str(self._heartbeat.worker_id))
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Read everything and begin to follow. Raises `django.db.Error` when the database cannot be read."""
        await self._following(database_clock.measure)
        await self._change_feed.start()
        if settings.REDIS_URL:  # on this thread: that of the leases needs no connection of its own then
            with suppress(*_away()):
                await self._following(self._store.checkpoint)
        await self._lease_client.start()
        await self._heartbeat.beat()
        works: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("lag", self._writer.watch()),  # first, so that the others' looks do not count
            ("change-feed", self._change_feed.follow()),
            ("expire", _again(self._change_feed.close_expired, EXPIRY_SECONDS, self._change_feed.has_expired)),
            ("clock", _again(partial(self._following, database_clock.measure), database_clock.MEASURED_SECONDS)),
            ("heartbeat", _again(self._heartbeat.beat, LOOK_SECONDS, self._heartbeat.is_due)),
            ("breaker", self._breaker.share()),
            ("connection-log", self.connection_log.keep()),
            ("live", self._live.keep()),
            ("refusal-log", self._refusal_log.keep()),
            ("dial-log", _again(self._dial_log.write, WRITE_SECONDS, self._dial_log.is_waiting)),
            ("violation-log", _again(self._violation_log.write, WRITE_SECONDS, self._violation_log.is_waiting)),
            ("events", _again(self._events.write, EVENT_SECONDS, self._events.is_waiting)),
            ("recorder", self.recorder.keep()),
            ("report", self._writer.report()),
        ]
        if settings.REDIS_URL:  # a database has nothing to save
            works.append(("checkpoints", _again(partial(self._following, self._store.checkpoint), CHECKPOINT_SECONDS)))
        for name, work in works:
            task = asyncio.create_task(work, name=f"gateway-{name}")
            task.add_done_callback(_report)
            self._tasks.append(task)

    def not_ready(self) -> str:
        """Why clients should go elsewhere; empty once everything has been read, and while the database answers."""
        if not self._tasks:
            return "The routes are not loaded yet."
        age, most = self._change_feed.age(), settings.FEED_READY_SECONDS
        return f"The database has not been read for {age:.0f} seconds." if most and age > most else ""

    async def stop(self) -> None:
        """End everything that `start` began."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._lease_client.stop()
        await self.dialer.resolver.close()
        await self._writer.stop()
        await self.connection_log.stop()
        await self._refusal_log.write()
        await self._violation_log.write()
        await self.recorder.write()
        if self.tracing:
            await self.tracing.stop()
        await self._dial_log.write()
        await self._events.write()
        await self._heartbeat.stop()
        self._mark.close()
        self._asking.close()
        self._following.close()


async def _again(
    work: Callable[[], Awaitable[object]], seconds: float, is_due: Callable[[], bool] | None = None
) -> None:
    """Do it every so many seconds, unless it says that there is nothing to do, until cancelled."""
    away = _away()
    while True:
        await rest(seconds, is_due)
        with suppress(*away):
            await work()


def _away() -> tuple[type[Exception], ...]:
    """What is raised while something is away, of which the log hears from the change feed and the leases."""
    return (DatabaseError, StoreRecovering, *unreachable())


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("The task %s ended, and with it what it kept true.", task.get_name(), exc_info=error)
