"""What a worker is told of its clients' comings and goings, for its tally, its journal and its log."""

from __future__ import annotations

from typing import Protocol

from gateway.authorization import Refuse
from gateway.connections import Line
from gateway.tally import Tally


class Keeps(Protocol):
    """What keeps a record of connections, see `gateway.journal`."""

    def opened(self, line: Line) -> None: ...

    def ended(self, line: Line) -> None: ...


class Observer:
    """Told at most a few times for a connection, never for a frame. Nothing here waits or raises."""

    def __init__(self, journal: Keeps | None = None) -> None:
        self.tally = Tally()
        self._journal = journal

    def store_asked(self, seconds: float, is_answered: bool) -> None:
        """The store of leases was asked, and answered or failed after so many seconds."""
        self.tally.store_asked(seconds, is_answered)

    def refused(self, refusal: Refuse) -> None:
        """A client was answered with a refusal."""
        self.tally.answered(refusal.status, refusal.code)

    def dialled(self, line: Line, seconds: float, refusal: Refuse | None) -> None:
        """The line's backend answered, or the dial failed with this refusal."""
        self.tally.dialled(line, seconds, refusal.status if refusal else 101)

    def opened(self, line: Line) -> None:
        """A client was let in, and its line is passing."""
        self.tally.answered(101, 0)
        self.tally.opened(line)
        if self._journal:
            self._journal.opened(line)

    def ended(self, line: Line) -> None:
        """A line that was passing has ended."""
        if line.passing is not None:
            self.tally.ended(line, line.passing, line.passing.farewell())
            if self._journal:
                self._journal.ended(line)
