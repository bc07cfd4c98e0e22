"""What the portals say where no view speaks: a sentence, in JSON to programs. Also Django's handlers of errors."""

import json
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from core.rest.refusals import document

REST = "/api/am/", "/client-registration/"
OAUTH, CONSENT = "/oauth2/", "/oauth2/authorize"


def answer(path: str, status: int, sentence: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of a refusal of which Django does not know."""
    if path.startswith(REST):
        kind, text = "application/json", json.dumps(document(status, 900000 + status, sentence))
    else:
        kind, text = "text/plain; charset=utf-8", f"{status} {HTTPStatus(status).phrase}\n\n{sentence}\n"
    body = text.encode()
    headers = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **({"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}),
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()], body


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what was sent cannot be read."""
    sentence = str(exception) if isinstance(exception, BadRequest) else "The server did not understand this request."
    if request.path.startswith(OAUTH) and not request.path.startswith(CONSENT):
        error = {"error": "invalid_request", "error_description": sentence}  # RFC 6749 §5.2
        return JsonResponse(error, status=400, headers={"Cache-Control": "no-store"})
    return _handler(400, sentence, defaults.bad_request)(request, exception)


def _handler(status: int, sentence: str, for_people: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Django's handler of one status: the sentence for a program that expects JSON, else the page."""

    def answer(request: HttpRequest, *given: Exception, **named: Exception) -> HttpResponse:
        if request.path.startswith(REST):
            return JsonResponse(document(status, 900000 + status, sentence), status=status)
        return for_people(request, *given, **named)

    return answer


permission_denied = _handler(403, "You may not do this.", defaults.permission_denied)
page_not_found = _handler(404, "There is nothing at this address.", defaults.page_not_found)
server_error = _handler(
    500,
    "Something broke on the server. It is in its log; tell an administrator what you did and when.",
    defaults.server_error,
)
