"""Leaves a backend that fails alone for a while. Pure: it is given its clock.

An address is suspended after so many failures in a row, first for `suspend_initial` seconds and each time for
`suspend_factor` times as long, up to `suspend_maximum`. When that has passed one connection is let through to see
(half-open); the others wait for what it finds. One success forgets everything.

Several workers share what they know: each hands in its `reports`, `merge` makes one `BreakerState` of all, and each
adopts that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from publisher.endpoint import EndpointOptions


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What all workers know of an address: failures in a row, the latest pause and its end (0: not suspended)."""

    address: str
    failures: int
    pause: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class BreakerReport:
    """What one worker has seen of an address since its last report: first perhaps a success, then failures.

    `pause` and `until` are of a suspension that began here; `after` and `initial` are the options by which the failures
    of all workers together suspend it. `is_released`: a probe ended without a finding.
    """

    address: str
    has_recovered: bool = False
    failures: int = 0
    pause: float = 0.0
    until: float = 0.0
    after: int = 0
    initial: float = 0.0
    is_released: bool = False


def merge(known: BreakerState | None, report: BreakerReport, now: float) -> BreakerState | None:
    """What is known of an address after a report; None when there is nothing to remember."""
    if known is None or report.has_recovered:
        known = BreakerState(report.address, 0)
    failures, pause, until = known.failures + report.failures, known.pause, known.until
    if report.until > until:
        pause, until = report.pause, report.until
    elif not until and report.failures and failures >= report.after:
        pause, until = report.initial, now + report.initial
    return BreakerState(report.address, failures, pause, until) if failures else None


@dataclass(slots=True)
class AddressState:
    """One address: failures in a row, those not reported yet, and the latest pause and its end (0: not suspended)."""

    failures: int = 0
    unreported: int = 0
    pause: float = 0.0
    until: float = 0.0
    after: int = 0
    initial: float = 0.0
    probing: bool = False


@dataclass(eq=False, repr=False)
class CircuitBreaker:
    """What is asked before an address is dialled, and hears what came of it: here, one worker's own experience.

    `failing` are the addresses that fail, or did lately: of no other could `begin` say anything but to go ahead.
    `clock` may be any that goes forward, in seconds. `notify` is called when others should hear at once what `reports`
    has for them.
    """

    clock: Callable[[], float] = time.monotonic
    notify: Callable[[], None] = lambda: None
    failing: dict[str, AddressState] = field(default_factory=dict, init=False)
    _recovered: set[str] = field(default_factory=set, init=False)
    _released: set[str] = field(default_factory=set, init=False)

    async def begin(self, address: str, options: EndpointOptions) -> float:
        """Ask to dial `address`: 0 to go ahead, or the seconds until it is worth asking again.

        Whoever goes ahead reports `succeeded`, `failed` or `abandoned`.
        """
        state, now = self.failing.get(address), self.clock()
        if state is None or not state.until:
            return 0.0
        if now < state.until:
            return min(state.until - now, state.pause)  # were the clock set back, it would be longer
        if state.probing:
            return 1.0
        state.probing = True
        return 0.0

    def succeeded(self, address: str) -> None:
        """The backend accepted the connection, or refused it in a way that shows it is well."""
        if self.failing.pop(address, None):
            self._recovered.add(address)
            self._released.discard(address)
            self.notify()

    def failed(self, address: str, options: EndpointOptions) -> None:
        """The backend could not be reached, or failed to answer."""
        if options.prevent_suspension:
            self.succeeded(address)
            return
        state = self.failing.setdefault(address, AddressState())
        if state.until and not state.probing:
            return  # it was dialled before the suspension that is running; it says nothing new
        state.probing = False
        state.failures += 1
        state.unreported += 1
        state.after, state.initial = options.suspend_after, options.suspend_initial
        if state.until or state.failures >= options.suspend_after:
            state.pause = min(
                state.pause * options.suspend_factor if state.pause else options.suspend_initial,
                options.suspend_maximum,
            )
            state.until = self.clock() + state.pause
            self.notify()

    def abandoned(self, address: str, *, is_released: bool = True) -> None:
        """Nothing was learned. Unless another worker is looking already, the probe is free again (`is_released`)."""
        if (state := self.failing.get(address)) and state.probing:
            state.probing = False
            if is_released:
                self._released.add(address)

    def reports(self) -> list[BreakerReport]:
        """What happened here since the last time; hand it in, or `take_back` what cannot be."""
        reports = [
            BreakerReport(
                address=address,
                has_recovered=address in self._recovered,
                failures=state.unreported,
                pause=state.pause if state.unreported else 0.0,
                until=state.until if state.unreported else 0.0,
                after=state.after,
                initial=state.initial,
                is_released=address in self._released,
            )
            for address, state in self.failing.items()
            if state.unreported or address in self._recovered or address in self._released
        ]
        reports += [BreakerReport(address, has_recovered=True) for address in self._recovered - self.failing.keys()]
        for state in self.failing.values():
            state.unreported = 0
        self._recovered.clear()
        self._released.clear()
        return reports

    def take_back(self, reports: Iterable[BreakerReport]) -> None:
        """These could not be handed in; they go with the next."""
        for each in reports:
            if each.has_recovered:
                self._recovered.add(each.address)
            if each.is_released:
                self._released.add(each.address)
            if state := self.failing.get(each.address):
                state.unreported += each.failures

    def adopt(self, known: Iterable[BreakerState]) -> None:
        """Go by what all workers know, except of addresses of which something is still unreported."""
        found = {each.address: each for each in known}
        for address in [each for each in self.failing if each not in found]:
            if not self.failing[address].unreported:
                del self.failing[address]
        for address, each in found.items():
            state = self.failing.get(address)
            if address in self._recovered or (state and state.unreported):
                continue
            state = self.failing.setdefault(address, AddressState())
            state.failures, state.pause, state.until = each.failures, each.pause, each.until
