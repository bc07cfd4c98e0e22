"""How a refusal of the REST API looks: `{code, message, description, moreInfo, error}`, whatever raised it."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.settings import api_settings

from core.errors import DomainError, cannot_be_kept
from core.text import UNREADABLE

TITLES = {
    400: "Bad request",
    401: "Unauthorised",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Too slow",
    409: "Conflict",
    412: "Precondition failed",
    413: "Too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Fault of the server",
    503: "Unavailable",
}
# WSO2's numbers; every other refusal without a `number` of its own is 900000 and its status.
NUMBERS: dict[type[exceptions.APIException], int] = {
    exceptions.NotAuthenticated: 900902,
    exceptions.AuthenticationFailed: 900901,
}


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal as `{code, message, description, moreInfo, error}`; None for a fault, which is Django's to show."""
    if isinstance(error, DomainError):
        names: Mapping[str, str] = getattr(context.get("view"), "field_names", {})
        return Response(refusal_body(error, names), status=error.status, headers=error.headers)
    fields: dict[str, str] = {}
    headers: dict[str, str] = {}
    if cannot_be_kept(error):
        said = 400, 900400, UNREADABLE
    elif isinstance(error, RecursionError):
        said = 400, 900400, "The body is nested too deeply."
    elif isinstance(error, Http404):
        said = 404, 900404, "There is nothing at this address."
    elif isinstance(error, DjangoPermissionDenied):
        said = 403, 900403, str(error) or "You may not do this."
    elif isinstance(error, exceptions.ValidationError):
        fields = dict(_sentences(error.detail))
        said = 400, 900400, "; ".join(f"{key}: {each}" for key, each in fields.items())
    elif isinstance(error, exceptions.APIException):
        code: int = getattr(error, "number", None) or NUMBERS.get(type(error), 900000 + error.status_code)
        said = error.status_code, code, str(error.detail)
        if challenge := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = challenge
        if error.status_code == status.HTTP_429_TOO_MANY_REQUESTS and (wait := getattr(error, "wait", None)):
            headers["Retry-After"] = str(int(wait))
    else:
        return None
    return Response(document(*said, fields), status=said[0], headers=headers)


def refusal_body(error: DomainError, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What is sent of a refusal; `names` are those of fields here, by their names in the domain."""
    fields = {(names or {}).get(key, key): sentence for key, sentence in error.fields.items()}
    return document(error.status, error.code, str(error), fields)


def document(number: int, code: int, description: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The body of a refusal with the status `number`; `fields` says what is wrong with which."""
    return {
        "code": code,
        "message": TITLES.get(number, "Error"),
        "description": description,
        "moreInfo": "",
        "error": [{"code": str(code), "field": key, "message": each} for key, each in (fields or {}).items()],
    }


def _sentences(detail: Any, path: str = "") -> list[tuple[str, str]]:
    """Nested details as pairs of a dotted field name and a sentence.

    What is wrong with a thing as a whole stands under the thing's own name.
    """
    if isinstance(detail, Mapping):
        items = []
        for key, value in detail.items():
            is_whole = key == api_settings.NON_FIELD_ERRORS_KEY
            items.append(((path or "body") if is_whole else f"{path}.{key}" if path else str(key), value))
    elif isinstance(detail, list) and any(isinstance(each, Mapping | list) for each in detail):
        items = [(f"{path}[{number}]", value) for number, value in enumerate(detail) if value]
    else:
        return [(path or "body", " ".join(map(str, detail)) if isinstance(detail, list) else str(detail))]
    return [pair for key, value in items for pair in _sentences(value, key)]
