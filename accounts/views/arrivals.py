"""How a session begins, whichever way somebody showed who they are, and where it leads."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from axes.models import AccessLog
from django.contrib.auth import login
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import agents, default_password, languages, operations
from accounts.access import FRESH
from accounts.models import User
from accounts.operations.sign_ins import NOTED
from accounts.portals import Portal
from core.sentences import Sentence
from core.translating import gettext_noop

HALF, HALF_SECONDS = "half_signed_in", 600
KNOWN_COOKIE, KNOWN_SALT, MOST_KNOWN = "__Host-apim-known", "accounts.known-browser", 10
UNKNOWN = gettext_noop("an unknown address")
YEAR_SECONDS = 365 * 24 * 3600


def after_password(request: HttpRequest, portal: Portal, user: User) -> HttpResponse:
    """Let somebody in whose password was right, or ask for their second factor first."""
    if not user.has_second_factor:
        return enter(request, portal, user)
    half = {"user": user.pk, "hash": user.get_session_auth_hash(), "at": timezone.now().timestamp()}
    request.session[HALF] = half
    query = urlencode({"next": way_on(request, portal)})
    return HttpResponseRedirect(f"{reverse('accounts:second-step', args=[portal])}?{query}")


def half_signed_in(request: HttpRequest) -> User | None:
    """Who gave the right password within the last ten minutes, and has not changed it since."""
    half: dict[str, Any] = request.session.get(HALF) or {}
    if timezone.now().timestamp() - half.get("at", 0) > HALF_SECONDS:
        return None
    user = User.objects.filter(pk=half["user"], is_active=True).first()
    return user if user and constant_time_compare(half["hash"], user.get_session_auth_hash()) else None


def enter(request: HttpRequest, portal: Portal, user: User) -> HttpResponse:
    """Begin the session, and lead on: to where somebody wanted to go, or to a password of their own."""
    begin(request, user)
    onward = way_on(request, portal)
    if default_password.must_choose_another(user):
        answer: HttpResponse = HttpResponseRedirect(
            f"{reverse('accounts:password', args=[portal])}?{urlencode({'next': onward})}"
        )
    else:
        answer = go(request, onward)
    known = [user.pk, *(pk for pk in _known_here(request) if pk != user.pk)][:MOST_KNOWN]
    sealed = signing.dumps(known, salt=KNOWN_SALT)
    answer.set_cookie(KNOWN_COOKIE, sealed, max_age=YEAR_SECONDS, secure=True, httponly=True, samesite="Lax")
    return answer


def begin(request: HttpRequest, user: User) -> None:
    """Begin a session, note it for the page of sessions, and tell of it where the browser is a new one.

    A browser is known by its cookie, or by its name and address among the sign-ins of the last months.
    """
    agent, address = request.headers.get("User-Agent", ""), request.META.get("REMOTE_ADDR") or ""
    is_first = user.last_login is None
    before = AccessLog.objects.filter(username=user.username, user_agent=agent[:255], ip_address=address or None)
    is_known = is_first or user.pk in _known_here(request) or before.exists()
    request.session.pop(HALF, None)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[FRESH] = timezone.now().timestamp()
    note(request, user)
    if not is_known:
        told = gettext_noop(
            "Somebody signed in to your account with a browser that is new here: %(browser)s, from %(address)s."
        )
        text, named = agents.words_of(agent)
        sentence = Sentence(told, browser=Sentence(text, **named), address=address or Sentence(UNKNOWN))
        operations.tell_of_account(user, sentence, timezone.now(), page="sign-ins")


def note(request: HttpRequest, user: User) -> None:
    """Note the session, also when it goes on under another key."""
    request.session[NOTED] = True
    operations.note_sign_in(
        user=user,
        session_key=str(request.session.session_key),
        address=request.META.get("REMOTE_ADDR") or "",
        agent=request.headers.get("User-Agent", ""),
        now=timezone.now(),
        language=languages.spoken_at(request) if languages.is_translated(request.path) else None,
    )


def go(request: HttpRequest, address: str) -> HttpResponse:
    """Go on to `address`: by redirect, or by a page that moves on where the way may leave this server.

    Chromium holds every redirect after a form against the page's `form-action` (CSP3 §6.4.1), and the OAuth endpoint
    may send the person straight on to a client's address.
    """
    if address.startswith("/oauth2/"):
        return render(request, "accounts/sessions/onward.html", {"address": address})
    return HttpResponseRedirect(address)


def way_on(request: HttpRequest, portal: Portal, default: str | None = None) -> str:
    """Where to go after signing in: `next` if it stays on this server, else the portal's first page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else (portal.home if default is None else default)


def _known_here(request: HttpRequest) -> list[int]:
    try:
        known: list[int] = signing.loads(request.COOKIES.get(KNOWN_COOKIE, ""), salt=KNOWN_SALT, max_age=YEAR_SECONDS)
    except signing.BadSignature:
        return []
    return known
