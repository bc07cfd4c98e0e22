"""A relay that holds messages against the schemas of their topic; every other API keeps the plain one.

Where violations are reported, what comes passes at once, and is looked at besides. Where the schemas are enforced, a
message waits until it is whole and fits; the bytes that then pass are those that came.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from gateway import close_codes
from gateway.close_codes import Close
from gateway.payloads.reading import PayloadEvent, PayloadReader
from gateway.payloads.schemas import Checks, Misfit, OnMisfit, PayloadCheck, unread
from gateway.relay import frames
from gateway.relay.side import Leg
from gateway.relay.splice import Relay
from gateway.relay.states import LegState
from publisher.runtime import ValidationMode

CHECKS: Final = 4  # why a leg is not being read, beside those of `gateway.relay.side`
AT_ONCE: Final = 16 * 1024  # bytes that are looked at before other connections have their turn


class CheckedRelay(Relay):
    """`checks` are those of its topic, and no message is looked at beyond `longest` bytes."""

    __slots__ = ("_longest", "checks", "on_misfit")

    def __init__(self, *parts: Any, checks: Checks, longest: int, on_misfit: OnMisfit, **options: Any) -> None:
        self.checks = checks
        self.on_misfit = on_misfit
        self._longest = longest
        super().__init__(*parts, make_leg=self._make_leg, **options)

    def _make_leg(self, transport: asyncio.Transport, **options: Any) -> Leg:
        is_client: bool = options["is_client"]
        check = self.checks.client if is_client else self.checks.backend
        if check is None:
            return Leg(transport, **options)
        reader = PayloadReader(
            masked=is_client,
            is_compressed=bool(self.options.rsv & frames.RSV1),
            limit=min((is_client and self.options.limit) or self._longest, self._longest),
        )
        enforces = self.checks.mode is ValidationMode.ENFORCE
        return CheckedLeg(transport, check=check, reader=reader, enforces=enforces, **options)

    def limit_messages(self, octets: int | None, frame: int | None = None) -> None:
        super().limit_messages(octets, frame)
        if isinstance(self.client, CheckedLeg):
            self.client.reader.limit = min(octets or self._longest, self._longest)

    def refuse(self, leg: Leg, code: int, reason: str) -> None:
        """`leg` sent what cannot pass: it is told what and where, and the other side that it is gone."""
        self._end("gateway", code, reason)
        other = close_codes.GATEWAY_CLOSED if leg.is_client else close_codes.BACKEND_BROKE_SCHEMA
        self._queue_close(leg, Close(code, reason, close_codes.Reconnect.NO))
        self._queue_close(leg.other, other)
        leg.enter(LegState.IGNORED)
        self._settle()


class CheckedLeg(Leg):
    """A side whose messages are looked at. `reader` makes messages of what comes.

    Where it `enforces` the schemas it passes on what fits, and with the first message that does not the connection
    ends; else it passes everything on at once, as a plain one does.
    """

    __slots__ = ("_check", "_enforces", "_waiting", "reader")

    relay: CheckedRelay

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        check: PayloadCheck,
        reader: PayloadReader,
        enforces: bool,
        **options: Any,
    ) -> None:
        super().__init__(transport, **options)
        self.reader = reader
        self._check = check
        self._enforces = enforces
        self._waiting = b""  # has come, and is looked at when others have had their turn

    def splice(self) -> None:
        """Never: nothing passes that was not looked at."""

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if not self._enforces:
            super().data_received(data)
        if not self._waiting and len(data) <= AT_ONCE:
            self._look_at(data)
            return
        self._waiting += data
        if not self.paused_for & CHECKS:
            self._look_at_some()

    def eof_received(self) -> bool:
        self._look_at_all()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look_at_all()
        super().connection_lost(exc)

    def _look_at_some(self) -> None:
        some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        if some:
            self._look_at(some)
        if self._waiting:
            self.pause_reading(CHECKS)
            asyncio.get_running_loop().call_soon(self._look_at_some)
        else:
            self.resume_reading(CHECKS)

    def _look_at_all(self) -> None:
        if waiting := self._waiting:
            self._waiting = b""
            self._look_at(waiting)

    def _look_at(self, data: bytes) -> None:
        """What is done with the messages that become whole with `data`."""
        events = self.reader.feed(data)
        if not self._enforces:
            for event in events:
                self._misfit(event)
            return None
        if not self.passes_on:
            return self._pass_on([self.reader.release(), data])
        fitting: list[bytes] = []
        for event in events:
            misfit = self._misfit(event)
            if misfit is None:
                fitting.append(event.raw)
                continue
            self._pass_on(fitting)
            if self.passes_on:
                code = close_codes.TOO_BIG.code if event.is_too_long else close_codes.BAD_PAYLOAD.code
                self.relay.refuse(self, code, str(misfit.describe()))
            # Nothing of this passes any more: it is looked through for a Close.
            rest = [each.raw for each in events]
            return self._pass_on([event.raw, *rest, self.reader.release()])
        return self._pass_on(fitting)

    def _misfit(self, event: PayloadEvent) -> Misfit | None:
        """What is wrong with a message, which is told; None where nothing is, or where this is none."""
        if event.payload is not None:
            misfit = self._check.misfit(event.payload)
        else:
            misfit = unread(event.problem) if event.problem else None
        if misfit:
            self.relay.on_misfit("client" if self.is_client else "backend", misfit)
        return misfit

    def _pass_on(self, parts: list[bytes]) -> None:
        if data := b"".join(parts):
            super().data_received(data)
