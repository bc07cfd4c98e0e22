"""What somebody typed, kept for a while, so that a session that ends or a form that is too old loses nothing.

A draft is the body of a form, or the page that answered one, in a row that only the browser can open which sent it:
the key is in a cookie, so neither the table nor a URL holds anything in clear. Passwords are left out. Drafts are
bounded in size, in number (of one client, and in all) and in time.
"""

from __future__ import annotations

import hashlib
import zlib
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from accounts.models import Draft

KEPT = timedelta(hours=1)
MOST_BYTES = 128 * 1024  # compressed
MOST_OF_ONE = 100
MOST = 500
QUERY, COOKIE = "draft", "__Host-apim-draft"
LEFT_OUT = ("csrfmiddlewaretoken", "password", "secret", "confirmation")


def body_of(request: HttpRequest) -> bytes:
    """The form that a request sent, without what must not be kept."""
    kept = QueryDict(mutable=True)
    for name, values in request.POST.lists():
        if not any(word in name.lower() for word in LEFT_OUT):
            kept.setlist(name, values)
    return kept.urlencode().encode()


def keep(request: HttpRequest, response: HttpResponse, draft: Draft) -> None:
    """Give the browser what opens the draft."""
    response.set_cookie(
        COOKIE,
        draft.key or request.COOKIES[COOKIE],
        max_age=int(KEPT.total_seconds()),
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def write(request: HttpRequest, body: bytes, *, status: int = 0) -> Draft | None:
    """Write a draft down; None where it is too large. `status` is that of an answer, 0 for a form.

    What is written for somebody who is signed in opens for nobody else.
    """
    packed = zlib.compress(_whose(request) + body)
    if len(packed) > MOST_BYTES:
        return None
    key = request.COOKIES.get(COOKIE) or ""
    key = key if _box(key) else Fernet.generate_key().decode()
    client = hashlib.sha256(str(request.META.get("REMOTE_ADDR")).encode()).hexdigest()
    sealed = Fernet(key).encrypt(packed)
    draft = Draft(client=client, path=request.path[:500], status=status, sealed=sealed, created_at=timezone.now())
    draft.save(force_insert=True)
    draft.key = key
    Draft.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    for rows, most in ((Draft.objects.filter(client=client), MOST_OF_ONE), (Draft.objects.all(), MOST)):
        surplus = list(rows.order_by("-created_at", "pk").values_list("pk", flat=True)[most : most + 100])
        if surplus:
            Draft.objects.filter(pk__in=surplus).delete()
    return draft


def read(request: HttpRequest) -> tuple[Draft, bytes] | None:
    """The draft that the address names, for this path and in this browser."""
    name = request.GET.get(QUERY, "")
    box = _box(request.COOKIES.get(COOKIE) or "")
    if not box or not name.isalnum() or len(name) > Draft.ID_LENGTH:
        return None
    oldest = timezone.now() - KEPT
    draft = Draft.objects.filter(pk=name, path=request.path[:500], created_at__gte=oldest).first()
    try:
        opened = zlib.decompress(box.decrypt(bytes(draft.sealed))) if draft else b""
    except InvalidToken:
        return None
    whose, _, body = opened.partition(b"\n")
    return (draft, body) if draft and whose in (b"", _whose(request).strip()) else None


def address(request: HttpRequest, draft: Draft | None) -> str:
    """Where a draft of this request is opened; without one, the page as it was."""
    query = request.GET.copy()
    query.pop(QUERY, None)
    if draft:
        query[QUERY] = draft.pk
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _whose(request: HttpRequest) -> bytes:
    return f"{request.user.pk or ''}\n".encode()


def _box(key: str) -> Fernet | None:
    try:
        return Fernet(key)
    except ValueError:
        return None
