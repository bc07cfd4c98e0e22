"""Which backends may be dialled now, as the dial asks it; and the answer from one worker's own experience."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from gateway.suspension import SuspensionOptions, Suspensions


class HealthOptions(SuspensionOptions, Protocol):
    """The part of an endpoint's advanced configuration that is obeyed here; durations in seconds."""

    @property
    def connect_timeout(self) -> float: ...


class Health(Protocol):
    """What is asked before an address is dialled, and told afterwards."""

    async def begin(self, address: str, options: HealthOptions) -> float:
        """0 to go ahead, or the seconds until it is worth asking again. Who goes ahead reports what came of it."""
        ...

    def succeeded(self, address: str) -> None: ...

    def failed(self, address: str, options: HealthOptions) -> None: ...

    def abandoned(self, address: str) -> None: ...


class OwnHealth:
    """One worker's own experience. `clock` may be any that goes forward, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = Suspensions()
        self._clock = clock

    async def begin(self, address: str, options: HealthOptions) -> float:
        """As Health has it."""
        return self._own.begin(address, self._clock())

    def succeeded(self, address: str) -> None:
        """The backend accepted the connection."""
        self._own.succeeded(address)

    def failed(self, address: str, options: HealthOptions) -> None:
        """The backend could not be reached, or failed to answer."""
        self._own.failed(address, options, self._clock())

    def abandoned(self, address: str) -> None:
        """Nothing was learned."""
        self._own.abandoned(address)
