"""A thread with a database connection of its own, so that the event loop never waits for the database; and a mark that
tells without a thread that there is nothing to ask."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from django.db import InterfaceError, OperationalError, connection

from core import outage

T = TypeVar("T")
FULL_SECONDS = 1.0  # for which it is not asked again whether somebody has left a place
FRESH_SECONDS = 1.0  # for which a mark that was read in passing may be gone by
TURN_SECONDS = 0.02  # and one that the loop has looked at: what is done on one beat looks once


class Runner(Protocol):
    """Runs work that uses the database, somewhere else than on the loop, and gives back what it returned."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Run `work`; raises what it raised."""


@dataclass(eq=False, repr=False)
class Places:
    """How many connections all processes together may hold that share `folder`: a locked file in it for each.

    The kernel unlocks what a process held that has died.
    """

    folder: Path
    number: int
    _full_until: float = field(default=0.0, init=False)

    def take(self) -> int | None:
        """A place, to be left by closing this descriptor; None where all are taken, as known for a second."""
        if time.monotonic() < self._full_until:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        for each in range(self.number):
            place = os.open(self.folder / f"{each}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(place)
            else:
                return place
        self._full_until = time.monotonic() + FULL_SECONDS
        return None


class DatabaseThread:
    """One thread, one connection, one piece of work at a time, in the order in which it was asked for.

    Nobody waits longer than `seconds` (None: as long as it takes), whatever the thread is waiting for. A connection
    that was not used for `idle` seconds (None: for ever) is closed: many workers share what a server can hold. With
    `places` it has one only while it has one of them, and work goes to the thread `otherwise` while there is none.
    """

    def __init__(
        self,
        name: str,
        *,
        seconds: float | None = None,
        idle: float | None = None,
        places: Places | None = None,
        otherwise: DatabaseThread | None = None,
    ) -> None:
        self._seconds = seconds
        self._idle = idle
        self._places, self._otherwise = places, otherwise
        self._place: int | None = None
        self._used_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run `work`; raises what it raised, `django.db.Error` when the database cannot be reached."""
        if self._idle is not None:
            self._used_at = asyncio.get_running_loop().time()
            self._close_when_idle()
        pool = self._pool
        if self._places is not None and self._otherwise is not None:
            if self._place is None:
                self._place = self._places.take()
            pool = self._otherwise._pool if self._place is None else pool
        answer = asyncio.wrap_future(pool.submit(_run, work))
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
        self._let_go()
        self._pool.shutdown(wait=True, cancel_futures=False)

    def _let_go(self) -> None:
        """Close the connection, and only then leave the place that it had."""
        self._pool.submit(lambda: connection.close())  # named there: here it is the connection of another thread
        if self._place is not None:
            self._pool.submit(os.close, self._place)
            self._place = None

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
            self._let_go()


class WriteMark:
    """Something that changes whenever anybody writes to the database. None, where it is not known, equals nothing.

    On SQLite the loop looks at it by itself: microseconds in memory that the database's processes share, without
    waiting for a lock. On PostgreSQL `read` asks for it on a thread that is there for something else anyway, and the
    others go by what that found as long as it is fresh.
    """

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self.elapsed = elapsed
        self._path = str(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else ""
        self._place: Hashable = None
        self._opened = 0
        self._own: sqlite3.Connection | None = None
        self._read: tuple[float, Hashable] = (0.0, None)

    def at_once(self, within: float = 0.0) -> Hashable:
        """The mark now, or what it was less than `within` seconds ago, where that takes no question. On the loop only.

        What has been written since changes it later.
        """
        if not self._path:
            return None
        at, mark = self._read
        if self.elapsed() - at < within:
            return mark
        try:
            stat = os.stat(self._path)
            if self._own is None or self._place != (stat.st_dev, stat.st_ino):  # the file was replaced
                self.close()
                self._own = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=0, isolation_level=None)
                self._place, self._opened = (stat.st_dev, stat.st_ino), self._opened + 1
            mark = self._opened, self._own.execute("PRAGMA data_version").fetchone()[0]
            self._read = self.elapsed(), mark
            return mark
        except (OSError, sqlite3.Error):
            self.close()
            return None

    def known(self) -> Hashable:
        """The same, where it took a question also what somebody was answered a moment ago."""
        if self._path:
            return self.at_once(TURN_SECONDS)
        at, mark = self._read
        return mark if self.elapsed() - at < FRESH_SECONDS else None

    def read(self) -> Hashable:
        """The mark now, on a thread of the database's. Raises `django.db.Error`."""
        if connection.vendor != "postgresql":
            return None
        at = self.elapsed()
        with connection.cursor() as cursor:
            # Which transactions are over: that changes with each that has written something.
            cursor.execute("SELECT pg_current_snapshot()::text")
            self._read = at, cursor.fetchone()[0]
        return self._read[1]

    def close(self) -> None:
        """Look at it no longer, unless asked again."""
        own, self._own = self._own, None
        if own:
            with suppress(sqlite3.Error):
                own.close()


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
