"""What a worker is told of its clients' comings and goings, for its counters, its connection log and its access log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.authorization.decision import Allow
from gateway.connections.log import ConnectionLog
from gateway.connections.registry import Connection
from gateway.handshake.request import Handshake
from gateway.observability.counters import Counters
from gateway.payloads.schemas import Misfit
from gateway.recording.recorder import Recorder
from gateway.refusals import Refusal
from gateway.relay.splice import Relay
from gateway.statistics.events import EventCounter


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """What is known of a request that was refused: little, where it was not even looked into."""

    id: str
    client_ip: str = ""
    path: str = ""
    attempt: str = ""
    handshake: Handshake | None = None
    admitted: Allow | None = None


class KeepsRefusals(Protocol):
    """What keeps a record of refusals, see `gateway.observability.refusal_log`."""

    def refused(self, refusal: Refusal, request: RefusedRequest) -> None: ...


class KeepsViolations(Protocol):
    """What keeps a record of payloads that fit no schema, see `gateway.observability.violation_log`."""

    def violated(self, connection: Connection, sender: str, misfit: Misfit) -> None: ...


class Telemetry:
    """Told at most a few times for a connection, never for a frame, and of each payload that fits no schema. Nothing
    here waits or raises."""

    def __init__(
        self,
        connection_log: ConnectionLog | None = None,
        refusal_log: KeepsRefusals | None = None,
        violation_log: KeepsViolations | None = None,
        events: EventCounter | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.counters = Counters()
        self._violation_log = violation_log
        self._refusal_log = refusal_log
        self._connection_log = connection_log
        self._events = events
        self._recorder = recorder

    def store_asked(self, seconds: float, is_answered: bool) -> None:
        """The store of leases was asked, and answered or failed after so many seconds."""
        self.counters.store_asked(seconds, is_answered)

    def store_forgot(self) -> None:
        """The store of leases was found to have forgotten what it lent."""
        self.counters.store_forgot += 1

    def refused(self, refusal: Refusal, request: RefusedRequest) -> None:
        """A client was answered with a refusal."""
        self.counters.answered(refusal.status, refusal.code)
        if self._refusal_log:
            self._refusal_log.refused(refusal, request)

    def dialled(self, connection: Connection, seconds: float, refusal: Refusal | None) -> None:
        """The connection's backend answered, or the dial failed with this refusal."""
        self.counters.dialled(connection, seconds, refusal.status if refusal else 101)
        if self._events:
            self._events.took(connection.api_id, "dial", seconds)

    def opened(self, connection: Connection, seconds: float | None = None) -> None:
        """A client was let in, so many seconds after it had asked, and its connection is relayed."""
        if self._events and seconds is not None:
            self._events.took(connection.api_id, "handshake", seconds)
        self.counters.answered(101, 0)
        self.counters.opened(connection)
        if self._connection_log:
            self._connection_log.opened(connection)
        if self._recorder:
            self._recorder.opened(connection)

    def relay_kind(self, connection: Connection, kind: Callable[..., Relay]) -> Callable[..., Relay]:
        """What makes the relay of this connection: `kind` itself, unless what passes on it is recorded."""
        return self._recorder.around(connection, kind) if self._recorder else kind

    def misfit(self, connection: Connection, sender: str, misfit: Misfit) -> None:
        """The `sender`, client or backend, sent a payload that fits no schema of its topic."""
        self.counters.violated(connection, sender)
        if self._violation_log:
            self._violation_log.violated(connection, sender, misfit)

    def ended(self, connection: Connection) -> None:
        """A connection that was relayed has ended."""
        if connection.relay is not None:
            self.counters.ended(connection, connection.relay.traffic(), connection.relay.close_info())
            if self._connection_log:
                self._connection_log.ended(connection)
            if self._recorder:
                self._recorder.ended(connection)
