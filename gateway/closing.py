"""Every close code and every refusal that the gateway itself makes, as values with words for people. Pure.

A Close that a client or a backend sends passes through unchanged and does not appear here. 1005, 1006 and 1015 mean
"there was no Close frame" (RFC 6455 §7.4.1): they may be reported, and are never sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from gateway.authorization import Refuse


class ComeBack(Enum):
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
    come_back: ComeBack

    def because(self, reason: str) -> Close:
        """The same code with a more exact reason; one that is empty changes nothing."""
        return Close(self.code, reason or self.reason, self.come_back)


GOING_AWAY = Close(1001, "The gateway is stopping. Connect again.", ComeBack.YES)
PROTOCOL_ERROR = Close(1002, "The WebSocket protocol was broken.", ComeBack.NO)
BAD_PAYLOAD = Close(1007, "A payload is not what it says it is.", ComeBack.NO)
TOO_BIG = Close(1009, "A message was over the limit.", ComeBack.NO)
FAULT = Close(1011, "The gateway met an error of its own. Connect again.", ComeBack.YES)
RESTARTING = Close(1012, "The gateway is restarting. Connect again.", ComeBack.YES)
TOO_SLOW = Close(1013, "Messages were read too slowly. Connect again later.", ComeBack.LATER)
BACKEND_LOST = Close(1014, "The connection to the backend was lost. Connect again.", ComeBack.YES)
TOKEN_ENDED = Close(4001, "The access token has expired or was revoked. Get a new one.", ComeBack.WITH_NEW_TOKEN)
RIGHT_ENDED = Close(4002, "The subscription or a scope it needs has ended.", ComeBack.NO)
PLAN_EXHAUSTED = Close(4003, "The plan is used up.", ComeBack.WHEN_RESET)
BLOCKED = Close(4006, "The API, the subscription or the caller is blocked.", ComeBack.NO)
NOT_SERVED = Close(4010, "The API is no longer served here.", ComeBack.NO)
BY_OPERATOR = Close(4011, "An operator closed this connection.", ComeBack.MAYBE)

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

# What the side that did not cause it is told.
CLIENT_GONE = Close(1001, "The client went away.", ComeBack.YES)
GATEWAY_CLOSED = Close(1001, "The gateway closed this connection.", ComeBack.YES)
BACKEND_SILENT = BACKEND_LOST.because("The backend stopped answering. Connect again.")
BACKEND_SLOW = BACKEND_LOST.because("The backend reads too slowly. Connect again later.")
BACKEND_BROKE_PROTOCOL = BACKEND_LOST.because("The backend broke the WebSocket protocol.")
IDLE = GOING_AWAY.because("Nothing was sent for longer than the idle timeout. Connect again.")
TOO_OLD = GOING_AWAY.because("The connection reached its maximum duration. Connect again.")

_BY_REFUSAL_CODE = {
    900403: RIGHT_ENDED,
    900805: BLOCKED,
    900900: FAULT,
    900901: TOKEN_ENDED,
    900902: TOKEN_ENDED,
    900903: TOKEN_ENDED,
    900905: RIGHT_ENDED,
    900906: NOT_SERVED,
    900907: BLOCKED,
    900908: RIGHT_ENDED,
    900909: RIGHT_ENDED,
    900910: RIGHT_ENDED,
}


def for_open_line(refusal: Refuse) -> Close:
    """How to close a line that would now be refused. The reason is the refusal's own description."""
    return _BY_REFUSAL_CODE.get(refusal.code, RIGHT_ENDED).because(refusal.description)


def malformed(description: str, code: int = 400) -> Refuse:
    """400: the request breaks a rule of HTTP or of the handshake."""
    return Refuse(400, code, "Bad request", description)


def head_too_large(limit: int) -> Refuse:
    """431: more than `limit` bytes of request line and headers."""
    return Refuse(431, 431, "Request header too large", f"Send at most {limit} bytes of request line and headers.")


def too_late(seconds: float) -> Refuse:
    """408: the request was not whole in time."""
    return Refuse(408, 408, "Request timeout", f"The request was not complete within {seconds:g} seconds.")


