"""What the portal says where Django is not asked: a sentence, in JSON to those who use the REST API."""

import json
from http import HTTPStatus

from core.rest.refusals import document

REST = "/api/am/", "/client-registration/"


def is_rest(path: str) -> bool:
    """Whether who asks for `path` is a program that expects JSON, also of what goes wrong."""
    return path.startswith(REST)


def answer(path: str, status: int, sentence: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of a refusal."""
    if is_rest(path):
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
