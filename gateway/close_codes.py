"""Every close code and every refusal that the gateway itself makes, as values with words for people. Pure.

A Close that a client or a backend sends passes through unchanged and does not appear here. 1005, 1006 and 1015 mean
"there was no Close frame" (RFC 6455 §7.4.1): they may be reported, and are never sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reconnect(Enum):
    """Whether a client that was closed should connect again."""

    YES = "yes"
    LATER = "yes, later"
    WITH_NEW_TOKEN = "with a new token"  # noqa: S105  words, not a secret
    WHEN_RESET = "when the plan allows more"
    NO = "no"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class Close:
    """A code, the reason that is sent when there is nothing more exact to say, and what the client should do."""

    code: int
    reason: str
    reconnect: Reconnect

    def because(self, reason: str) -> Close:
        """The same code with a more exact reason; one that is empty changes nothing."""
        return Close(self.code, reason or self.reason, self.reconnect)


GOING_AWAY = Close(1001, "The gateway is stopping. Connect again.", Reconnect.YES)
PROTOCOL_ERROR = Close(1002, "The WebSocket protocol was broken.", Reconnect.NO)
BAD_PAYLOAD = Close(1007, "A payload is not what it says it is.", Reconnect.NO)
TOO_BIG = Close(1009, "A message was over the limit.", Reconnect.NO)
FAULT = Close(1011, "The gateway met an error of its own. Connect again.", Reconnect.YES)
RESTARTING = Close(1012, "The gateway is restarting. Connect again.", Reconnect.YES)
DRAINED = RESTARTING.because("The API is being drained. Connect again.")
TOO_SLOW = Close(1013, "Messages were read too slowly. Connect again later.", Reconnect.LATER)
NO_MEMORY = TOO_SLOW.because("The gateway needs its memory. Connect again later.")
BACKEND_LOST = Close(1014, "The connection to the backend was lost. Connect again.", Reconnect.YES)
TOKEN_ENDED = Close(4001, "The access token has expired or was revoked. Get a new one.", Reconnect.WITH_NEW_TOKEN)
RIGHT_ENDED = Close(4002, "The subscription or a scope it needs has ended.", Reconnect.NO)
PLAN_EXHAUSTED = Close(4003, "The plan is used up.", Reconnect.WHEN_RESET)
BLOCKED = Close(4006, "The API, the subscription or the caller is blocked.", Reconnect.NO)
NOT_SERVED = Close(4010, "The API is no longer served here.", Reconnect.NO)
BY_OPERATOR = Close(4011, "An operator closed this connection.", Reconnect.MAYBE)

CLOSES = {
    close.code: close
    for close in (
        GOING_AWAY,
        PROTOCOL_ERROR,
        BAD_PAYLOAD,
        TOO_BIG,
        FAULT,
        RESTARTING,
        TOO_SLOW,
        BACKEND_LOST,
        TOKEN_ENDED,
        RIGHT_ENDED,
        PLAN_EXHAUSTED,
        BLOCKED,
        NOT_SERVED,
        BY_OPERATOR,
    )
}

FIRST_REGISTERED, FIRST_PRIVATE = 3000, 4000  # which applications choose themselves, RFC 6455 §7.4.2


def counted_as(by: str, code: int) -> str:
    """What a close is counted as: its code, or 3xxx and 4xxx for the two thousand that peers may choose themselves."""
    if by == "gateway" or code < FIRST_REGISTERED:
        return str(code)
    return "4xxx" if code >= FIRST_PRIVATE else "3xxx"


# What the side that did not cause it is told.
CLIENT_GONE = Close(1001, "The client went away.", Reconnect.YES)
GATEWAY_CLOSED = Close(1001, "The gateway closed this connection.", Reconnect.YES)
BACKEND_SILENT = BACKEND_LOST.because("The backend stopped answering. Connect again.")
BACKEND_SLOW = BACKEND_LOST.because("The backend reads too slowly. Connect again later.")
BACKEND_BROKE_SCHEMA = BACKEND_LOST.because("The backend sent a message that does not fit its schema.")
BACKEND_BROKE_PROTOCOL = BACKEND_LOST.because("The backend broke the WebSocket protocol.")
IDLE = GOING_AWAY.because("Nothing was sent for longer than the idle timeout. Connect again.")
TOO_OLD = GOING_AWAY.because("The connection reached its maximum duration. Connect again.")
