"""A thread with a database connection of its own, so that the event loop never waits for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
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

    Nobody waits longer than `seconds` (None: as long as it takes), whatever the thread is waiting for.
    """

    def __init__(self, name: str, *, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run `work`; raises what it raised, `django.db.Error` when the database cannot be reached."""
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
        # Not `connection.close` itself: that would be the connection of the thread that calls this.
        self._pool.submit(lambda: connection.close())
        self._pool.shutdown(wait=True, cancel_futures=False)


def _run(work: Callable[[], T]) -> T:
    try:
        return _told(work)
    except (OperationalError, InterfaceError) as error:
        connection.close()
        if isinstance(error.__cause__, outage.DatabaseSilent):
            outage.database.failed(error)
            raise
    try:
        # The connection may have died while it was idle; a second failure on a fresh one is the database's own.
        return _told(work)
    except (OperationalError, InterfaceError) as error:
        connection.close()
        outage.database.failed(error)
        raise


def _told(work: Callable[[], T]) -> T:
    answer = work()
    outage.database.answered()
    return answer
