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
        """Render the page of an anticipated refusal; leave everything else to Django."""
        if not isinstance(error, DomainError):
            return None
        return as_toast(request, error) if request.headers.get("HX-Request") == "true" else as_page(request, error)


def as_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A page with the sentence and a way on. An error class may name a `template` of its own."""
    template = getattr(error, "template", REFUSED)
    context = {"error": error, "back": way_back(request)}
    page = render(request, template, context, status=error.status)
    for name, value in getattr(error, "headers", {}).items():
        page[name] = value
    return page


def as_toast(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The sentence as a toast, where only a fragment of the page was asked for; the rest of the page stays."""
    answer = render(request, "errors/toast.html", {"error": error}, status=error.status)
    answer["HX-Retarget"], answer["HX-Reswap"] = ".toasts", "beforeend"
    return answer


def way_back(request: HttpRequest) -> str:
    """The page of this server that the visitor came from, or nothing if it is the one that was refused."""
    page = came_from(request)
    return "" if urlsplit(page).path == request.path else page
