"""What a refusal or a close means, which header or setting is at fault, and what puts it right. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple


class Advice(NamedTuple):
    """`cause` in plain words, what is `at_fault` (a header, a setting), and the `remedy`."""

    cause: str
    at_fault: str
    remedy: str


_ANOTHER = "Generate a token in the Developer Portal and send it as Authorization: Bearer <access token>."
_BACKEND = "Look at the Endpoint page of the API in the Publisher: Test says what the gateway sees."
_HEADER, _ENDPOINT, _SUBSCRIPTION, _PLAN = "Authorization header", "Endpoint", "Subscription", "Business plan"

REFUSED: Final = {
    400: Advice("The handshake breaks a rule of HTTP or WebSocket", "Request", "Use a WebSocket client library."),
    404: Advice("Plain HTTP was sent where only WebSocket APIs are served", "Request", "Connect to an API's address."),
    405: Advice("The request was not sent with POST", "HTTP method", "Send it with POST."),
    408: Advice("The request was not complete in time", "Client or network", "Send the whole request at once."),
    426: Advice("The client does not speak WebSocket", "Upgrade header", "Use a WebSocket client of version 13."),
    431: Advice("The headers are too long", "Request headers", "Send fewer cookies and shorter headers."),
    503: Advice("The gateway is full or restarting", "Gateway", "Try again as Retry-After says."),
    500: Advice("The gateway met an error of its own", "Gateway", "Try again; look up the request id in its log."),
    900403: Advice(
        "The web page may not call the API",
        "Origin header",
        "Add the page's origin to the allowed origins on the API's Runtime page, and deploy.",
    ),
    900429: Advice("Something was asked for too often", "Client", "Wait as long as Retry-After says."),
    900800: Advice(
        "All callers of the API together have used up its bytes",
        "Rate of the whole API",
        "Wait as long as Retry-After says; the API's publisher sets the rate on its Runtime page.",
    ),
    900803: Advice(
        "The application's plan allows no more now", "Application plan", "Connect less often, or choose a larger plan."
    ),
    900804: Advice(
        "The subscription's plan allows no more now",
        _PLAN,
        "Close connections that are not used, wait as long as Retry-After says, or subscribe under a larger plan.",
    ),
    900805: Advice("A deny policy forbids it", "Deny policy", "Ask an administrator to lift the policy."),
    900900: Advice("The gateway cannot decide now", "Gateway", "Try again in a few seconds."),
    900901: Advice("The credential is not valid, or was revoked", _HEADER, _ANOTHER),
    900902: Advice("No credential was sent", _HEADER, _ANOTHER),
    900903: Advice("The token has expired", _HEADER, "Ask for a new token before the old one ends."),
    900905: Advice(
        "Keys of this type reach nothing here", "Key type", "Use the other keys, or give the API an endpoint for these."
    ),
    900906: Advice("Nothing is served at this address", "URL", "Compare context, version and topic with the portal's."),
    900907: Advice("The API or the subscription is blocked", _SUBSCRIPTION, "Ask the API's publisher to unblock it."),
    900908: Advice("The application is not subscribed", _SUBSCRIPTION, "Subscribe it in the Developer Portal."),
    900909: Advice(
        "The subscription is not approved", _SUBSCRIPTION, "Wait for the publisher's approval, or ask for it."
    ),
    900910: Advice("The token lacks a scope", "Scope", "Generate a token with a scope of the topic."),
    900912: Advice(
        "More than one credential was sent, or one in a place that is not taken", "Credential", "Send exactly one."
    ),
    101503: Advice("The backend did not accept the connection", _ENDPOINT, _BACKEND),
    101504: Advice("The backend did not answer in time", _ENDPOINT, _BACKEND),
    303001: Advice(
        "The backend failed repeatedly and is given a rest", _ENDPOINT, f"{_BACKEND} It is tried again by itself."
    ),
}
ELSE_REFUSED: Final = Advice("The gateway refused", "Request", "Read the sentence of the answer.")

CLOSED: Final = {
    1002: Advice("The WebSocket protocol was broken", "Frames", "Mend the side that is named, or its library."),
    1003: Advice("A side got data that it cannot take", "Messages", "Send what the other side understands."),
    1006: Advice(
        "The connection broke without a Close",
        "Network, or the process that went away",
        "Reconnect. If it happens after the same silence each time, lower the ping interval on the Endpoint page.",
    ),
    1007: Advice("A payload is not what it says it is", "Messages", "Send valid UTF-8 text that fits the schema."),
    1008: Advice("A side refused by a policy of its own", "Messages", "Ask whoever runs that side."),
    1009: Advice("A message was over the limit", "Message size", "Send smaller ones, or raise the limit."),
    1011: Advice("A side met an error of its own", "Backend or gateway", "Look up the connection's id in its log."),
    1013: Advice("The client read too slowly, or a side is full", "Client", "Read faster, or reconnect later."),
    1014: Advice("The connection to the backend was lost", _ENDPOINT, _BACKEND),
    4001: Advice("The token expired or was revoked", "Token", "Give the connection a new one before it ends."),
    4002: Advice("The subscription or a scope ended", _SUBSCRIPTION, "Subscribe again, or get a token with the scope."),
    4003: Advice("The plan is used up", _PLAN, "Wait until it resets, or subscribe under a larger plan."),
    4006: Advice("The API, the subscription or the caller is blocked", "Block", "Ask the API's publisher."),
    4010: Advice("The API is no longer served", "Lifecycle", "Use another version; the portal lists them."),
}
