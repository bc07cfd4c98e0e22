"""Which language a page speaks: the reader's where developers read, English where publishers and programs do."""

from django.conf import settings

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


def known(code: str) -> str:
    """The code, if the product speaks that language; else nothing, which is the browser's."""
    return code if code in dict(settings.LANGUAGES) else ""
