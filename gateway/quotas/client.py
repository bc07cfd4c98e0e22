"""Keeps one worker supplied with leases, off the event loop; one module, for its states and its look are one loop."""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final

from core.clock import SharedClock
from core.enums import at_hand
from gateway.database import DatabaseThread, Runner, WriteMark
from gateway.pulse import SHARPNESS, next_beat, wake_at
from gateway.quotas.admission import Admission
from gateway.quotas.chores import RECONCILE_SECONDS, Chores
from gateway.quotas.clock import clock as plan_clock
from gateway.quotas.limits import PlanLimits
from gateway.quotas.meter import LimitExceeded, LimitSource
from gateway.quotas.rules import LeaseStore, StoreRecovering
from gateway.quotas.spent_file import SpentFile
from gateway.quotas.state import Batch, LeaseState, PlanOf

SHORTEST_SECONDS, LONGEST_SECONDS = 0.001, 1.0  # between two looks
BEAT_SECONDS, CALM_SECONDS = 0.1, 0.2  # looks for which nobody waits are taken with what else is done then
JUMP_SECONDS: Final = 0.5  # a clock that moves so far against the loop's was set
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


@at_hand
class ClientState(Enum):
    """What a lease client is about. It is woken by whoever needs the store, and at the latest by its timer."""

    IDLE = auto()
    WOKEN = auto()  # something has changed: it looks in the next turn of the loop
    ASKING = auto()  # the store has a question
    ASKING_WOKEN = auto()  # the store has a question, and something has changed meanwhile
    STOPPED = auto()  # no question is begun any more


@at_hand
class ClientEvent(Enum):
    """What changes what a lease client is about."""

    WOKEN = auto()
    LOOKED = auto()
    ASKED = auto()
    ANSWERED = auto()  # or the store could not be asked
    STOPPED = auto()


_S, _E = ClientState, ClientEvent
TRANSITIONS: Final = {
    (_S.IDLE, _E.WOKEN): _S.WOKEN,
    (_S.IDLE, _E.LOOKED): _S.IDLE,  # the timer has run out
    (_S.IDLE, _E.ASKED): _S.ASKING,
    (_S.IDLE, _E.STOPPED): _S.STOPPED,
    (_S.WOKEN, _E.WOKEN): _S.WOKEN,
    (_S.WOKEN, _E.LOOKED): _S.IDLE,
    (_S.WOKEN, _E.ASKED): _S.ASKING_WOKEN,  # the look itself has changed something
    (_S.WOKEN, _E.STOPPED): _S.STOPPED,
    (_S.ASKING, _E.WOKEN): _S.ASKING_WOKEN,
    (_S.ASKING, _E.LOOKED): _S.ASKING,
    (_S.ASKING, _E.ANSWERED): _S.WOKEN,
    (_S.ASKING, _E.STOPPED): _S.STOPPED,
    (_S.ASKING_WOKEN, _E.WOKEN): _S.ASKING_WOKEN,
    (_S.ASKING_WOKEN, _E.LOOKED): _S.ASKING,
    (_S.ASKING_WOKEN, _E.ANSWERED): _S.WOKEN,
    (_S.ASKING_WOKEN, _E.STOPPED): _S.STOPPED,
    (_S.STOPPED, _E.WOKEN): _S.STOPPED,  # connections still leave
    (_S.STOPPED, _E.LOOKED): _S.STOPPED,
    (_S.STOPPED, _E.ANSWERED): _S.STOPPED,  # the question that was under way
}
"""What is not here does not happen: KeyError."""
_WOKEN: Final = {_S.WOKEN, _S.ASKING_WOKEN}
_ASKING: Final = {_S.ASKING, _S.ASKING_WOKEN}


