"""Leaves a backend that fails alone for a while. Pure: the caller brings the clock.

An address is suspended after so many failures in a row, first for `suspend_initial` seconds and each time for
`suspend_factor` times as long, up to `suspend_maximum`. When that has passed one connection is let through to see
(half-open); the others wait for what it finds. One success forgets everything.

Several workers share what they know: each tells its `news`, `merge` makes one `BreakerState` of all, and each learns
that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from publisher.endpoint import EndpointOptions


class Breaker(Protocol):
    """What is asked before an address is dialled, and told afterwards."""

    async def begin(self, address: str, options: EndpointOptions) -> float:
        """0 to go ahead, or the seconds until it is worth asking again. Who goes ahead reports what came of it."""
        ...

    def succeeded(self, address: str) -> None: ...

    def failed(self, address: str, options: EndpointOptions) -> None: ...

    def abandoned(self, address: str) -> None: ...


class LocalBreaker:
    """One worker's own experience. `clock` may be any that goes forward, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = CircuitBreaker()
        self._clock = clock

    async def begin(self, address: str, options: EndpointOptions) -> float:
        """As Breaker has it."""
        return self._own.begin(address, self._clock())

    def succeeded(self, address: str) -> None:
        """The backend accepted the connection."""
        self._own.succeeded(address)

    def failed(self, address: str, options: EndpointOptions) -> None:
        """The backend could not be reached, or failed to answer."""
        self._own.failed(address, options, self._clock())

    def abandoned(self, address: str) -> None:
        """Nothing was learned."""
        self._own.abandoned(address)


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What all workers know of an address: failures in a row, the latest pause and its end (0: not suspended)."""

    address: str
    failures: int
    pause: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class BreakerReport:
    """What one worker has seen of an address since it last told: first perhaps a success, then failures.

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


def merge(known: BreakerState | None, news: BreakerReport, now: float) -> BreakerState | None:
    """What is known of an address after some news; None when there is nothing to remember."""
    if known is None or news.has_recovered:
        known = BreakerState(news.address, 0)
    failures, pause, until = known.failures + news.failures, known.pause, known.until
    if news.until > until:
        pause, until = news.pause, news.until
    elif not until and news.failures and failures >= news.after:
        pause, until = news.initial, now + news.initial
    return BreakerState(news.address, failures, pause, until) if failures else None


class CircuitBreaker:
    """What is known of every address that failed lately."""

    def __init__(self) -> None:
        self._troubled: dict[str, _Trouble] = {}
        self._recovered: set[str] = set()
        self._released: set[str] = set()

    def begin(self, address: str, now: float) -> float:
        """Ask to dial `address`: 0 to go ahead, or the seconds until it is worth asking again.

        Whoever goes ahead reports `succeeded`, `failed` or `abandoned`.
        """
        trouble = self._troubled.get(address)
        if trouble is None or not trouble.until:
            return 0.0
        if now < trouble.until:
            return min(trouble.until - now, trouble.pause)  # were the clock set back, it would be longer
        if trouble.probing:
            return 1.0
        trouble.probing = True
        return 0.0

    def is_probed(self, address: str) -> bool:
        """Whether somebody is looking whether the address is well again."""
        trouble = self._troubled.get(address)
        return trouble is not None and trouble.probing

    def is_suspended(self, address: str) -> bool:
        """Whether the address is suspended, or half open."""
        trouble = self._troubled.get(address)
        return trouble is not None and trouble.until > 0

    def succeeded(self, address: str) -> bool:
        """The backend accepted the connection. Whether that is news."""
        if self._troubled.pop(address, None) is None:
            return False
        self._recovered.add(address)
        self._released.discard(address)
        return True

    def failed(self, address: str, options: EndpointOptions, now: float) -> None:
        """The backend could not be reached, or failed to answer."""
        if options.prevent_suspension:
            self.succeeded(address)
            return
        trouble = self._troubled.setdefault(address, _Trouble())
        if trouble.until and not trouble.probing:
            return  # it was dialled before the suspension that is running; that is old news
        trouble.probing = False
        trouble.failures += 1
        trouble.untold += 1
        trouble.after, trouble.initial = options.suspend_after, options.suspend_initial
        if trouble.until or trouble.failures >= options.suspend_after:
            trouble.pause = min(
                trouble.pause * options.suspend_factor if trouble.pause else options.suspend_initial,
                options.suspend_maximum,
            )
            trouble.until = now + trouble.pause

    def abandoned(self, address: str) -> None:
        """The client went away before anything was known of the backend."""
        if (trouble := self._troubled.get(address)) and trouble.probing:
            trouble.probing = False
            self._released.add(address)

    def step_back(self, address: str) -> None:
        """Somebody else is looking already."""
        if trouble := self._troubled.get(address):
            trouble.probing = False

    def news(self) -> list[BreakerReport]:
        """What happened here since the last time; tell it, or `keep` it for the next."""
        told = [
            BreakerReport(
                address=address,
                has_recovered=address in self._recovered,
                failures=trouble.untold,
                pause=trouble.pause if trouble.untold else 0.0,
                until=trouble.until if trouble.untold else 0.0,
                after=trouble.after,
                initial=trouble.initial,
                is_released=address in self._released,
            )
            for address, trouble in self._troubled.items()
            if trouble.untold or address in self._recovered or address in self._released
        ]
        told += [BreakerReport(address, has_recovered=True) for address in self._recovered - self._troubled.keys()]
        for trouble in self._troubled.values():
            trouble.untold = 0
        self._recovered.clear()
        self._released.clear()
        return told

    def keep(self, news: Iterable[BreakerReport]) -> None:
        """Take back what could not be told."""
        for each in news:
            if each.has_recovered:
                self._recovered.add(each.address)
            if each.is_released:
                self._released.add(each.address)
            if trouble := self._troubled.get(each.address):
                trouble.untold += each.failures

    def learn(self, known: Iterable[BreakerState]) -> None:
        """Take over what all workers know, except of addresses that there is untold news of."""
        found = {each.address: each for each in known}
        for address in [each for each in self._troubled if each not in found]:
            if not self._troubled[address].untold:
                del self._troubled[address]
        for address, each in found.items():
            trouble = self._troubled.get(address)
            if address in self._recovered or (trouble and trouble.untold):
                continue
            trouble = self._troubled.setdefault(address, _Trouble())
            trouble.failures, trouble.pause, trouble.until = each.failures, each.pause, each.until


class _Trouble:
    """One address: failures in a row, those not told yet, and the latest pause and its end (0: not suspended)."""

    __slots__ = ("after", "failures", "initial", "pause", "probing", "until", "untold")

    def __init__(self) -> None:
        self.failures = 0
        self.untold = 0
        self.pause = 0.0
        self.until = 0.0
        self.after = 0
        self.initial = 0.0
        self.probing = False
