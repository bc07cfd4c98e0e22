"""The one place where a domain error becomes an HTML answer."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import came_from
from core.errors import DomainError

REFUSED = "errors/refused.html"


class DomainErrorMiddleware:
    """Turn an operation's refusal that no view has handled into a page with the right status and its sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render the page of an anticipated refusal, whose class may name a `template`; leave the rest to Django."""
        if not isinstance(error, DomainError):
            return None
        if request.headers.get("HX-Request") == "true":  # only a fragment was asked for: the rest of the page stays
            answer = render(request, "errors/toast.html", {"error": error}, status=error.status)
            answer["HX-Retarget"], answer["HX-Reswap"] = ".toasts", "beforeend"
            return answer
        came = came_from(request)
        back = "" if urlsplit(came).path == request.path else came  # no way back to the very page that was refused
        return render(request, getattr(error, "template", REFUSED), {"error": error, "back": back}, status=error.status)
