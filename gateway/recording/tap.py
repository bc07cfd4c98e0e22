"""Where a relay is listened to: a tap stands between a side and what its bytes are written to, from any moment on.

What is not recorded has none, so its relay is what it always is. While a tap is on, bytes come up to Python.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from gateway import native
from gateway.payloads.reading import ObservingReader, PayloadEvent
from gateway.relay import frames
from gateway.relay.side import Leg

LONGEST: Final = 256 * 1024  # bytes of a message that is read; a longer one is only told of
TEXT: Final = 0x1

OnMessage = Callable[[str, PayloadEvent, bool], None]
"""Told of each message that passed: who sent it, client or backend, itself, and whether it is text."""

log = logging.getLogger("gateway.recording")


class Tap:
    """Stands in for `write` of one side; `is_from_start` says that nothing has passed there yet."""

    __slots__ = ("_is_on", "_on_message", "_reader", "_sender", "_write")

    def __init__(self, leg: Leg, on_message: OnMessage, *, is_from_start: bool) -> None:
        scanner, options = leg.scanner, leg.relay.options
        native.unsplice(leg.transport)
        self._sender = "client" if leg.is_client else "backend"
        self._reader = ObservingReader(
            masked=leg.is_client,
            is_compressed=bool(options.rsv & frames.RSV1),
            limit=LONGEST,
            keeps_context=options.keeps_context[0 if leg.is_client else 1],
            is_from_start=is_from_start,
            # What the scanner has seen and a plan has left out never came here.
            rest=scanner.remaining if leg.inside_frame else 0,
            is_inside=scanner.fragmented and not leg.is_skipping,
        )
        self._on_message = on_message
        self._is_on = True
        self._write = leg.write
        leg.write = self

    def __call__(self, data: bytes) -> None:
        """Pass bytes on, then read them."""
        self._write(data)
        if not self._is_on:
            return
        try:
            for event in self._reader.feed(data):
                if event.payload is not None or event.problem:
                    opcode = event.raw[0] & 0x0F if event.raw else TEXT  # of one that is too long nothing is held
                    self._on_message(self._sender, event, opcode == TEXT)
        except Exception:
            # What is recorded must never hurt what is relayed.
            self._is_on = False
            log.exception("A connection can no longer be recorded.")

    def remove(self, leg: Leg) -> None:
        """Have the side be what it was before, where it is still there and nobody else holds what it says."""
        self._is_on = False
        if leg.write is self:
            leg.write = self._write
            leg.splice()
