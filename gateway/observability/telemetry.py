"""What a worker is told of its clients' comings and goings, for its counters, its connection log and its access log."""

from __future__ import annotations

from typing import Protocol

from gateway.connections.registry import Connection
from gateway.observability.counters import Counters
from gateway.refusals import Refusal


class Keeps(Protocol):
    """What keeps a record of connections, see `gateway.connections.log`."""

    def opened(self, connection: Connection) -> None: ...

    def ended(self, connection: Connection) -> None: ...


class Telemetry:
    """Told at most a few times for a connection, never for a frame. Nothing here waits or raises."""

    def __init__(self, connection_log: Keeps | None = None) -> None:
        self.counters = Counters()
        self._connection_log = connection_log

    def store_asked(self, seconds: float, is_answered: bool) -> None:
        """The store of leases was asked, and answered or failed after so many seconds."""
        self.counters.store_asked(seconds, is_answered)

    def refused(self, refusal: Refusal) -> None:
        """A client was answered with a refusal."""
        self.counters.answered(refusal.status, refusal.code)

    def dialled(self, connection: Connection, seconds: float, refusal: Refusal | None) -> None:
        """The connection's backend answered, or the dial failed with this refusal."""
        self.counters.dialled(connection, seconds, refusal.status if refusal else 101)

    def opened(self, connection: Connection) -> None:
        """A client was let in, and its connection is relayed."""
        self.counters.answered(101, 0)
        self.counters.opened(connection)
        if self._connection_log:
            self._connection_log.opened(connection)

    def ended(self, connection: Connection) -> None:
        """A connection that was relayed has ended."""
        if connection.relay is not None:
            self.counters.ended(connection, connection.relay, connection.relay.close_info())
            if self._connection_log:
                self._connection_log.ended(connection)
