"""A store of leases that tells how long it took to answer, and when it failed to or has forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gateway.quotas.rules import LeaseAnswer, LeaseRequest, LeaseStore, Reservation, Reserved, StoreForgot


class InstrumentedStore:
    """Asks `store`, and calls `told(seconds, is_answered)` after each exchange and each reservation, in the
    same thread, and `forgot()` when it was found to have forgotten."""

    def __init__(
        self, store: LeaseStore, told: Callable[[float, bool], None], forgot: Callable[[], None] = lambda: None
    ) -> None:
        self._store = store
        self._told = told
        self._forgot = forgot
        # The rest is the store's own: nobody waits for it.
        self.contended, self.beat, self.reconcile = store.contended, store.beat, store.reconcile
        self.used, self.expire, self.time = store.used, store.expire, store.time
        self.lost, self.settle = store.lost, store.settle

    def checkpoint(self) -> None:
        try:
            self._store.checkpoint()
        except StoreForgot:
            self._forgot()
            raise

    def exchange(self, holder: str, requests: Sequence[LeaseRequest], now: float) -> list[LeaseAnswer]:
        with self._watched():
            return self._store.exchange(holder, requests, now)

    def reserve(self, reservations: Sequence[Reservation], now: float) -> list[Reserved]:
        with self._watched():
            return self._store.reserve(reservations, now)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        except Exception as error:
            if isinstance(error, StoreForgot):
                self._forgot()
            self._told(time.perf_counter() - begun, False)
            raise
        self._told(time.perf_counter() - begun, True)
