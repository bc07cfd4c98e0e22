"""A store of leases that tells how long it took to answer, and when it failed to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from gateway.quotas.limits import Window
from gateway.quotas.rules import LeaseAnswer, LeaseRequest, LeaseStore, Reservation, Reserved, WindowUsage


class InstrumentedStore(LeaseStore):
    """Asks `store`, and calls `told(seconds, is_answered)` after each exchange and each reservation, in the
    same thread."""

    def __init__(self, store: LeaseStore, told: Callable[[float, bool], None]) -> None:
        self._store = store
        self._told = told

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        with self._watched():
            return self._store.exchange(holder, requests, now)

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        with self._watched():
            return self._store.reserve(reservations, now)

    def contended(self, holder: str, now: float) -> list[int]:
        return self._store.contended(holder, now)

    def beat(self, holder: str, now: float) -> bool:
        return self._store.beat(holder, now)

    def reconcile(self, holder: str, spent: Mapping[int, int] | None) -> None:
        self._store.reconcile(holder, spent)

    def used(self, windows: Sequence[tuple[str, Window]]) -> list[WindowUsage]:
        return self._store.used(windows)

    def expire(self, now: float) -> None:
        self._store.expire(now)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        except Exception:
            self._told(time.perf_counter() - begun, False)
            raise
        self._told(time.perf_counter() - begun, True)
