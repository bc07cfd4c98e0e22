"""A session: sign in, sign out, and the page of those who tried too often."""

from datetime import timedelta
from typing import Any

from axes.helpers import get_cool_off
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafts, permissions, portals
from accounts.access import typed_on
from accounts.forms import SignInForm
from accounts.portals import Portal
from accounts.views.arrivals import after_password, way_on
from core import durations
from core.lookalikes import looks


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, portal: Portal) -> HttpResponse:
    """The sign-in page of one portal; with POST begin the session, which all portals share."""
    is_sent = request.method == "POST"
    if not is_sent and request.user.is_authenticated and "next" not in request.GET:
        return redirect(portal.home)
    form = SignInForm(request.POST if is_sent else None, request=request)
    if form.is_valid() and form.user:
        return after_password(request, portal, form.user)
    context = {"form": form, "next": way_on(request, portal, default="")}
    return render(request, "accounts/sessions/sign_in.html", context, status=400 if is_sent else 200)


@require_POST
def sign_out(request: HttpRequest, portal: Portal) -> HttpResponse:
    """End the session and show the portal's front door."""
    logout(request)
    return redirect(portal.home) if portal is portals.DEVPORTAL else redirect("accounts:sign-in", portal)


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Any = None, *rest: Any) -> HttpResponse:
    """The page of somebody who tried too often; says how long to wait. The setting AXES_LOCKOUT_CALLABLE names it."""
    seconds = int((get_cool_off(request) or timedelta()).total_seconds())
    wait = durations.roughly(max(60, seconds))
    context = {"wait": wait, "administrators": permissions.administrators()}
    page = render(request, "accounts/sessions/locked_out.html", context, status=429)
    page["Retry-After"] = str(seconds)
    return page


def too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page of a form that was opened before its sender signed in or out. CSRF_FAILURE_VIEW names it.

    It leads back to the page, filled as it was, unless another site sent the form.
    """
    back, draft = typed_on(request)
    page = render(request, "403_csrf.html", {"back": back, "is_kept": draft is not None}, status=403)
    if draft:
        drafts.keep(request, page, draft)
    return page


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The name under which attempts are counted, one for all that look alike. AXES_USERNAME_CALLABLE names it."""
    return looks(str((credentials or request.POST).get("username") or ""))
