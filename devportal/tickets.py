"""One-use tickets: what a browser shows in the address of a WebSocket instead of its access token.

A ticket stands for the token it was made with, for thirty seconds, once, for one API and from one origin. The database
keeps its digest only, which `devportal.operations.tickets` writes. It carries a signature, so that a made-up one is
refused without asking the database.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.crypto import salted_hmac

from core.errors import Conflict
from core.translating import gettext_noop

SECONDS = 30
MOST_WAITING = 100  # unused tickets of one application at the same time
_RANDOM_BYTES, _SIGNATURE_BYTES = 19, 16  # with the time 39: base64 without padding
_FORM = struct.Struct(f">{_RANDOM_BYTES}sI{_SIGNATURE_BYTES}s")


class TooManyTickets(Conflict):
    """The application collects tickets and does not use them."""

    status = 429
    code = 900429
    sentence = gettext_noop("{most} tickets of this application wait to be used. Ask for one right before you connect.")


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A ticket at the only moment when it can be shown, and the id that its connection will have."""

    ticket: str = field(repr=False)
    connection_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a ticket stood for. Ids are text; `origin` is empty where it was made for a client that is no browser."""

    token_id: str
    api_id: str
    origin: str
    connection_id: str


def make(expires_at: datetime) -> str:
    """The text of a new ticket, signed."""
    chance, ends = secrets.token_bytes(_RANDOM_BYTES), int(expires_at.timestamp())
    return base64.urlsafe_b64encode(_FORM.pack(chance, ends, _signature(chance, ends))).decode()


def digest(ticket: str) -> str:
    """What the database keeps of a ticket: its SHA-256 in hexadecimal."""
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).hexdigest()


def is_genuine(ticket: str, now: float) -> bool:
    """Whether this installation has made this ticket and it has not run out by `now`, seconds since the epoch."""
    try:
        chance, expires_at, signature = _FORM.unpack(base64.urlsafe_b64decode(ticket.encode("ascii")))
    except (struct.error, binascii.Error, ValueError):
        return False
    return now < expires_at and hmac.compare_digest(signature, _signature(chance, expires_at))


def _signature(chance: bytes, expires_at: int) -> bytes:
    said = b"%b.%d" % (chance, expires_at)
    return salted_hmac("devportal.tickets", said, algorithm="sha256").digest()[:_SIGNATURE_BYTES]
