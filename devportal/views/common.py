"""What the pages share: who asks, how a refusal lands on a form, and how a key type is spelled in a URL."""

from collections.abc import Callable
from typing import TypeVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from core.errors import Conflict, Invalid
from core.forms import show_refusal
from devportal import one_time_secret
from devportal.models import KeyType, OAuthClient

Result = TypeVar("Result")


class KeyTypeConverter:
    """`<key_type:key_type>` in a route: "production" or "sandbox"."""

    regex = "production|sandbox"

    def to_python(self, value: str) -> KeyType:
        """The key type of a slug."""
        return KeyType(value.upper())

    def to_url(self, value: str) -> str:
        """The slug of a key type."""
        return value.lower()


def accepted(form: forms.Form, operation: Callable[[], Result]) -> Result | None:
    """What the operation returns; None if it refused, and then the form says why beside the field."""
    try:
        return operation()
    except (Invalid, Conflict) as refusal:
        show_refusal(form, getattr(refusal, "fields", {}), str(refusal))
        return None


def status_of(form: forms.Form) -> int:
    """The status of a page with this form: 400 if something on it is wrong."""
    return 400 if form.errors else 200


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
