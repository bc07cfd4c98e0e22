"""A small world for the metering tests: workers that share a store, and real relays between transports of ours.

Nothing here reads a clock: the test says what time it is, and `tests/gateway/quotas/conftest.py` tells the relay.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.quotas.admission import Admission
from gateway.quotas.limits import PlanLimits, Window
from gateway.quotas.rules import (
    GONE_SECONDS,
    LIVING_SECONDS,
    PRESSING_SECONDS,
    SETTLED_SECONDS,
    LeaseAnswer,
    LeaseRequest,
    LeaseStore,
    LostHolder,
    Reservation,
    Reserved,
    StoredLease,
    StoredWindow,
    WindowUsage,
    adopt,
    api_account,
    application_account,
    carried_over,
    decide,
    schedule,
    whole_api_account,
)
from gateway.quotas.state import LeaseState, PlanOf
from gateway.relay.splice import Relay
from gateway.relay.types import RelayOptions

EPOCH = 1_700_000_040.0
"""The beginning of a minute, well inside its day and its month."""


class Clock:
    """What time it is, as the test says."""

    def __init__(self) -> None:
        self.now = EPOCH

    def __call__(self) -> float:
        return self.now


class MemoryStore:
    """The terms of lending in plain dictionaries: what the engines have to be equal to."""

    def __init__(self) -> None:
        self.windows: dict[tuple[str, Window], StoredWindow] = {}
        self.leases: dict[tuple[str, Window], dict[tuple[str, int], StoredLease]] = {}
        self.seen: dict[str, float] = {}
        self.schedules: dict[str, float] = {}

    def checkpoint(self) -> None:
        pass

    def time(self) -> float | None:
        return None

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        return [self._serve(holder, request, now) for request in requests]

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        answers = []
        for reservation in reservations:
            end, answer = schedule(self.schedules.get(reservation.key, 0.0), reservation, now)
            self.schedules[reservation.key] = end
            answers.append(answer)
        return answers

    def contended(self, holder: str, now: float) -> list[int]:
        return [
            lease.lease_id
            for (key, window), leases in self.leases.items()
            for lease in leases.values()
            if lease.holder == holder
            and now - PRESSING_SECONDS < self.windows[key, window].contended_at
            and lease.reported_at < self.windows[key, window].contended_at
            and lease.granted > (lease.spent if window.end else 0)
        ]

    def beat(self, holder: str, now: float) -> bool:
        was_known = self.seen.get(holder, 0.0) >= now - GONE_SECONDS
        self.seen[holder] = now
        return was_known

    def reconcile(self, holder: str, spent: Mapping[int, int] | None) -> None:
        self._end(holder, spent, also_quotas=True)
        self.seen.pop(holder, None)

    def used(self, windows: Sequence[tuple[str, Window]]) -> list[WindowUsage]:
        usages = []
        for place in windows:
            lent = sum(lease.granted - lease.spent for lease in self.leases.get(place, {}).values())
            usages.append(WindowUsage(self.windows.get(place, StoredWindow()).granted - lent, lent))
        return usages

    def lost(self, now: float) -> list[LostHolder]:
        held = [
            (holder, at, [lease for key, leases in self.leases.items() for lease in leases.values() if key[1].end])
            for holder, at in self.seen.items()
            if at < now - GONE_SECONDS
        ]
        own = [(holder, at, [lease for lease in leases if lease.holder == holder]) for holder, at, leases in held]
        return [
            LostHolder(holder, at, sum(lease.granted for lease in leases), sum(lease.spent for lease in leases))
            for holder, at, leases in own
            if leases
        ]

    def settle(self, holder: str, *, as_reported: bool) -> None:
        leases = [lease for each in self.leases.values() for lease in each.values() if lease.holder == holder]
        self.reconcile(holder, {lease.lease_id: lease.spent for lease in leases} if as_reported else None)

    def expire(self, now: float) -> int:
        long_gone = [holder for holder, at in self.seen.items() if at < now - SETTLED_SECONDS]
        settled = [name for name in long_gone if any((name == key[0]) for each in self.leases.values() for key in each)]
        for holder in settled:
            self.reconcile(holder, None)
        for holder in [holder for holder, at in self.seen.items() if at < now - GONE_SECONDS]:
            self._end(holder, None, also_quotas=False)
            if not any(lease.holder == holder for leases in self.leases.values() for lease in leases.values()):
                del self.seen[holder]
        return len(settled)

    def _serve(self, holder: str, request: LeaseRequest, now: float) -> LeaseAnswer:
        place = (request.key, request.window)
        if place not in self.windows:
            self.windows[place] = StoredWindow(carried_over(self.used, request.key, request.window, now))
        window = self.windows[place]
        leases = self.leases.setdefault(place, {})
        for lease in leases.values():
            lease.living = self.seen.get(lease.holder, 0.0) > now - LIVING_SECONDS
        if (holder, request.lease_id) not in leases:
            if request.final:
                return LeaseAnswer(request.lease_id, 0, 0, 0)
            leases[holder, request.lease_id] = adopt(window, request, holder)
        others = [lease for lease in leases.values() if lease.holder != holder]
        answer = decide(window, leases[holder, request.lease_id], others, request, now)
        if request.final:
            del leases[holder, request.lease_id]
        return answer

    def _end(self, holder: str, spent: Mapping[int, int] | None, *, also_quotas: bool) -> None:
        for place, leases in self.leases.items():
            has_end = bool(place[1].end)
            for lease in [
                lease for lease in leases.values() if lease.holder == holder and (also_quotas or not has_end)
            ]:
                gone = min((spent or {}).get(lease.lease_id, lease.granted), lease.granted) if has_end else 0
                self.windows[place].granted -= lease.granted - gone
                del leases[holder, lease.lease_id]


class ListCells:
    """Counts in memory, readable after the worker's death as its file would be."""

    def __init__(self) -> None:
        self.counts: dict[int, array[int]] = {}
        self._last_id = 0

    def allocate(self) -> tuple[int, array[int], int]:
        self._last_id += 1
        self.counts[self._last_id] = array("Q", [0])
        return self._last_id, self.counts[self._last_id], 0

    def free(self, lease_id: int) -> None:
        del self.counts[lease_id]

    def record(self) -> dict[int, int]:
        return {lease_id: count[0] for lease_id, count in self.counts.items()}


