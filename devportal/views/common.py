"""What the pages share: who asks, how a refusal lands on a form, and how a key type is spelled in a URL."""

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from accounts.models import User
from core import one_time_secret
from devportal.memberships import right_of
from devportal.models import Application, KeyType, OAuthClient
from devportal.sharing import Right


class KeyTypeConverter:
    """`<key_type:key_type>` in a route: "production" or "sandbox"."""

    regex = "production|sandbox"

    def to_python(self, value: str) -> KeyType:
        return KeyType(value.upper())

    def to_url(self, value: str) -> str:
        return value.lower()


def rights_in(application: Application, viewer: User) -> dict[str, bool]:
    """What the viewer may do with an application, for its pages. Call it once for a page: it asks the database."""
    right = right_of(viewer, application)
    return {
        "owns": right is Right.OWN,
        "manages": right >= Right.MANAGE,
        "uses_keys": right >= Right.KEYS,
    }


def keep_once(request: HttpRequest, response: HttpResponse, kind: str, client: OAuthClient, secret: str) -> None:
    """Keep a "secret" or a "token" of `client` for the page that shows it."""
    one_time_secret.seal(request, response, f"{kind}:{client.pk}", secret)


def show_once(request: HttpRequest, kind: str, client: OAuthClient | None) -> str | None:
    """The "secret" or "token" of `client` that was made a moment ago; None from the second time on."""
    return one_time_secret.open_once(request, f"{kind}:{client.pk}") if client and request.method == "GET" else None


def kept_nowhere(page: HttpResponse, *secrets: str | None) -> HttpResponse:
    """The page, kept out of every cache if it shows a secret.

    Other pages stay in the browser's history as they were: Back then shows a failed form again without asking whether
    to send it once more.
    """
    if any(secrets):
        add_never_cache_headers(page)
    return page
