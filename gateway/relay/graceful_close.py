"""Asks a client to go without losing an answer: what the backend says is held back until the client has nothing more
under way, and then goes out together with the Close.

A client that waits for answers falls silent when none comes, so all that it has sent has been passed on by then; what
was answered meanwhile it hears, and in the same moment that it is to go. Who goes on sending without an answer is asked
to go as it is, and the backend still has what it sends before its own Close.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway import native
from gateway.relay.side import Leg
from gateway.relay.states import LegState

LOOK_SECONDS: Final = 0.05
QUIET_SECONDS: Final = 0.2  # more than it takes a client to answer an answer, mostly
STREAM_SECONDS: Final = 1.0  # who has not paused for so long waits for no answer
MOST_HELD: Final = 256 * 1024  # bytes


class GracefulClose:
    """Calls `leave` at the moment in which nothing is lost by it, within so many seconds. End it with `over`."""

    def __init__(self, client: Leg, backend: Leg, leave: Callable[[], None], seconds: float) -> None:
        self._client, self._backend, self._leave = client, backend, leave
        self._loop = asyncio.get_running_loop()
        self._begun_at = self._client_moved_at = self._backend_moved_at = self._loop.time()
        self._seconds = seconds
        self._asked, self._answered = client.passed, backend.passed
        self._held: list[bytes] = []
        self._write: Callable[[bytes], None] | None = None  # of the backend, while its words are held
        self._timer = self._loop.call_soon(self._look)

    def over(self) -> None:
        """The connection ends: what was held goes out before anything else does."""
        self._timer.cancel()
        if self._write is not None:
            self._backend.write, self._write = self._write, None
            if self._held:
                self._backend.write(b"".join(self._held))
            self._backend.splice()

    def _look(self) -> None:
        if self._client.relay.cause:  # only now it is known here
            return
        now = self._loop.time()
        if self._write is None and not self._backend.inside_frame:  # our pings may come before what is held
            native.unsplice(self._backend.transport)
            self._write, self._backend.write = self._backend.write, self._held.append
        if self._client.passed != self._asked:
            self._asked, self._client_moved_at = self._client.passed, now
        if self._backend.passed != self._answered:
            self._answered, self._backend_moved_at = self._backend.passed, now
        waited, client_quiet = now - self._begun_at, now - self._client_moved_at
        backend_quiet = now - self._backend_moved_at
        is_told = backend_quiet >= QUIET_SECONDS or client_quiet >= STREAM_SECONDS  # or it speaks unasked
        may_be_answered = client_quiet >= QUIET_SECONDS and self._answered[0] >= self._asked[0]
        is_streaming = waited >= STREAM_SECONDS and client_quiet < QUIET_SECONDS
        if may_be_answered and is_told and not self._backend.paused_for:  # nothing is under way, as far as can be seen
            self._leave()
            if not self._client.inside_frame:  # what it asks now is not passed on: nobody could answer
                self._client.enter(LegState.IGNORED)
        elif is_streaming or waited >= self._seconds or sum(map(len, self._held)) > MOST_HELD:
            self._leave()
        else:
            self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
