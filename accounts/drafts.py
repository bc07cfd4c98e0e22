"""What somebody typed, kept for a while, so that a session that ends or a form that is too old loses nothing.

A draft is the body of a form, or the page that answered one, in a row that only the browser can open which sent it:
the key is in a cookie, so neither the table nor a URL holds anything in clear. Passwords are left out. The row is
written by `accounts.operations.drafts`, which bounds them; here are the request, the cookie and the address.
"""

from __future__ import annotations

import hashlib
import zlib

from cryptography.fernet import InvalidToken
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from accounts.models import Draft
from accounts.operations.drafts import STRANGER, write_draft
from core.one_time_secret import box_of

QUERY, COOKIE = "draft", "__Host-apim-draft"
FORM = "form"
"""A hidden field that names one of the forms of a page: a dialog, which is sent to another address."""
LEFT_OUT = ("csrfmiddlewaretoken", "password", "secret", "confirmation", "credential")


def keep(request: HttpRequest, response: HttpResponse, draft: Draft) -> None:
    """Give the browser what opens the draft."""
    response.set_cookie(
        COOKIE,
        draft.key or request.COOKIES[COOKIE],
        max_age=int(Draft.KEPT.total_seconds()),
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def write(request: HttpRequest, body: bytes | None = None, *, path: str = "", status: int = 0) -> Draft | None:
    """Write down the form that was sent, without what must not be kept, or the `body` of an answer and its `status`.

    `path` is that of the page on which it is opened, if that is another than the one that was asked for. What is
    written for somebody who is signed in opens for nobody else. None where it is too large.
    """
    if body is None:
        typed = QueryDict(mutable=True)
        for name, values in request.POST.lists():
            if not any(word in name.lower() for word in LEFT_OUT):
                typed.setlist(name, values)
        body = typed.urlencode().encode()
    client = hashlib.sha256(str(request.META.get("REMOTE_ADDR")).encode()).hexdigest()
    return write_draft(
        body=f"{request.user.pk or ''}\n".encode() + body,
        client=client if request.user.is_authenticated else f"{STRANGER}{client[1:]}",
        key=request.COOKIES.get(COOKIE) or "",
        path=path or request.path,
        status=status,
        now=timezone.now(),
    )


def read(request: HttpRequest) -> tuple[Draft, bytes] | None:
    """The draft that the address names, for this path and in this browser."""
    name = request.GET.get(QUERY, "")
    box = box_of(request.COOKIES.get(COOKIE))
    if not box or not name.isalnum() or len(name) > Draft.ID_LENGTH:
        return None
    oldest = timezone.now() - Draft.KEPT
    draft = Draft.objects.filter(pk=name, path=request.path[:500], created_at__gte=oldest).first()
    try:
        opened = zlib.decompress(box.decrypt(bytes(draft.sealed))) if draft else b""
    except InvalidToken:
        return None
    whose, _, body = opened.partition(b"\n")
    return (draft, body) if draft and whose in (b"", f"{request.user.pk or ''}".encode()) else None


def address(page: str, draft: Draft | None) -> str:
    """Where a draft of this page, a path with its query, is opened; without one, the page as it was."""
    path, _, asked = page.partition("?")
    query = QueryDict(asked, mutable=True)
    query.pop(QUERY, None)
    if draft:
        query[QUERY] = draft.pk
    return f"{path}?{query.urlencode()}" if query else path
