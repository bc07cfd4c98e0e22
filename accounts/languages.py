"""Which language a page speaks: the reader's where developers read, English where publishers and programs do."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from accounts import portals

ENGLISH = "/api/", "/client-registration/", "/.well-known/"
OAUTH, CONSENT = "/oauth2/", "/oauth2/authorize"


def is_translated(path: str) -> bool:
    """Whether what stands at a path speaks the reader's language: the Developer Portal, accounts there, and refusals.

    The Publisher, the Administration and what programs read (REST, OAuth) are in English.
    """
    if path.startswith(OAUTH):
        return path == CONSENT
    return portals.of_path(path) is portals.DEVPORTAL and not path.startswith(ENGLISH)


def spoken_at(request: HttpRequest, chosen: str = "") -> str:
    """The language to answer a request in: what the person has `chosen`, else the first of the browser's we know."""
    if not is_translated(request.path):
        return settings.LANGUAGE_CODE
    return chosen if chosen in dict(settings.LANGUAGES) else translation.get_language_from_request(request)
