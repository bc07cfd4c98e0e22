"""What the portals say where no view speaks: a sentence, in JSON to programs. Also Django's handlers of errors."""

import json
from http import HTTPStatus
from typing import Any

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
    return _to_program(request, 400, sentence) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _to_program(request, 403, "You may not do this.") or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    sentence = "There is nothing at this address."
    return _to_program(request, 404, sentence) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: the log says what went wrong."""
    sentence = "Something broke on the server. It is in its log; tell an administrator what you did and when."
    return _to_program(request, 500, sentence) or defaults.server_error(request)


def _to_program(request: HttpRequest, status: int, sentence: str) -> HttpResponse | None:
    """The refusal for a program that expects JSON; None for people."""
    if not request.path.startswith(REST):
        return None
    body: dict[str, Any] = document(status, 900000 + status, sentence)
    return JsonResponse(body, status=status)
