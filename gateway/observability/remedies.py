"""What a refusal or a close means, which header or setting is at fault, and what puts it right. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from core.translating import gettext_noop as _


class Advice(NamedTuple):
    """`cause` in plain words, what is `at_fault` (a header, a setting), and the `remedy`."""

    cause: str
    at_fault: str
    remedy: str


_ANOTHER = _("Generate a token in the Developer Portal and send it as Authorization: Bearer <access token>.")
_BACKEND = _("Look at the Endpoint page of the API in the Publisher: Test says what the gateway sees.")
_HEADER, _ENDPOINT, _SUBSCRIPTION, _PLAN = (
    _("Authorization header"),
    _("Endpoint"),
    _("Subscription"),
    _("Business plan"),
)

REFUSED: Final = {
    400: Advice(
        _("The handshake breaks a rule of HTTP or WebSocket"), _("Request"), _("Use a WebSocket client library.")
    ),
    404: Advice(
        _("Plain HTTP was sent where only WebSocket APIs are served"), _("Request"), _("Connect to an API's address.")
    ),
    405: Advice(_("The request was not sent with POST"), _("HTTP method"), _("Send it with POST.")),
    408: Advice(
        _("The request was not complete in time"), _("Client or network"), _("Send the whole request at once.")
    ),
    426: Advice(
        _("The client does not speak WebSocket"), _("Upgrade header"), _("Use a WebSocket client of version 13.")
    ),
    431: Advice(_("The headers are too long"), _("Request headers"), _("Send fewer cookies and shorter headers.")),
    503: Advice(_("The gateway is full or restarting"), _("Gateway"), _("Try again as Retry-After says.")),
    500: Advice(
        _("The gateway met an error of its own"), _("Gateway"), _("Try again; look up the request id in its log.")
    ),
    900403: Advice(
        _("The web page may not call the API"),
        _("Origin header"),
        _("Add the page's origin to the allowed origins on the API's Runtime page, and deploy."),
    ),
    900429: Advice(_("Something was asked for too often"), _("Client"), _("Wait as long as Retry-After says.")),
    900800: Advice(
        _("All callers of the API together have used up its bytes"),
        _("Rate of the whole API"),
        _("Wait as long as Retry-After says; the API's publisher sets the rate on its Runtime page."),
    ),
    900803: Advice(
        _("The application's plan allows no more now"),
        _("Application plan"),
        _("Connect less often, or choose a larger plan."),
    ),
    900804: Advice(
        _("The subscription's plan allows no more now"),
        _PLAN,
        _("Close connections that are not used, wait as long as Retry-After says, or subscribe under a larger plan."),
    ),
    900805: Advice(_("A deny policy forbids it"), _("Deny policy"), _("Ask an administrator to lift the policy.")),
    900900: Advice(_("The gateway cannot decide now"), _("Gateway"), _("Try again in a few seconds.")),
    900901: Advice(_("The credential is not valid, or was revoked"), _HEADER, _ANOTHER),
    900902: Advice(_("No credential was sent"), _HEADER, _ANOTHER),
    900903: Advice(_("The token has expired"), _HEADER, _("Ask for a new token before the old one ends.")),
    900905: Advice(
        _("Keys of this type reach nothing here"),
        _("Key type"),
        _("Use the other keys, or give the API an endpoint for these."),
    ),
    900906: Advice(
        _("Nothing is served at this address"), _("URL"), _("Compare context, version and topic with the portal's.")
    ),
    900907: Advice(
        _("The API or the subscription is blocked"), _SUBSCRIPTION, _("Ask the API's publisher to unblock it.")
    ),
    900908: Advice(_("The application is not subscribed"), _SUBSCRIPTION, _("Subscribe it in the Developer Portal.")),
    900909: Advice(
        _("The subscription is not approved"), _SUBSCRIPTION, _("Wait for the publisher's approval, or ask for it.")
    ),
    900910: Advice(_("The token lacks a scope"), _("Scope"), _("Generate a token with a scope of the topic.")),
    900912: Advice(
        _("More than one credential was sent, or one in a place that is not taken"),
        _("Credential"),
        _("Send exactly one."),
    ),
    101503: Advice(_("The backend did not accept the connection"), _ENDPOINT, _BACKEND),
    101504: Advice(_("The backend did not answer in time"), _ENDPOINT, _BACKEND),
    303001: Advice(
        _("The backend failed repeatedly and is given a rest"),
        _ENDPOINT,
        _(
            "Look at the Endpoint page of the API in the Publisher: Test says what the gateway sees. It is tried "
            "again by itself."
        ),
    ),
}
ELSE_REFUSED: Final = Advice(_("The gateway refused"), _("Request"), _("Read the sentence of the answer."))

CLOSED: Final = {
    1002: Advice(
        _("The WebSocket protocol was broken"), _("Frames"), _("Mend the side that is named, or its library.")
    ),
    1003: Advice(_("A side got data that it cannot take"), _("Messages"), _("Send what the other side understands.")),
    1006: Advice(
        _("The connection broke without a Close"),
        _("Network, or the process that went away"),
        _("Reconnect. If it happens after the same silence each time, lower the ping interval on the Endpoint page."),
    ),
    1007: Advice(
        _("A payload is not what it says it is"), _("Messages"), _("Send valid UTF-8 text that fits the schema.")
    ),
    1008: Advice(_("A side refused by a policy of its own"), _("Messages"), _("Ask whoever runs that side.")),
    1009: Advice(_("A message was over the limit"), _("Message size"), _("Send smaller ones, or raise the limit.")),
    1011: Advice(
        _("A side met an error of its own"), _("Backend or gateway"), _("Look up the connection's id in its log.")
    ),
    1013: Advice(
        _("The client read too slowly, or a side is full"), _("Client"), _("Read faster, or reconnect later.")
    ),
    1014: Advice(_("The connection to the backend was lost"), _ENDPOINT, _BACKEND),
    4001: Advice(_("The token expired or was revoked"), _("Token"), _("Give the connection a new one before it ends.")),
    4002: Advice(
        _("The subscription or a scope ended"), _SUBSCRIPTION, _("Subscribe again, or get a token with the scope.")
    ),
    4003: Advice(_("The plan is used up"), _PLAN, _("Wait until it resets, or subscribe under a larger plan.")),
    4006: Advice(_("The API, the subscription or the caller is blocked"), _("Block"), _("Ask the API's publisher.")),
    4010: Advice(_("The API is no longer served"), _("Lifecycle"), _("Use another version; the portal lists them.")),
}
