"""What a worker is told of its clients' comings and goings, for its counters, its connection log and its access log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.connections.log import ConnectionLog
from gateway.connections.registry import Connection
from gateway.observability.counters import Counters
from gateway.observability.refusal_log import RefusalLog, RefusedRequest
from gateway.observability.violation_log import ViolationLog
from gateway.payloads.schemas import Misfit
from gateway.recording.recorder import Recorder
from gateway.refusals import Refusal
from gateway.relay.splice import Relay
from gateway.statistics.events import EventCounter


@dataclass(eq=False, repr=False, slots=True)
class Telemetry:
    """Told at most a few times for a connection, never for a frame, and of each payload that fits no schema. Nothing
    here waits or raises."""

    connection_log: ConnectionLog | None = None
    refusal_log: RefusalLog | None = None
    violation_log: ViolationLog | None = None
    events: EventCounter | None = None
    recorder: Recorder | None = None
    counters: Counters = field(default_factory=Counters)

    def refused(self, refusal: Refusal, request: RefusedRequest) -> None:
        """A client was answered with a refusal."""
        self.counters.answered(refusal.status, refusal.code)
        if self.refusal_log:
            self.refusal_log.refused(refusal, request)

    def dialled(self, connection: Connection, seconds: float, refusal: Refusal | None) -> None:
        """The connection's backend answered, or the dial failed with this refusal."""
        self.counters.dialled(connection, seconds, refusal.status if refusal else 101)
        if self.events:
            self.events.took(connection.api_id, "dial", seconds)

    def opened(self, connection: Connection, seconds: float | None = None) -> None:
        """A client was let in, so many seconds after it had asked, and its connection is relayed."""
        if self.events and seconds is not None:
            self.events.took(connection.api_id, "handshake", seconds)
        self.counters.answered(101, 0)
        self.counters.opened(connection)
        if self.connection_log:
            self.connection_log.opened(connection)
        if self.recorder:
            self.recorder.opened(connection)

    def relay_kind(self, connection: Connection, kind: Callable[..., Relay]) -> Callable[..., Relay]:
        """What makes the relay of this connection: `kind` itself, unless what passes on it is recorded."""
        return self.recorder.around(connection, kind) if self.recorder else kind

    def misfit(self, connection: Connection, sender: str, misfit: Misfit) -> None:
        """The `sender`, client or backend, sent a payload that fits no schema of its topic."""
        self.counters.violated(connection, sender)
        if self.violation_log:
            self.violation_log.violated(connection, sender, misfit)

    def ended(self, connection: Connection) -> None:
        """A connection that was relayed has ended."""
        if connection.relay is not None:
            self.counters.ended(connection, connection.relay.close_info())
            if self.connection_log:
                self.connection_log.ended(connection)
            if self.recorder:
                self.recorder.ended(connection)