class LeaseClient:
    """The plans of one worker. Make it in the worker, after the last fork, and use it from the event loop only.

    `folder` is where this host's workers keep their records of what they spent. `clock` gives epoch seconds; a shared
    one is measured against that of the store. `run` takes questions elsewhere: to a thread of its own if none is given.
    `mark`, of a store in the database, tells that nobody can be waiting for what is held here.
    """

    def __init__(
        self,
        store: LeaseStore,
        folder: Path,
        *,
        clock: Callable[[], float] = plan_clock,
        run: Runner | None = None,
        mark: WriteMark | None = None,
    ) -> None:
        self.clock = clock
        self._mark = mark
        self.state = ClientState.IDLE
        holder = uuid.uuid4().hex
        self._file = SpentFile(folder, holder)
        self.lease_state = LeaseState(self._file, partial(self._on, ClientEvent.WOKEN))
        self._close: Callable[[], None] = lambda: None
        if run is None:
            own = DatabaseThread("leases")
            run, self._close = own, own.close
        self._run = run
        self._loop = asyncio.get_running_loop()
        measure = partial(clock.measure, store.time) if isinstance(clock, SharedClock) else lambda: None
        self.chores = Chores(store, holder, folder, measure)
        self._timer: asyncio.TimerHandle | None = None  # while it is calm it is looked after at each beat
        self._look_at = 0.0
        self._question: asyncio.Task[None] | None = None
        self._ahead = self.clock() - self._loop.time()
        self._asked_at = 0.0
        self._epoch = ""  # the life of the store that was last told what is held here
        self._store_trouble = self._others_trouble = ""  # what the log was told last

    async def start(self) -> None:
        """Begin, knowing what time it is; leases of workers of this host that have died are ended first."""
        with suppress(Exception):  # each engine has errors of its own; it is measured before the first question then
            async with asyncio.timeout(LATE_SECONDS):
                await self._run(self.chores.measure)
        self._ahead = self.clock() - self._loop.time()
        self._on(ClientEvent.WOKEN)
        wake_at(next_beat(self._loop.time(), CALM_SECONDS), self._beat)

    async def stop(self) -> None:
        """Give all leases back. What cannot be given back now, another worker of this host gives back."""
        is_asking = self.state in _ASKING
        self._on(ClientEvent.STOPPED)
        if self._timer:
            self._timer.cancel()
        if is_asking and self._question:
            await self._question
        self.lease_state.end()
        self._file.close(is_settled=await self._ask(self.lease_state.collect(self.clock()), is_last=True))
        await asyncio.to_thread(self._close)

    async def enter(
        self,
        *,
        subscription: PlanOf | None,
        application: PlanOf | None,
        api: PlanOf | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Admission:
        """Let a connection in under its plans and the limits of its API; call the admission's `leave` when it is over.

        Raises PlanExceeded, or PlanUnknown when the store did not answer within `patience` seconds.
        """
        now = self.clock()
        admission = self.lease_state.enter(subscription=subscription, application=application, api=api, now=now)
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

    def enter_now(
        self, subscription: PlanOf | None, application: PlanOf | None, api: PlanOf | None
    ) -> Admission | None:
        """The same where it can be done at once; None: it takes `enter` to wait, or to say why not."""
        now = self.clock()
        admission = self.lease_state.enter(subscription=subscription, application=application, api=api, now=now)
        if admission.try_admit(now) is None:
            return admission
        admission.leave(now)
        return None

    def change(self, key: str, limits: PlanLimits) -> None:
        """The plan of this account is now this one, also for open connections."""
        self.lease_state.change(key, limits, self.clock())

    def _on(self, event: ClientEvent) -> None:
        if event is ClientEvent.WOKEN and (self.state is ClientState.WOKEN or self.state is ClientState.ASKING_WOKEN):
            return  # as the table says; each connection that comes or goes has it look
        before, self.state = self.state, TRANSITIONS[self.state, event]
        if self.state in _WOKEN and before not in _WOKEN:
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._on(ClientEvent.LOOKED)
        if self.state is ClientState.STOPPED:
            return
        now = self.clock()
        try:
            self._notice_jump(now)
            self.lease_state.tick(now)
            if self.state not in _ASKING:
                batch = self.lease_state.collect(now)
                self.chores.spare(now, self._mark)
                if batch.requests or batch.reservations or now >= self.chores.due(self.lease_state.holds_leases):
                    self._on(ClientEvent.ASKED)
                    self._asked_at = self._loop.time()
                    self._question = self._loop.create_task(self._ask_on(batch))
            elif self._loop.time() - self._asked_at > LATE_SECONDS:
                self._tell_of_store(f"no answer for {LATE_SECONDS:g} s")
        finally:
            due, begun = self.lease_state.due(), self._loop.time()
            later = due if due == self.lease_state.rounds.look_at else math.inf
            if self.state not in _ASKING:
                due = min(due, self.lease_state.asks_at())
                later = min(later, self.chores.due(self.lease_state.holds_leases))
            if self._timer:
                self._timer.cancel()
                self._timer = None
            self._look_at = begun + min(max(0.0, later - now), LONGEST_SECONDS)
            if due < later or not self.lease_state.rounds.is_calm or self.state in _ASKING:
                at = next_beat(self._look_at, BEAT_SECONDS)
                if due < later:
                    at = begun + max(SHORTEST_SECONDS, due - now)
                self._timer = self._loop.call_at(min(at, begun + LONGEST_SECONDS), self._look)

    def _beat(self, now: float) -> float | None:
        """While it is calm: whether it is time to look, or something calls for a look before."""
        if self.state is ClientState.STOPPED:
            return None
        if self.state is ClientState.IDLE:
            is_news = self._mark and self.lease_state.holds_leases and self.chores.is_news(self._mark)
            if is_news:
                self.chores.next.contended = min(self.chores.next.contended, self.clock())
            is_time = self._timer is None and now >= self._look_at - SHARPNESS
            if is_news or is_time or self.lease_state.rounds.is_stirring():
                self._look()
        return next_beat(now, CALM_SECONDS)

    def _notice_jump(self, now: float) -> None:
        """The clock may be set, and a machine may sleep: what waits for a time must not wait for that of before."""
        ahead = now - self._loop.time()
        moved, self._ahead = ahead - self._ahead, ahead
        if abs(moved) > JUMP_SECONDS:
            log.warning("The clock was set %s by %.1f s.", "forward" if moved > 0 else "back", abs(moved))
            self.chores.clock_set(now)
        if moved < -JUMP_SECONDS:
            self.lease_state.clock_set_back(now)

    async def _ask_on(self, batch: Batch) -> None:
        """Ask in parts that hold the store up only for a moment each; then see to the leases of dead workers.

        What fails of the latter is done later: what this worker itself needs does not depend on it.
        """
        try:
            size = max(len(batch.requests), len(batch.reservations))
            if self.lease_state.holds_leases and self.clock() >= self.chores.asks_at():
                size = max(size, 1)
            for begin in range(0, size, BATCH):
                part = slice(begin, begin + BATCH)
                self._asked_at = self._loop.time()
                await self._ask(Batch(batch.requests[part], batch.reservations[part]))
            if (now := self.clock()) >= self.chores.due(holds_leases=False):
                try:
                    await self._run(partial(self.chores.look_after_others, now))
                    self._others_trouble = ""
                except Exception as error:  # each engine has errors of its own
                    trouble, later = str(error), self.clock() + RECONCILE_SECONDS
                    self.chores.next.reconcile = max(self.chores.next.reconcile, later)
                    self.chores.next.expire = max(self.chores.next.expire, later)
                    if trouble and not self._store_trouble and trouble != self._others_trouble:
                        log.error("Leases of workers that have died cannot be ended: %s. It is tried again.", trouble)
                    self._others_trouble = trouble
        finally:
            self._on(ClientEvent.ANSWERED)

    async def _ask(self, batch: Batch, *, is_last: bool = False) -> bool:
        """Ask the store and apply what it says; whether it could be asked."""
        holds = self.lease_state.holds_leases
        mark = self._mark.known() if self._mark else None
        try:
            outcome = await self._run(partial(self.chores.ask, batch, holds, self.clock(), is_last, mark))
        except Exception as error:  # each engine has errors of its own, and the connections must go on
            self.lease_state.fail(batch, self.clock())
            if isinstance(error, StoreRecovering) and error.epoch not in ("", self._epoch):
                self._epoch = error.epoch
                self.lease_state.tell_again()
            self._tell_of_store(str(error))
            return False
        self._tell_of_store("")
        self.lease_state.apply(batch, outcome.answers, outcome.reserved, self.clock())
        self.lease_state.give_up(outcome.contended)
        if outcome.is_forgotten:
            self.lease_state.tell_again()
        return True

    def _tell_of_store(self, trouble: str) -> None:
        """The store answers (no trouble) or does not: the log hears of it once, and when it is over."""
        if trouble and not self._store_trouble:
            sentence = "The store of plans cannot be asked: %s. Messages that need it wait until it can."
            log.error(sentence, " ".join(trouble.split()))
        elif self._store_trouble and not trouble:
            log.info("The store of plans can be asked again.")
        self._store_trouble = trouble


async def renewed(source: LimitSource) -> None:
    """Wait until it is worth trying again to draw from `source`."""
    event = asyncio.Event()
    source.hold(event.set)
    try:
        await event.wait()
    finally:
        source.waiting.pop(event.set, None)
