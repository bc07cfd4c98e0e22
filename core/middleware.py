"""What is settled about a request before anybody else looks at it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ClientAddressMiddleware:
    """Puts the client's address, as a trusted proxy says it, where everybody looks for it: `REMOTE_ADDR`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        proxies, peer = settings.TRUSTED_PROXIES, request.META.get("REMOTE_ADDR") or ""
        if peer in proxies:
            values = [request.headers.get(proxies.header, "")]
            request.META["REMOTE_ADDR"] = proxies.client_of(peer, values)
        elif proxies:  # what it says of the way here is its own invention
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return self._get_response(request)
