"""What the portals say where no view speaks: a sentence, in JSON to programs. Also Django's handlers of errors."""

import json
import sys
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import BadRequest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from django.views import defaults

from core import outage
from core.rest.refusals import document

REST = "/api/am/", "/client-registration/"
AWAY_SECONDS = 5
AWAY = "The database does not answer at this moment. Try again in a few seconds."
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
_broken = _handler(
    500,
    "Something broke on the server. It is in its log; tell an administrator what you did and when.",
    defaults.server_error,
)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database is away: the log has a line for all of that, not a traceback for each."""
    error = sys.exc_info()[1]
    if not isinstance(error, OperationalError | InterfaceError):
        return _broken(request)
    outage.database.failed(error)
    headers = {"Retry-After": str(AWAY_SECONDS), "Cache-Control": "no-store"}
    if request.path.startswith(REST):
        answer: HttpResponse = JsonResponse(document(503, 900503, AWAY), status=503, headers=headers)
    elif request.path.startswith(OAUTH) and not request.path.startswith(CONSENT):
        said = {"error": "temporarily_unavailable", "error_description": AWAY}
        answer = JsonResponse(said, status=503, headers=headers)
    else:
        answer = HttpResponse(loader.render_to_string("503.html"), status=503, headers=headers)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return answer
