"""Said in the log once when the database is away and once when it is back, whoever notices, however often."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CALM_SECONDS = 5.0  # without a failure, before an answer counts as the end
FULL = ("too many clients", "too many connections", "remaining connection slots")

log = logging.getLogger("apimanager.database")


class DatabaseSilent(Exception):
    """The server took a question and has not answered it. Django raises its own OperationalError from this.

    What is raised is an error of the driver's too, see `core.postgresql.base`; on SQLite nobody loads the driver.
    """


@dataclass(eq=False, repr=False)
class Outage:
    """One process' experience with the database. `failed` and `answered` may be called from any thread.

    What they say is said in a context of its own: whoever happens to notice it first, it is not about that request.
    """

    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _failures: int = field(default=0, init=False)
    _began_at: float = field(default=0.0, init=False)
    _failed_at: float = field(default=0.0, init=False)

    def failed(self, error: BaseException) -> None:
        """A question was not answered."""
        with self._lock:
            self._failures += 1
            self._failed_at = self.clock()
            is_first = self._failures == 1
            if is_first:
                self._began_at = self._failed_at
        if is_first:
            said = " ".join(str(error).split()) or type(error).__name__
            if any(words in said for words in FULL):
                said = f"it takes no more connections; raise its max_connections or run fewer workers ({said})"
            contextvars.Context().run(log.error, "The database cannot be used: %s", said)

    def answered(self) -> None:
        """A question was answered. Costs nothing while all is well."""
        if not self._failures:
            return
        with self._lock:
            if not self._failures or self.clock() - self._failed_at < CALM_SECONDS:
                return
            failures, self._failures = self._failures, 0
            seconds = self._failed_at - self._began_at
        contextvars.Context().run(
            log.warning, "The database answers again. For %.0f s it did not; %d attempts failed.", seconds, failures
        )


database = Outage()
"""This process' own."""
