"""What somebody typed, kept for a while, so that a session that ends or a form that is too old loses nothing.

A draft is the body of a form, or the page that answered one, in a row that only the browser can open which sent it:
the key is in a cookie, so neither the table nor a URL holds anything in clear. Passwords are left out. Drafts are
bounded in size, in number (of one client, of all strangers, of everybody else) and in time.
"""

from __future__ import annotations

import hashlib
import zlib
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from accounts.models import Draft
from core.one_time_secret import box_of

KEPT = timedelta(hours=1)
MOST_BYTES = 128 * 1024  # compressed
MOST_OF_ONE = 100
MOST = 500
STRANGER = "-"  # in front of the client of what nobody who is signed in has sent
QUERY, COOKIE = "draft", "__Host-apim-draft"
FORM = "form"
"""A hidden field that names one of the forms of a page: a dialog, which is sent to another address."""
LEFT_OUT = ("csrfmiddlewaretoken", "password", "secret", "confirmation", "credential")


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


def write(request: HttpRequest, body: bytes, *, path: str = "", status: int = 0) -> Draft | None:
    """Write a draft down; None where it is too large. `status` is that of an answer, 0 for a form.

    `path` is that of the page on which it is opened, if that is another than the one that was asked for. What is
    written for somebody who is signed in opens for nobody else.
    """
    packed = zlib.compress(f"{request.user.pk or ''}\n".encode() + body)
    if len(packed) > MOST_BYTES:
        return None
    key = request.COOKIES.get(COOKIE) or ""
    key = key if box_of(key) else Fernet.generate_key().decode()
    client = hashlib.sha256(str(request.META.get("REMOTE_ADDR")).encode()).hexdigest()
    client = client if request.user.is_authenticated else f"{STRANGER}{client[1:]}"
    sealed, at = Fernet(key).encrypt(packed), timezone.now()
    draft = Draft(client=client, path=(path or request.path)[:500], status=status, sealed=sealed, created_at=at)
    draft.save(force_insert=True)
    draft.key = key
    Draft.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    strangers = Q(client__startswith=STRANGER)
    kind = Draft.objects.filter(strangers if client.startswith(STRANGER) else ~strangers)
    for rows, most in ((Draft.objects.filter(client=client), MOST_OF_ONE), (kind, MOST)):
        surplus = list(rows.order_by("-created_at", "pk").values_list("pk", flat=True)[most : most + 100])
        if surplus:
            Draft.objects.filter(pk__in=surplus).delete()
    return draft


def read(request: HttpRequest) -> tuple[Draft, bytes] | None:
    """The draft that the address names, for this path and in this browser."""
    name = request.GET.get(QUERY, "")
    box = box_of(request.COOKIES.get(COOKIE))
    if not box or not name.isalnum() or len(name) > Draft.ID_LENGTH:
        return None
    oldest = timezone.now() - KEPT
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