class SimulatedWorker:
    """One worker: its leases, and by hand what the lease client does with threads and timers."""

    def __init__(self, name: str, store: LeaseStore, now: float) -> None:
        self.name = name
        self.store = store
        self.cells = ListCells()
        self.lease_state = LeaseState(self.cells, lambda: None)
        self.flows: list[Flow] = []
        self._heard: Callable[[float], None] | None = None
        store.beat(name, now)

    def enter(
        self,
        now: float,
        plan: PlanLimits | None = None,
        *,
        who: str = "s",
        application: PlanLimits | None = None,
        api: PlanLimits | None = None,
    ) -> Admission:
        return self.lease_state.enter(
            subscription=None if plan is None else PlanOf(api_account("a", who), plan),
            application=None if application is None else PlanOf(application_account("a"), application),
            api=None if api is None else PlanOf(whole_api_account("s", "PRODUCTION"), api),
            now=now,
        )

    def look(self, now: float, *, lose: str = "") -> None:
        """One look of the lease client. `lose`: the "question" does not arrive, or the "answer" is lost."""
        self.hear(now)
        self.ask(now, lose=lose)
        self.hear(now)

    def ask(self, now: float, *, lose: str = "") -> None:
        """The first half of a look: the store has answered, and the answer is under way."""
        if self._heard is not None:
            return
        self.lease_state.tick(now)
        batch = self.lease_state.collect(now)
        answers, reserved = list[LeaseAnswer](), list[Reserved]()
        if lose != "question":
            answers = self.store.exchange(self.name, [request for _, request in batch.requests], now)
            reserved = self.store.reserve([reservation for _, reservation in batch.reservations], now)
        self._heard = (
            partial(self.lease_state.fail, batch) if lose else partial(self.lease_state.apply, batch, answers, reserved)
        )

    def hear(self, now: float) -> None:
        """The second half: the answer arrives, or is known to be lost."""
        if self._heard is not None:
            heard, self._heard = self._heard, None
            heard(now)

    def look_around(self, now: float) -> None:
        """What the lease client does now and then: say that it lives, and return what others wait for."""
        self.store.beat(self.name, now)
        self.lease_state.give_up(self.store.contended(self.name, now))

    def die(self) -> None:
        """Killed: nothing is returned, nothing said. Only the record of what was spent is left."""
        self.flows.clear()

    def bury(self) -> None:
        """Somebody on this host finds it dead."""
        self.store.reconcile(self.name, self.cells.record())


