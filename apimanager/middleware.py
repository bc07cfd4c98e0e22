"""What holds for every page and every REST call: what is sent can be read, and nobody else keeps the answer."""

import codecs

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from core.errors import cannot_be_kept
from core.text import UNREADABLE

FORM = "application/x-www-form-urlencoded"
NUL = b"%00", b"\0"
CHARSETS = frozenset({"utf-8", "ascii"})


class ReadableMiddleware(MiddlewareMixin):
    """Refuses text that is not UTF-8 and text that no database keeps (NUL, halves of surrogate pairs) with 400.

    Of JSON the parser of the REST API does. What passes here and there is refused where the database does not take it.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Raise BadRequest for what cannot be read; a cookie that cannot be is none."""
        if request.encoding and codecs.lookup(request.encoding).name not in CHARSETS:
            raise BadRequest("Send text in UTF-8.")
        texts = [
            request.META.get("QUERY_STRING", "").encode("latin-1", "replace"),
            request.path_info.encode(errors="replace"),
        ]
        if request.content_type == FORM:
            texts.append(request.body)
        if any(nul in text for text in texts for nul in NUL):
            raise BadRequest(UNREADABLE)
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view could not write or look for, because of what was sent."""
        return response_for_exception(request, BadRequest(UNREADABLE)) if cannot_be_kept(error) else None


class NoStoreMiddleware(MiddlewareMixin):
    """Answers to somebody who is signed in, or shows a token, are kept by no cache, the browser's own included."""

    def process_response(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        """Say so, unless the view has."""
        session = settings.SESSION_COOKIE_NAME
        is_personal = session in request.COOKIES or session in answer.cookies or "Authorization" in request.headers
        if is_personal and "no-store" not in answer.get("Cache-Control", ""):
            answer["Cache-Control"] = "no-store, private"
        return answer
