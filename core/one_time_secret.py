"""Secrets between the request that makes them and the page that shows them once.

The session keeps a secret encrypted; the key is in a cookie of the browser that asked. So neither the session table
nor a URL ever holds one in clear, and opening a secret destroys it.
"""

from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from django.http import HttpRequest, HttpResponse

KEEPS_SECONDS = 300
MOST_KEPT = 8
SESSION_KEY, COOKIE = "one_time_secrets", "__Host-apim-one-time"


def seal(request: HttpRequest, response: HttpResponse, name: str, secret: str) -> None:
    """Keep `secret` for the next page that opens `name` in this browser, for five minutes at most."""
    key = request.COOKIES.get(COOKIE) or Fernet.generate_key().decode()
    box = box_of(key) or Fernet(key := Fernet.generate_key().decode())
    newest = list(request.session.get(SESSION_KEY, {}).items())[1 - MOST_KEPT :]
    kept = dict(newest)
    kept[name] = box.encrypt(secret.encode()).decode()
    request.session[SESSION_KEY] = kept
    response.set_cookie(
        COOKIE,
        key,
        max_age=KEEPS_SECONDS,
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def open_once(request: HttpRequest, name: str) -> str | None:
    """The secret, the first time it is asked for; None ever after, and in any other browser."""
    kept: Mapping[str, str] = request.session.get(SESSION_KEY, {})
    if name not in kept:
        return None
    request.session[SESSION_KEY] = {other: sealed for other, sealed in kept.items() if other != name}
    box = box_of(request.COOKIES.get(COOKIE))
    try:
        return box.decrypt(kept[name].encode(), ttl=KEEPS_SECONDS).decode() if box else None
    except InvalidToken:
        return None


def box_of(key: str | None) -> Fernet | None:
    """What seals and opens with the key of a cookie; None where it is no key."""
    try:
        return Fernet(key) if key else None
    except ValueError:
        return None