class Relayed:
    """A connection that the gateway relays: a real relay, between two transports that keep what they are given."""

    def __init__(self, admission: Admission, clock: Callable[[], float], *, may_skip: bool = True, limit: int = 0):
        self.admission = admission
        client, backend = KeepingTransport(), KeepingTransport()
        self.relay = Relay(
            client,  # type: ignore[arg-type]
            backend,  # type: ignore[arg-type]
            options=RelayOptions(limit=limit, keeps_context=(not may_skip, not may_skip)),
            wheel=_Idle(),  # type: ignore[arg-type]
            loop=_Idle(),  # type: ignore[arg-type]
            meters=(admission.client, admission.backend),
            on_end=lambda relay: None,
        )
        told_by(clock)
        self.relay.start()
        self.client = Flow(self, client, backend)
        self.backend = Flow(self, backend, client)


class Flow:
    """What one side of a relayed connection sends, and what of that reaches the other."""

    def __init__(self, connection: Relayed, source: KeepingTransport, sink: KeepingTransport) -> None:
        self.connection = connection
        self.sent = bytearray()
        self._source = source
        self._sink = sink

    @property
    def admission(self) -> Admission:
        return self.connection.admission

    @property
    def masked(self) -> bool:
        """Frames of a client are masked."""
        return self is self.connection.client

    @property
    def is_held(self) -> bool:
        """The gateway does not read from it at the moment."""
        return not self._source.is_reading

    @property
    def is_open(self) -> bool:
        return self.connection.relay.cause is None

    @property
    def code(self) -> int | None:
        """With which Close code the connection has ended."""
        cause = self.connection.relay.cause
        return cause.code if cause else None

    @property
    def reason(self) -> str:
        """Why the connection has ended, for people."""
        cause = self.connection.relay.cause
        return cause.reason if cause else ""

    @property
    def passed(self) -> bytes:
        """What reached the other side, but for a Close of the gateway's own (those of the tests are empty)."""
        written, last = bytes(self._sink.written), self._sink.last
        is_close_with_code = len(last) > 1 and last[0] == 0x88 and last[1] & 127
        return written.removesuffix(last) if is_close_with_code else written

    @property
    def counted(self) -> tuple[int, int]:
        """Messages and bytes that passed, as the gateway says."""
        traffic = self.connection.relay.traffic()
        return traffic[:2] if self is self.connection.client else traffic[2:]

    def receive(self, chunk: bytes) -> None:
        """A chunk has come in. What is held is not read, so nothing comes then."""
        assert not self.is_held
        self.sent += chunk
        if self.is_open:
            self._source.protocol.data_received(chunk)

    def leave(self, now: float) -> None:
        """Both sides are gone without a word."""

        async def lose() -> None:
            self._source.protocol.connection_lost(None)
            self._sink.protocol.connection_lost(None)

        asyncio.run(lose())
        self.admission.leave(now)
        self._source.is_reading = False


class KeepingTransport:
    """A transport that keeps what is written to it. Like one under TLS it has no socket to write to directly."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.last = b""
        self.is_reading = True
        self.protocol: Any = None

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        """It never has to wait."""

    def get_extra_info(self, name: str) -> object:
        return self if name == "ssl_object" else None

    def write(self, data: bytes) -> None:
        self.written += data
        self.last = data

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def is_closing(self) -> bool:
        return False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Nothing follows."""

    def close(self) -> None:
        """What is kept is kept."""


class _Idle:
    """A loop and a wheel at which nothing happens by itself."""

    tick = 1.0

    def time(self) -> float:
        return 0.0

    def watch(self, watched: object, delay: float) -> None:
        """Never."""

    def forget(self, watched: object) -> None:
        """Nothing was watched."""


_clock: Callable[[], float] = Clock()


def told_by(clock: Callable[[], float]) -> None:
    """From now on relays are told the time by this clock."""
    global _clock
    _clock = clock


def now() -> float:
    """What relays take for the time."""
    return _clock()
