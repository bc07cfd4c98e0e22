"""Every refusal that the gateway itself makes, as values with words for people. Pure.

A refusal is an HTTP status with a JSON body of WSO2's shape. What closes a connection that is open already stands in
`gateway.close_codes`; `close_for` says which of them a refusal comes to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gateway import close_codes
from gateway.close_codes import Close

REALM = 'Bearer realm="websocket-gateway"'

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status, a body of WSO2's shape (`code`, `message`, `description`), and headers to add."""

    status: int
    code: int
    message: str
    description: str
    headers: Headers = ()


def nothing_here(description: str) -> Refusal:
    return Refusal(404, 900906, "Not found", description)


def forbidden(code: int, message: str, description: str) -> Refusal:
    return Refusal(403, code, message, description)


def unauthorized(code: int, message: str, description: str, error: str = "invalid_token") -> Refusal:
    """401 with the challenge of RFC 6750 §3; no `error` where nothing was shown."""
    challenge = f'{REALM}, error="{error}", error_description="{message}"' if error else REALM
    return Refusal(401, code, message, description, (("WWW-Authenticate", challenge),))


def retry_after(seconds: int) -> Headers:
    return (("Retry-After", str(seconds)),)


def _unavailable(code: int, message: str, description: str, seconds: float) -> Refusal:
    return Refusal(503, code, message, description, retry_after(max(1, math.ceil(seconds))))


CLOSES = {
    900403: close_codes.RIGHT_ENDED,
    900805: close_codes.BLOCKED,
    900900: close_codes.FAULT,
    900901: close_codes.TOKEN_ENDED,
    900902: close_codes.TOKEN_ENDED,
    900903: close_codes.TOKEN_ENDED,
    900905: close_codes.RIGHT_ENDED,
    900906: close_codes.NOT_SERVED,
    900907: close_codes.BLOCKED,
    900908: close_codes.RIGHT_ENDED,
    900909: close_codes.RIGHT_ENDED,
    900910: close_codes.RIGHT_ENDED,
}


def close_for(refusal: Refusal) -> Close:
    """How to close a connection that would now be refused. The reason is the refusal's own description."""
    return CLOSES.get(refusal.code, close_codes.RIGHT_ENDED).because(refusal.description)


def malformed(description: str, code: int = 400) -> Refusal:
    """400: the request breaks a rule of HTTP or of the handshake."""
    return Refusal(400, code, "Bad request", description)


def head_too_large(limit: int) -> Refusal:
    """431: more than `limit` bytes of request line and headers."""
    return Refusal(431, 431, "Request header too large", f"Send at most {limit} bytes of request line and headers.")


def too_late(seconds: float) -> Refusal:
    """408: the request was not whole in time."""
    return Refusal(408, 408, "Request timeout", f"The request was not complete within {seconds:g} seconds.")


NOT_FOUND = Refusal(404, 404, "Not found", "Nothing answers plain HTTP here. This port serves WebSocket APIs.")
"""Plain HTTP where nothing answers."""

_HANDSHAKE = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))

UPGRADE_REQUIRED = Refusal(
    426, 426, "Upgrade required", "This is a WebSocket API. Connect with a WebSocket client.", _HANDSHAKE
)
"""Plain HTTP to a WebSocket route."""

BAD_VERSION = Refusal(
    426, 426, "Upgrade required", "Only version 13 of the WebSocket protocol is spoken here.", _HANDSHAKE
)
"""Not version 13 of the protocol (RFC 6455 §4.4)."""


def backend_refused(
    description: str = "The backend did not accept the connection.", status: int = 502, headers: Headers = ()
) -> Refusal:
    """502: the backend could not be reached, or did not answer with a WebSocket handshake.

    Another status is the backend's own, where its API lets that pass, with the headers that belong to it.
    """
    return Refusal(status, 101503, "Backend refused", description, headers)


def backend_timed_out(seconds: float) -> Refusal:
    """504: no address of the backend answered within its connect timeout."""
    return Refusal(504, 101504, "Backend timed out", f"The backend did not answer within {seconds:g} seconds.")


def backend_suspended(seconds: float) -> Refusal:
    """503: every address of the backend failed so often that it is left alone for a while."""
    return _unavailable(303001, "Backend suspended", "The backend failed repeatedly and is given a rest.", seconds)


POST_ONLY = Refusal(405, 405, "Method not allowed", "Send this request with POST.", (("Allow", "OPTIONS, POST"),))
"""Something that is only ever asked for with POST."""

TOKEN_MISSING = Refusal(
    401,
    900902,
    "Missing credentials",
    "Send the header Authorization: Bearer <access token>.",
    (("WWW-Authenticate", "Bearer"),),
)
"""Where a token is handed over and none came."""

TOKEN_IN_HEADER_ONLY = Refusal(
    401,
    900901,
    "Invalid credentials",
    "Here a token is taken in its header only: Authorization: Bearer <access token>.",
    (("WWW-Authenticate", "Bearer"),),
)
"""Where a token came in the address or as a subprotocol, and the header would have done."""


def too_many(description: str, seconds: float = 30) -> Refusal:
    """429: more was asked for than is used."""
    return Refusal(429, 900429, "Too many requests", description, retry_after(math.ceil(seconds)))


def over_plan(subject: str, description: str, seconds: float) -> Refusal:
    """429: the plan of the `subject`, subscription or application, or the API itself has no room for another connection
    now."""
    code = {"subscription": 900804, "API": 900800}.get(subject, 900803)
    return Refusal(429, code, "Plan exhausted", description, retry_after(math.ceil(seconds)))


PLAN_UNKNOWN = _unavailable(
    900900,
    "Plans cannot be checked",
    "The gateway cannot look up what is left of the plan at the moment. Try again in a few seconds.",
    2,
)
"""What is left of the plan cannot be found out at the moment."""

NO_SUCH_CONNECTION = Refusal(
    404, 900906, "Not found", "No connection of this id is open. It may have ended; connect again."
)
"""No worker holds a connection of this id."""

SERVER_FULL = _unavailable(503, "Server full", "The gateway has no room for another connection.", 5)
"""No room for another connection."""

STOPPING = _unavailable(503, "Gateway stopping", "The gateway is restarting. Try again.", 1)
"""The worker that took the connection is stopping; another, or the next, will take it."""

FAULT = Refusal(500, 900900, "Gateway error", "The gateway met an error of its own. Try again; its log says more.")
"""An error of the gateway's own, which its log explains."""
