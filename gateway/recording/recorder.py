"""What one worker takes down of the connections that are recorded. It does nothing, and costs nothing, while none is.

Nothing that an API forbids to keep is ever held here, let alone written: fields go out of a payload in the moment in
which it passes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import Error as DatabaseError

from core import database_clock
from gateway import native
from gateway.connections.registry import Connection, ConnectionRegistry
from gateway.database import Runner
from gateway.payloads.reading import PayloadEvent, too_long
from gateway.payloads.redaction import KeptPayload, keep
from gateway.pulse import rest
from gateway.recording import store
from gateway.recording.store import ActiveRecording, Taken
from gateway.recording.tap import LONGEST, OnMessage, Tap
from gateway.relay.side import Leg
from gateway.relay.splice import Relay

WRITE_SECONDS: Final = 1.0
MOST_WAITING: Final = 4 * 1024 * 1024  # octets that wait to be written

log = logging.getLogger("gateway.recording")


@dataclass(eq=False, kw_only=True, repr=False)
class Recorder:
    """One worker's. `redacted_of` names the fields of an API that may not be kept; None where it is not known."""

    run: Runner
    connections: ConnectionRegistry
    redacted_of: Callable[[str], Sequence[str] | None]
    clock: Callable[[], datetime] = database_clock.clock.datetime
    active: list[ActiveRecording] = field(default_factory=list, init=False)
    recorded: dict[str, list[UUID]] = field(default_factory=dict, init=False)  # by connection
    _taps: dict[str, list[tuple[Leg, Tap]]] = field(default_factory=dict, init=False)
    waiting: defaultdict[UUID, list[Taken]] = field(default_factory=partial(defaultdict, list), init=False)
    missed: Counter[UUID] = field(default_factory=Counter, init=False)
    _size: int = field(default=0, init=False)
    _is_on: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def refresh(self) -> None:
        """Read what is to be recorded, and begin and end with it. Raises `django.db.Error`."""
        self.active = await self.run(partial(store.active, self.clock()))
        self._settle()

    def around(self, connection: Connection, kind: Callable[..., Relay]) -> Callable[..., Relay]:
        """What makes the relay of a connection that is about to open: `kind`, listened to where it is recorded."""
        if not self.active or not self._recordings_of(connection):
            return kind

        def made(*parts: Any, **options: Any) -> Relay:
            relay = kind(*parts, **options)
            self._listen(connection, relay, is_from_start=True)
            return relay

        return made

    def opened(self, connection: Connection) -> None:
        """A connection is relayed from now on."""
        if not self.active:
            return
        for leg, _ in self._taps.get(connection.id, ()):
            native.unsplice(leg.transport)  # the relay has begun as every other does
        self._follow(connection)

    def ended(self, connection: Connection) -> None:
        """A connection has ended."""
        self.recorded.pop(connection.id, None)
        self._taps.pop(connection.id, None)

    async def keep(self) -> None:
        """Write what is taken down, and end what is over, until cancelled. Sleeps while nothing is recorded."""
        while True:
            await self._is_on.wait()
            await rest(WRITE_SECONDS)
            now = self.clock()
            if any(each.until <= now for each in self.active):
                self.active = [each for each in self.active if each.until > now]
                self._settle()
            await self.write()
            if not self.active and not self.waiting:
                self._is_on.clear()

    async def write(self) -> None:
        """Write what waits. Never raises: while the database is away it waits on, and what comes then is missed."""
        taken, missed, size = self.waiting, self.missed, self._size
        if not taken and not missed:
            return
        self.waiting, self.missed, self._size = defaultdict(list), Counter(), 0
        try:
            over = await self.run(partial(store.add, taken, missed, self.clock()))
        except DatabaseError as error:
            log.debug("What is recorded cannot be written now: %s", error)
            for recording_id, rows in taken.items():
                self.waiting[recording_id] = rows + self.waiting[recording_id]
            self.missed.update(missed)
            self._size += size
            return
        if over:
            self.active = [each for each in self.active if each.id not in over]
            self._settle()

    def _recordings_of(self, connection: Connection) -> list[UUID]:
        return [
            each.id
            for each in self.active
            if each.api_id == connection.api_id
            and each.application_id == connection.application_id
            and each.connection_id in ("", connection.id)
        ]

    def _settle(self) -> None:
        """Listen to the connections that are to be recorded, and to no others."""
        if self.active:
            self._is_on.set()
        concerned = {each.application_id for each in self.active}
        for connection_id in list(self.recorded):
            if connection := self.connections.by_id.get(connection_id):
                self._follow(connection)
            else:
                self.recorded.pop(connection_id, None)
                self._taps.pop(connection_id, None)
        for application_id in concerned:
            for connection in self.connections.by_application.get(application_id, ()):
                self._follow(connection)

    def _follow(self, connection: Connection) -> None:
        """Begin, go on or end with a connection that is open."""
        if connection.relay is None:
            return
        recordings, known = self._recordings_of(connection), connection.id in self.recorded
        if recordings and known:
            self.recorded[connection.id] = recordings
        elif recordings:
            self._listen(connection, connection.relay, is_from_start=False)
        elif known:
            del self.recorded[connection.id]
            if isinstance(connection.relay, Relay):
                for leg, tap in self._taps.pop(connection.id, ()):
                    tap.remove(leg)
            else:
                connection.relay.on_message = None

    def _listen(self, connection: Connection, relay: Any, *, is_from_start: bool) -> None:
        self.recorded[connection.id] = self._recordings_of(connection)
        on_message: OnMessage = partial(self._take_down, connection.id, connection.api_id)
        if isinstance(relay, Relay):
            legs = [leg for leg in (relay.client, relay.backend) if leg.relay is not None]
            self._taps[connection.id] = [(leg, Tap(leg, on_message, is_from_start=is_from_start)) for leg in legs]
        else:
            relay.on_message = on_message

    def _take_down(self, connection_id: str, api_id: str, sender: str, event: PayloadEvent, is_text: bool) -> None:
        octets = 0 if event.payload is None else len(event.payload)
        if event.payload is None or octets > LONGEST:
            kept = KeptPayload(None, problem=event.problem or too_long(LONGEST))
        else:
            kept = keep(event.payload, self.redacted_of(api_id))
        taken = Taken(connection_id, self.clock(), sender, is_text, octets, *kept)
        for recording_id in self.recorded.get(connection_id, ()):
            if self._size + taken.size > MOST_WAITING:
                self.missed[recording_id] += 1
            else:
                self._size += taken.size
                self.waiting[recording_id].append(taken)