def not_found() -> Refuse:
    """404 for plain HTTP where nothing answers."""
    return Refuse(404, 404, "Not found", "Nothing answers plain HTTP here. This port serves WebSocket APIs.")


def upgrade_required() -> Refuse:
    """426: plain HTTP to a WebSocket route."""
    return Refuse(
        426,
        426,
        "Upgrade required",
        "This is a WebSocket API. Connect with a WebSocket client.",
        (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
    )


def bad_version() -> Refuse:
    """426: not version 13 of the protocol (RFC 6455 §4.4)."""
    return Refuse(
        426,
        426,
        "Upgrade required",
        "Only version 13 of the WebSocket protocol is spoken here.",
        (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
    )


def backend_refused(description: str = "The backend did not accept the connection.") -> Refuse:
    """502: the backend could not be reached, or did not answer with a WebSocket handshake."""
    return Refuse(502, 101503, "Backend refused", description)


def backend_timed_out(seconds: float) -> Refuse:
    """504: no address of the backend answered within its connect timeout."""
    return Refuse(504, 101504, "Backend timed out", f"The backend did not answer within {seconds:g} seconds.")


def backend_suspended(seconds: float) -> Refuse:
    """503: every address of the backend failed so often that it is left alone for a while."""
    return _unavailable(303001, "Backend suspended", "The backend failed repeatedly and is given a rest.", seconds)


def post_only() -> Refuse:
    """405: something that is only ever asked for with POST."""
    return Refuse(405, 405, "Method not allowed", "Send this request with POST.", (("Allow", "OPTIONS, POST"),))


def token_missing() -> Refuse:
    """401 where a token is handed over and none came."""
    return Refuse(
        401,
        900902,
        "Missing credentials",
        "Send the header Authorization: Bearer <access token>.",
        (("WWW-Authenticate", "Bearer"),),
    )


def token_in_header_only() -> Refuse:
    """401 where a token came in the address or as a subprotocol, and the header would have done."""
    return Refuse(
        401,
        900901,
        "Invalid credentials",
        "Here a token is taken in its header only: Authorization: Bearer <access token>.",
        (("WWW-Authenticate", "Bearer"),),
    )


def too_many(description: str, seconds: float = 30) -> Refuse:
    """429: more was asked for than is used."""
    return Refuse(429, 900429, "Too many requests", description, (("Retry-After", str(math.ceil(seconds))),))


def over_plan(subject: str, description: str, seconds: float) -> Refuse:
    """429: the plan of the `subject`, subscription or application, has no room for another connection now."""
    code = 900804 if subject == "subscription" else 900803
    return Refuse(429, code, "Plan exhausted", description, (("Retry-After", str(math.ceil(seconds))),))


def plan_unknown(seconds: float = 2) -> Refuse:
    """503: what is left of the plan cannot be found out at the moment."""
    sentence = "The gateway cannot look up what is left of the plan at the moment. Try again in a few seconds."
    return _unavailable(900900, "Plans cannot be checked", sentence, seconds)


def no_such_connection() -> Refuse:
    """404: no worker holds a connection of this id."""
    return Refuse(404, 900906, "Not found", "No connection of this id is open. It may have ended; connect again.")


def server_full(seconds: float = 5) -> Refuse:
    """503: no room for another connection."""
    return _unavailable(503, "Server full", "The gateway has no room for another connection.", seconds)


def stopping(seconds: float = 1) -> Refuse:
    """503: the worker that took the connection is stopping; another, or the next, will take it."""
    return _unavailable(503, "Gateway stopping", "The gateway is restarting. Try again.", seconds)


def fault() -> Refuse:
    """500: an error of the gateway's own, which its log explains."""
    return Refuse(500, 900900, "Gateway error", "The gateway met an error of its own. Try again; its log says more.")


def _unavailable(code: int, message: str, description: str, seconds: float) -> Refuse:
    return Refuse(503, code, message, description, (("Retry-After", str(max(1, math.ceil(seconds)))),))
