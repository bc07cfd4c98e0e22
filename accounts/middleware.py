"""The one place where a domain error becomes an HTML answer."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from accounts import drafts
from accounts.access import came_from
from accounts.models import User
from core.errors import DomainError

REFUSED = "errors/refused.html"
FAILED = frozenset({400, 409})


class DomainErrorMiddleware(MiddlewareMixin):
    """Turn an operation's refusal that no view has handled into a page with the right status and its sentence."""

    async_capable = False

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
        template, context = getattr(error, "template", REFUSED), {"error": error, "back": back}
        page = render(request, template, context, status=error.status)
        for name, value in getattr(error, "headers", {}).items():
            page[name] = value
        return page


class DraftMiddleware:
    """Nothing typed is lost, and Back asks nobody whether to send a form again.

    A page that is opened with a draft gets it as `request.draft`, which `core.forms.sent` hands to its form. A form
    that failed is answered by sending the browser to an address of its own, where the answer is shown: so it has a
    place in the history like any other page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and drafts.QUERY in request.GET and isinstance(request.user, User):
            if not (found := drafts.read(request)):
                return HttpResponseRedirect(drafts.address(request, None))
            draft, body = found
            if draft.status:
                return HttpResponse(body, status=draft.status)
            request.draft = QueryDict(body)  # type: ignore[attr-defined]
            messages.info(request, "What you typed is here again. Nothing has been sent yet.")
        answer = self.get_response(request)
        if not _is_failed_form(request, answer):
            return answer
        kept = drafts.write(request, answer.content, status=answer.status_code)
        if kept is None:
            return answer
        moved = HttpResponseRedirect(drafts.address(request, kept))
        moved.status_code = 303
        drafts.keep(request, moved, kept)
        return moved


def _is_failed_form(request: HttpRequest, answer: HttpResponse) -> bool:
    """Whether a browser, and no program, was sent a page that says what is wrong with its form."""
    return (
        request.method == "POST"
        and answer.status_code in FAILED
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and isinstance(request.user, User)
        and not answer.streaming
        and not answer.has_header("Cache-Control")
    )
