"""A thread with a database connection of its own, so that the event loop never waits for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from django.db import InterfaceError, OperationalError, connection

from core import outage

T = TypeVar("T")


class Runner(Protocol):
    """Runs work that uses the database, somewhere else than on the loop, and gives back what it returned."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Run `work`; raises what it raised."""


class DatabaseThread:
    """One thread, one connection, one piece of work at a time, in the order in which it was asked for.

    Nobody waits longer than `seconds` (None: as long as it takes), whatever the thread is waiting for. A connection
    that was not used for `idle` seconds (None: for ever) is closed: many workers share what a server can hold.
    """

    def __init__(self, name: str, *, seconds: float | None = None, idle: float | None = None) -> None:
        self._seconds = seconds
        self._idle = idle
        self._used_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run `work`; raises what it raised, `django.db.Error` when the database cannot be reached."""
        if self._idle is not None:
            self._used_at = asyncio.get_running_loop().time()
            self._close_when_idle()
        answer = asyncio.wrap_future(self._pool.submit(_run, work))
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # also if nobody waits any more
        try:
            is_answered = bool((await asyncio.wait((answer,), timeout=self._seconds))[0])
        except asyncio.CancelledError:
            answer.cancel()
            raise
        if not is_answered:
            answer.cancel()
            error = OperationalError(f"no answer within {self._seconds:g} seconds")
            outage.database.failed(error)
            raise error
        return answer.result()

    def close(self) -> None:
        """Finish what was begun, close the connection and end the thread. Blocks until then."""
        if self._timer:
            self._timer.cancel()
        self._pool.submit(_close)
        self._pool.shutdown(wait=True, cancel_futures=False)

    def _close_when_idle(self, *, is_due: bool = False) -> None:
        """One timer, however often the thread is used: when it is due it looks how long ago that was."""
        loop = asyncio.get_running_loop()
        left = self._used_at + (self._idle or 0.0) - loop.time()
        if self._timer and not is_due:
            return
        self._timer = None
        if left > 0:
            self._timer = loop.call_later(left, partial(self._close_when_idle, is_due=True))
        else:
            self._pool.submit(_close)


def _close() -> None:
    """Not `connection.close` itself: that would be the connection of the thread that names it."""
    connection.close()


def _run(work: Callable[[], T]) -> T:
    is_second = False
    while True:
        try:
            answer = work()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            # It may have died while it was idle; a second failure, on a fresh one, is the database's own.
            if is_second or isinstance(error.__cause__, outage.DatabaseSilent):
                outage.database.failed(error)
                raise
            is_second = True
        else:
            outage.database.answered()
            return answer
