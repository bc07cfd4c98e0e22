"""What is settled about a request before anybody else looks at it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse


@dataclass(eq=False, repr=False)
class Middleware:
    """Something done around what answers a request: say it in `__call__`."""

    get_response: Callable[[HttpRequest], HttpResponse]


class ClientAddressMiddleware(Middleware):
    """Puts the client's address and scheme, as a trusted proxy says them, where everybody looks for them."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        proxies, peer = settings.TRUSTED_PROXIES, request.META.get("REMOTE_ADDR") or ""
        if proxies:
            scheme = proxies.scheme_of(peer, [request.headers.get(proxies.scheme_header, "")])
            request.META["REMOTE_ADDR"] = proxies.client_of(peer, [request.headers.get(proxies.header, "")])
            # Django would read the first word, which is the client's own where a proxy appends to it.
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
            if scheme:
                request.META["HTTP_X_FORWARDED_PROTO"] = scheme
        return self.get_response(request)
