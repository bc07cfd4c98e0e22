"""The product's own tables of refusals and close codes, for the page that describes an API. Pure."""

from __future__ import annotations

from typing import Final

from core.translating import gettext_noop as _
from devportal.documented_codes import DocumentedCode
from gateway.close_codes import CLOSES, Reconnect
from gateway.observability.remedies import CLOSED, REFUSED

STATUSES: Final = {
    401: (900902, 900901, 900903),
    403: (900908, 900907, 900909, 900910, 900905, 900805, 900403),
    404: (900906,),
    426: (426,),
    429: (900804, 900803),
    502: (101503,),
    503: (303001, 503),
    504: (101504,),
}
"""What a client of an API that is served may be answered, by status: those of a broken request are left out."""
_BACKEND: Final = _("Try again later. If it stays, tell the API's publisher: it is the backend.")
FOR_DEVELOPERS: Final = {
    101503: _BACKEND,
    101504: _BACKEND,
    303001: _BACKEND,
    1014: _("Connect again. If it stays, tell the API's publisher."),
    900403: _("Ask the API's publisher to allow the page's origin."),
    900905: _("Use keys of the other type."),
    1009: _("Send smaller messages; the plan and the API say how large they may be."),
    1011: _("Connect again; tell the API's publisher the request id if it stays."),
}
"""What those do who cannot open the Publisher."""

WIRE_WORDS: Final = (
    _("The gateway is stopping"),
    _("The gateway is restarting"),
    _("An operator closed this connection"),
    _("Connect again."),
    _("yes"),
    _("yes, later"),
    _("with a new token"),
    _("when it resets"),
    _("no"),
    _("maybe"),
)
"""What the page takes from reasons and `Reconnect`, for translators: over the wire it goes as it is written."""


def refusals() -> list[DocumentedCode]:
    """Each with its cause and its remedy."""
    known = ((status, code, REFUSED[code]) for status, codes in STATUSES.items() for code in codes)
    return [
        DocumentedCode(status, code, advice.cause, FOR_DEVELOPERS.get(code, advice.remedy))
        for status, code, advice in known
    ]


def closes() -> list[DocumentedCode]:
    """The gateway's own, each with its cause, its remedy where there is one, and whether to connect again."""
    found = []
    for code, close in sorted(CLOSES.items()):
        advice = CLOSED.get(code)
        reason, _dot, after = close.reason.rstrip(".").partition(". ")
        cause = advice.cause if advice else reason
        way_out = FOR_DEVELOPERS.get(code) or (advice.remedy if advice else "")
        way_out = way_out or (f"{after}." if after else _("The reason says why."))
        again = close.reconnect.value if close.reconnect is not Reconnect.WHEN_RESET else "when it resets"
        found.append(DocumentedCode(code, code, cause, way_out, again))
    return found
