"""Copy as code: whole programs that connect, get and renew their tokens, and connect again."""

from __future__ import annotations

import json
import shlex
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from devportal import composing, queries
from devportal.addresses import addresses_of

PROGRAMS = {
    "wscat": "wscat",
    "websocat": "websocat",
    "browser": "JavaScript (browser)",
    "node": "JavaScript (Node)",
    "python": "Python",
    "go": "Go",
    "java": "Java",
    "csharp": "C#",
}
MESSAGE = "Hello"


@require_safe
def code(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The programs, with this API's address and the first example of what may be sent there."""
    found = queries.api_for(request.user, pk)
    topics = found.deployed_revision.snapshot["topics"] if found.deployed_revision else []
    message = next((each.text for each in composing.sendable(topics) if each.text), MESSAGE)
    context = {
        "api": found,
        "programs": [
            {"name": name, "title": title, "text": program(name, addresses_of(found).wss, message=message)}
            for name, title in PROGRAMS.items()
        ],
    }
    return render(request, "devportal/code/page.html", context)


def program(name: str, wss: str, *, gateway: str = "", portal: str = "", message: str = MESSAGE) -> str:
    """One of PROGRAMS as a file holds it. It has no secret in it: keys come from the environment."""
    words = {
        "wss": wss,
        "gateway": (gateway or settings.GATEWAY_WSS_URL).replace("ws", "http", 1),
        "token_url": f"{portal or settings.PORTAL_URL}/oauth2/token",
        "message": message,
    }
    # No text is HTML here: the page escapes the whole.
    literals = {key: mark_safe(_literal(each)) for key, each in words.items()}  # noqa: S308
    shell = {f"shell_{key}": mark_safe(shlex.quote(each)) for key, each in words.items()}  # noqa: S308
    return render_to_string(f"devportal/code/{name}.txt", {**literals, **shell})


def _literal(text: str) -> str:
    """A string that reads the same in JavaScript, Python, Go, Java and C#, where some line ends may not stand in one."""
    quoted = json.dumps(text, ensure_ascii=False)
    for end in "\x7f\x85\u2028\u2029":
        quoted = quoted.replace(end, f"\\u{ord(end):04x}")
    return quoted
