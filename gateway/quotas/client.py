"""Keeps one worker supplied with leases: asks the store off the event loop, and ends the leases of dead workers."""

from __future__ import annotations

import asyncio
import logging
import math
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from gateway.database import DatabaseThread
from gateway.quotas.admission import Admission
from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import LimitExceeded, LimitSource
from gateway.quotas.rules import GONE_SECONDS, LeaseAnswer, LeaseStore, Reserved
from gateway.quotas.spent_file import SpentFile, reconcile_abandoned
from gateway.quotas.state import Batch, LeaseState, PlanOf

SHORTEST_SECONDS, LONGEST_SECONDS = 0.001, 1.0  # between two looks
JUMP_SECONDS: Final = 0.5  # a clock that moves so far against the loop's was set
CONTENDED_SECONDS: Final = 0.2
RECONCILE_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 2.0
EXPIRE_SECONDS: Final = 60.0
PATIENCE_SECONDS: Final = 5.0
LATE_SECONDS: Final = 3.0  # a store that has not answered for so long is away
BATCH: Final = 100  # requests in one go: a bound on how long the store is locked

log = logging.getLogger("gateway.quotas")


class PlanExceeded(Exception):
    """A plan does not let this connection in: that of the `subject`, subscription or application.

    `retry_after` is in seconds, from 1 on; the text is for people.
    """

    def __init__(self, over: LimitExceeded, now: float) -> None:
        super().__init__(over.sentence)
        self.subject = over.source.subject
        self.retry_after = max(1, math.ceil(over.resets_at - now)) if over.resets_at else 1


class PlanUnknown(Exception):
    """Whether the plan lets this connection in could not be found out in time: the store is away or too slow."""


