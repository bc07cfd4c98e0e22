"""A small world for the metering tests: workers that share a store, and relays that move bytes through them.

Nothing here reads a clock: the test says what time it is. The relay is the plainest that keeps the contract of
`gateway.relay.throttle`, with the real frame scanner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.quotas.admission import Admission
from gateway.quotas.limits import PlanLimits, Window
from gateway.quotas.meter import LimitExceeded
from gateway.quotas.rules import (
    GONE_SECONDS,
    LIVING_SECONDS,
    LeaseAnswer,
    LeaseRequest,
    LeaseStore,
    Reservation,
    Reserved,
    StoredLease,
    StoredWindow,
    WindowUsage,
    adopt,
    decide,
    is_contended,
    schedule,
)
from gateway.quotas.state import LeaseState
from gateway.relay.frames import FrameError, FrameScanner
from gateway.relay.throttle import FrameLimiter

EPOCH = 1_700_000_040.0
"""The beginning of a minute, well inside its day and its month."""


class MemoryStore:
    """The terms of lending in plain dictionaries: what the engines have to be equal to."""

    def __init__(self) -> None:
        self.windows: dict[tuple[str, Window], StoredWindow] = {}
        self.leases: dict[tuple[str, Window], dict[tuple[str, int], StoredLease]] = {}
        self.seen: dict[str, float] = {}
        self.lines: dict[str, float] = {}

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        return [self._serve(holder, request, now) for request in requests]

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        answers = []
        for reservation in reservations:
            self.lines[reservation.key], slots = schedule(self.lines.get(reservation.key, 0.0), reservation, now)
            answers.append(slots)
        return answers

    def contended(self, holder: str, now: float) -> list[int]:
        return [
            lease.lease_id
            for (key, window), leases in self.leases.items()
            for lease in leases.values()
            if lease.holder == holder and is_contended(self.windows[key, window], lease, bool(window.end), now)
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

    def expire(self, now: float) -> None:
        for holder in [holder for holder, at in self.seen.items() if at < now - GONE_SECONDS]:
            self._end(holder, None, also_quotas=False)
            if not any(lease.holder == holder for leases in self.leases.values() for lease in leases.values()):
                del self.seen[holder]

    def _serve(self, holder: str, request: LeaseRequest, now: float) -> LeaseAnswer:
        place = (request.key, request.window)
        window = self.windows.setdefault(place, StoredWindow())
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
        self.counts: dict[int, list[int]] = {}
        self._serial = 0

    def allocate(self) -> tuple[int, list[int], int]:
        self._serial += 1
        self.counts[self._serial] = [0]
        return self._serial, self.counts[self._serial], 0

    def free(self, lease_id: int) -> None:
        del self.counts[lease_id]

    def record(self) -> dict[int, int]:
        return {lease_id: count[0] for lease_id, count in self.counts.items()}


class SimulatedWorker:
    """One worker: a ledger, and by hand what the keeper does with threads and timers."""

    def __init__(self, name: str, store: LeaseStore, now: float) -> None:
        self.name = name
        self.store = store
        self.cells = ListCells()
        self.lease_state = LeaseState(self.cells, lambda: None)
        self.lines: list[Line] = []
        self._heard: Callable[[float], None] | None = None
        store.beat(name, now)

    def enter(
        self, now: float, plan: PlanLimits | None = None, *, who: str = "s", application: PlanLimits | None = None
    ) -> Admission:
        return self.lease_state.enter(
            subscription=None if plan is None else (who, plan),
            application=None if application is None else ("a", application),
            now=now,
        )

    def sequence(self, now: float, *, lose: str = "") -> None:
        """One turn of the keeper. `lose`: the "question" does not arrive, or the "answer" is lost."""
        self.hear(now)
        self.ask(now, lose=lose)
        self.hear(now)

    def ask(self, now: float, *, lose: str = "") -> None:
        """The first half of a turn: the store has answered, and the answer is under way."""
        if self._heard is not None:
            return
        self.lease_state.tick(now)
        batch = self.lease_state.collect(now)
        answers, slots = list[LeaseAnswer](), list[Reserved]()
        if lose != "question":
            answers = self.store.exchange(self.name, [request for _, request in batch.requests], now)
            slots = self.store.reserve([reservation for _, reservation in batch.reservations], now)
        self._heard = (
            partial(self.lease_state.fail, batch)
            if lose
            else partial(self.lease_state.reconcile, batch, answers, slots)
        )

    def hear(self, now: float) -> None:
        """The second half: the answer arrives, or is known to be lost."""
        if self._heard is not None:
            heard, self._heard = self._heard, None
            heard(now)

    def look_around(self, now: float) -> None:
        """What the keeper does now and then: say that it lives, and return what others wait for."""
        self.store.beat(self.name, now)
        self.lease_state.give_up(self.store.contended(self.name, now))

    def die(self) -> None:
        """Killed: nothing is returned, nothing said. Only the record of what was spent is left."""
        self.lines.clear()

    def bury(self) -> None:
        """Somebody on this host finds it dead."""
        self.store.reconcile(self.name, self.cells.record())


@dataclass
class Line:
    """One direction of one relayed connection: bytes in, bytes out."""

    entry: Admission
    clock: list[float]
    masked: bool = True
    limit: int = 0
    may_skip: bool = True
    sent: bytearray = field(default_factory=bytearray)
    passed: bytearray = field(default_factory=bytearray)
    kept: bytes = b""
    over: LimitExceeded | None = None
    error: FrameError | None = None
    is_held: bool = False

    def __post_init__(self) -> None:
        self.meter = self.entry.client if self.masked else self.entry.backend
        self.scanner = FrameScanner(masked=self.masked, limit=self.limit)
        self.limiter = FrameLimiter(self.scanner, self.meter, may_skip=self.may_skip)

    @property
    def is_open(self) -> bool:
        return self.over is None and self.error is None

    def receive(self, chunk: bytes) -> None:
        """A chunk has come in. A line that is held is not read, so nothing comes then."""
        assert not self.is_held
        self.sent += chunk
        if self.is_open:
            self._relay(self.kept + chunk)

    def resume(self) -> None:
        self.is_held = False
        if self.is_open:
            self._relay(self.kept)

    def _relay(self, data: bytes) -> None:
        scanner = self.scanner
        mark, messages, octets = scanner.mark(), scanner.messages, scanner.octets
        try:
            end = scanner.feed(data)
            clean = True
        except FrameError:
            end, clean = 0, False
        moved = (scanner.messages - messages, scanner.octets - octets)
        if clean and not self.limiter.skipping and self.meter.take(*moved):
            self.passed += data[:end]
            self.kept = data[end:]
            return
        scanner.rewind(mark)
        result = self.limiter.filter(data, self.clock[0])
        for start, stop in result.parts:
            self.passed += data[start:stop]
        self.kept = data[result.end :]
        if result.is_cut:
            self._relay(self.kept)
            return
        self.error = result.error
        if isinstance(result.blocked, LimitExceeded):
            self.over = result.blocked
        elif result.blocked is not None:
            self.is_held = True
            result.blocked.source.hold(self.resume)
