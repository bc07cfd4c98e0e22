"""A thread with a database connection of its own, so that the event loop never waits for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")


class Runner(Protocol):
    """Runs work that uses the database, somewhere else than on the loop, and gives back what it returned."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Run `work`; raises what it raised."""


class DatabaseThread:
    """One thread, one connection, one piece of work at a time, in the order in which it was asked for."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run `work`; raises what it raised, `django.db.Error` when the database cannot be reached."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _run, work)

    def close(self) -> None:
        """Finish what was begun, close the connection and end the thread. Blocks until then."""
        # Not `connection.close` itself: that would be the connection of the thread that calls this.
        self._pool.submit(lambda: connection.close())
        self._pool.shutdown(wait=True, cancel_futures=False)


def _run(work: Callable[[], T]) -> T:
    try:
        return work()
    except (OperationalError, InterfaceError):
        # The connection may have died while it was idle; a second failure on a fresh one is the database's own.
        connection.close()
    try:
        return work()
    except (OperationalError, InterfaceError):
        connection.close()
        raise
