"""A store of leases that tells how long it took to answer, and when it failed to or has forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.quotas.rules import LeaseStore, StoreForgot


class InstrumentedStore:
    """Asks `store`, and calls `told(seconds, is_answered)` after each exchange and each reservation, in the
    same thread, and `forgot()` when it was found to have forgotten."""

    def __init__(
        self, store: LeaseStore, told: Callable[[float, bool], None], forgot: Callable[[], None] = lambda: None
    ) -> None:
        self._told = told
        self._forgot = forgot
        self.exchange = self._watched()(store.exchange)
        self.reserve = self._watched()(store.reserve)
        self.checkpoint = self._watched(is_told=False)(store.checkpoint)
        # The rest is the store's own: nobody waits for it.
        self.contended, self.beat, self.reconcile = store.contended, store.beat, store.reconcile
        self.used, self.expire, self.time = store.used, store.expire, store.time
        self.lost, self.settle = store.lost, store.settle

    @contextmanager
    def _watched(self, *, is_told: bool = True) -> Iterator[None]:
        begun, is_answered = time.perf_counter(), False
        try:
            yield
            is_answered = True
        except StoreForgot:
            self._forgot()
            raise
        finally:
            if is_told:
                self._told(time.perf_counter() - begun, is_answered)