class LeaseClient:
    """The plans of one worker. Make it in the worker, after the last fork, and use it from the event loop only.

    `folder` is where this host's workers keep their records of what they spent. `clock` gives epoch seconds.
    """

    def __init__(
        self,
        store: LeaseStore,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self._holder = uuid.uuid4().hex
        self._file = SpentFile(folder, self._holder)
        self.lease_state = LeaseState(self._file, self._changed)
        self._run = DatabaseThread("leases")
        self._loop = asyncio.get_running_loop()
        self._chores = _Chores(store, self._holder, folder)
        self._timer: asyncio.TimerHandle | None = None
        self._look_is_near = False
        self._asking: asyncio.Task[None] | None = None
        self._ahead = self.clock() - self._loop.time()
        self._asked_at = 0.0
        self._complaints = _Complaints()
        self._has_stopped = False

    async def start(self) -> None:
        """Begin; leases of workers of this host that have died are ended first."""
        self._changed()

    async def stop(self) -> None:
        """Give all leases back. What cannot be given back now, another worker of this host gives back."""
        self._has_stopped = True
        if self._timer:
            self._timer.cancel()
        if self._asking:
            await self._asking
        self.lease_state.end()
        if await self._ask(self.lease_state.collect(self.clock()), self._chores.leave):
            self._file.close()
        else:
            self._file.abandon()
        await asyncio.to_thread(self._run.close)

    async def enter(
        self,
        *,
        subscription: PlanOf | None,
        application: PlanOf | None,
        patience: float = PATIENCE_SECONDS,
    ) -> Admission:
        """Let a connection in under its plans; call the admission's `leave` when it is over.

        Raises PlanExceeded, or PlanUnknown when the store did not answer within `patience` seconds.
        """
        admission = self.lease_state.enter(subscription=subscription, application=application, now=self.clock())
        try:
            async with asyncio.timeout(patience):
                while (blocked := admission.try_admit(self.clock())) is not None:
                    if isinstance(blocked, LimitExceeded):
                        raise PlanExceeded(blocked, self.clock())
                    await renewed(blocked.source)
        except BaseException as error:
            admission.leave(self.clock())
            if isinstance(error, TimeoutError):
                raise PlanUnknown("The plan cannot be checked at the moment.") from error
            raise
        return admission

    def change(self, key: str, limits: PlanLimits) -> None:
        """The plan of this account is now this one, also for open connections."""
        self.lease_state.change(key, limits, self.clock())

    def _changed(self) -> None:
        if not self._look_is_near:
            self._look_is_near = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._look_is_near = False
        if self._has_stopped:
            return
        now = self.clock()
        try:
            self._notice_jump(now)
            self.lease_state.tick(now)
            if self._asking is None:
                self._begin_to_ask(now)
            elif self._loop.time() - self._asked_at > LATE_SECONDS:
                self._complaints.store(f"no answer for {LATE_SECONDS:g} s")
        finally:
            self._set_timer(now)

    def _notice_jump(self, now: float) -> None:
        """The clock may be set, and a machine may sleep: what waits for a time must not wait for that of before."""
        ahead = now - self._loop.time()
        moved, self._ahead = ahead - self._ahead, ahead
        if abs(moved) > JUMP_SECONDS:
            log.warning("The clock was set %s by %.1f s.", "forward" if moved > 0 else "back", abs(moved))
            self._chores.clock_set(now)
        if moved < -JUMP_SECONDS:
            self.lease_state.clock_set_back(now)

    def _begin_to_ask(self, now: float) -> None:
        batch = self.lease_state.collect(now)
        if batch.requests or batch.reservations or now >= self._chores.due(self.lease_state.holds_leases):
            self._asked_at = self._loop.time()
            self._asking = self._loop.create_task(self._ask_on(batch))

    def _set_timer(self, now: float) -> None:
        due = self.lease_state.due()
        if self._asking is None:
            due = min(due, self.lease_state.asks_at(), self._chores.due(self.lease_state.holds_leases))
        if self._timer:
            self._timer.cancel()
        wait = min(max(SHORTEST_SECONDS, due - now), LONGEST_SECONDS)
        self._timer = self._loop.call_later(wait, self._look)

    async def _ask_on(self, batch: Batch) -> None:
        try:
            for part in _parts(batch):
                self._asked_at = self._loop.time()
                await self._ask(part, None)
            if self._chores.owes_others(self.clock()):
                await self._look_after_others()
        finally:
            self._asking = None
            self._changed()

    async def _ask(self, batch: Batch, last: Callable[[], None] | None) -> bool:
        """Ask the store and apply what it says; whether it could be asked."""
        holds = self.lease_state.holds_leases
        work = partial(self._chores.ask, batch, holds, self.clock(), last)
        try:
            outcome = await self._run(work)
        except Exception as error:  # each engine has errors of its own, and the connections must go on
            self.lease_state.fail(batch, self.clock())
            self._complaints.store(str(error))
            return False
        self._complaints.store("")
        self.lease_state.apply(batch, outcome.answers, outcome.reserved, self.clock())
        self.lease_state.give_up(outcome.contended)
        if outcome.is_forgotten:
            self.lease_state.tell_again()
        return True

    async def _look_after_others(self) -> None:
        """What fails here is done later; what this worker itself needs does not depend on it."""
        try:
            await self._run(partial(self._chores.look_after_others, self.clock()))
        except Exception as error:  # each engine has errors of its own
            self._chores.put_off_others(self.clock())
            self._complaints.others(str(error))
        else:
            self._complaints.others("")


class _Complaints:
    """What the log was told of trouble with the store: each once, and when it is over."""

    def __init__(self) -> None:
        self._of_store = self._of_others = ""

    def store(self, trouble: str) -> None:
        """The store answers (no trouble) or does not."""
        if trouble and not self._of_store:
            log.error("The store of plans cannot be asked: %s. Messages that need it wait until it can.", trouble)
        elif self._of_store and not trouble:
            log.info("The store of plans can be asked again.")
        self._of_store = trouble

    def others(self, trouble: str) -> None:
        """Leases of dead workers could be ended (no trouble) or not."""
        if trouble and not self._of_store and trouble != self._of_others:
            log.error("Leases of workers that have died cannot be ended: %s. It is tried again.", trouble)
        self._of_others = trouble


class _Outcome(NamedTuple):
    answers: list[LeaseAnswer]
    reserved: list[Reserved]
    contended: list[int]
    is_forgotten: bool


class _Chores:
    """What a lease client does in its thread: asks, and now and then looks after others. Times are epoch seconds."""

    def __init__(self, store: LeaseStore, holder: str, folder: Path) -> None:
        self._store = store
        self._holder = holder
        self._folder = folder
        self._beat_at = self._contended_at = self._reconcile_at = self._expire_at = 0.0
        self._is_forgotten = False

    def due(self, holds_leases: bool) -> float:
        """When there is something to do, even when nothing is to be asked."""
        others = min(self._reconcile_at, self._expire_at)
        return min(others, self._beat_at, self._contended_at) if holds_leases else others

    def ask(self, batch: Batch, holds_leases: bool, now: float, last: Callable[[], None] | None) -> _Outcome:
        contended: list[int] = []
        if holds_leases and now >= self._beat_at:
            self._beat_at = now + BEAT_SECONDS
            self._is_forgotten |= not self._store.beat(self._holder, now)
        answers = self._store.exchange(self._holder, [request for _, request in batch.requests], now)
        reserved = self._store.reserve([reservation for _, reservation in batch.reservations], now)
        if holds_leases and now >= self._contended_at:
            self._contended_at = now + CONTENDED_SECONDS
            contended = self._store.contended(self._holder, now)
        if last:
            last()
        is_forgotten, self._is_forgotten = self._is_forgotten, False
        return _Outcome(answers, reserved, contended, is_forgotten)

    def clock_set(self, now: float) -> None:
        """The clock has been set: whoever lives has to have had the time to say so before anybody counts as gone."""
        self._beat_at = self._contended_at = self._reconcile_at = 0.0
        self._expire_at = now + GONE_SECONDS

    def leave(self) -> None:
        """This worker has returned everything."""
        self._store.reconcile(self._holder, {})

    def owes_others(self, now: float) -> bool:
        """Whether it is time to look after those who cannot do so themselves."""
        return now >= min(self._reconcile_at, self._expire_at)

    def look_after_others(self, now: float) -> None:
        """End the leases of workers of this host that have died, and let the store forget what is long over."""
        if now >= self._reconcile_at:
            if count := reconcile_abandoned(self._folder, self._store.reconcile):
                log.info("Ended the leases of %d worker(s) that had died.", count)
            self._reconcile_at = now + RECONCILE_SECONDS
        if now >= self._expire_at:
            self._store.expire(now)
            self._expire_at = now + EXPIRE_SECONDS

    def put_off_others(self, now: float) -> None:
        """It could not be done now."""
        self._reconcile_at = max(self._reconcile_at, now + RECONCILE_SECONDS)
        self._expire_at = max(self._expire_at, now + RECONCILE_SECONDS)


def _parts(batch: Batch) -> Iterator[Batch]:
    """A batch in pieces that hold the store up only for a moment each; one at least."""
    for begin in range(0, max(len(batch.requests), len(batch.reservations), 1), BATCH):
        yield Batch(batch.requests[begin : begin + BATCH], batch.reservations[begin : begin + BATCH])


async def renewed(source: LimitSource) -> None:
    """Wait until it is worth trying again to draw from `source`."""
    future = asyncio.get_running_loop().create_future()

    def resume() -> None:
        if not future.done():
            future.set_result(None)

    source.hold(resume)
    try:
        await future
    finally:
        source.forget(resume)
