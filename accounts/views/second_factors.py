"""The second factor of one's own account: authenticator app, passkeys, recovery codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import installation, one_time_codes, operations, queries
from accounts.access import current_user, freshly
from accounts.forms import AppForm, PasskeyForm
from accounts.passkeys import Purpose
from accounts.portals import Portal
from accounts.views.second_steps import asked_of
from core import one_time_secret, vault
from core.errors import Conflict, Invalid
from core.forms import accepted, status_of

NEW_APP, CODES = "new_app", "recovery-codes"


@never_cache
@require_safe
@freshly
def second_factor(request: HttpRequest, portal: Portal) -> HttpResponse:
    """What somebody signs in with beside the password, and what can be done about it."""
    user = current_user(request)
    context = {
        "factors": queries.second_factors_of(user),
        "most": operations.MOST_PASSKEYS,
        "is_needed": installation.lacks_second_factor(user),
    }
    return render(request, "accounts/second_factors/overview.html", context)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@freshly
def app(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Set an authenticator app up: its secret as a picture and in letters, and a code that shows that it has it.

    The secret stays the same until it is taken, so that a page that is loaded anew still fits the app.
    """
    user, form = current_user(request), AppForm(request.POST or None)
    try:
        secret = vault.unseal(request.session[NEW_APP])
    except (KeyError, vault.CannotOpen):
        secret = one_time_codes.new_secret()
        request.session[NEW_APP] = vault.seal(secret)
    if request.method == "POST" and form.is_valid():
        code, now = form.cleaned_data["code"], timezone.now()
        codes = accepted(form, lambda: operations.set_up_app(user=user, secret=secret, code=code, now=now))
        if codes is not None:
            del request.session[NEW_APP]
            messages.success(request, _("The app is set up. From now on a password alone does not sign you in."))
            return shown_once(request, portal, codes)
    issuer = f"API Manager {request.get_host().partition(':')[0]}"
    address = one_time_codes.app_address(secret, account=user.username, issuer=issuer)
    picture = segno.make(address, error="m").svg_inline(border=2, light="#fff", omitsize=True, svgclass="qr")
    context = {
        "form": form,
        "picture": mark_safe(picture),  # noqa: S308 - squares, and nothing that somebody typed
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "address": address,
        "replaces": queries.second_factors_of(user).app is not None,
    }
    return render(request, "accounts/second_factors/app.html", context, status=status_of(form))


@require_POST
@freshly
def app_removals(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Do without the app."""
    remove = partial(operations.remove_app, user=current_user(request), now=timezone.now())
    return tried(request, portal, remove, _("The authenticator app is removed."))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@freshly
def recovery_codes(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Recovery codes, shown once; POST makes new ones."""
    user = current_user(request)
    if request.method == "POST":
        try:
            return shown_once(request, portal, operations.renew_recovery_codes(user=user, now=timezone.now()))
        except Conflict as refusal:
            messages.error(request, str(refusal))
    codes = one_time_secret.open_once(request, CODES) if request.method == "GET" else None
    if codes is None:
        return redirect("accounts:second-factor", portal)
    return render(request, "accounts/second_factors/recovery_codes.html", {"codes": codes})


@never_cache
@require_POST
@freshly
def passkeys(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Keep a passkey that the browser has just made."""
    user, form, now = current_user(request), PasskeyForm(request.POST), timezone.now()
    if not form.is_valid():
        messages.error(request, _("Give the passkey a shorter name, and try again."))
        return redirect("accounts:second-factor", portal)
    given = form.cleaned_data
    try:
        asked = asked_of(request, Purpose.REGISTRATION, user)
        codes = operations.add_passkey(user=user, asked=asked, answer=given["credential"], name=given["name"], now=now)
    except (Invalid, Conflict) as refusal:
        messages.error(request, str(refusal))
        return redirect("accounts:second-factor", portal)
    messages.success(request, _("The passkey was added. You can sign in with it, without your password."))
    return shown_once(request, portal, codes)


@require_POST
@freshly
def passkey(request: HttpRequest, portal: Portal, pk: int) -> HttpResponse:
    """Call a passkey something else."""
    user, name, now = current_user(request), request.POST.get("name", ""), timezone.now()
    rename = partial(operations.rename_passkey, user=user, pk=pk, name=name, now=now)
    return tried(request, portal, rename, _("The passkey has its new name."))


@require_POST
@freshly
def passkey_removals(request: HttpRequest, portal: Portal, pk: int) -> HttpResponse:
    """Let a passkey sign nobody in any more."""
    remove = partial(operations.remove_passkey, user=current_user(request), pk=pk, now=timezone.now())
    return tried(request, portal, remove, _("The passkey is removed. Delete it on your device too."))


def tried(request: HttpRequest, portal: Portal, change: Callable[[], object], sentence: str) -> HttpResponse:
    """Back to the page of the second factor, which says what was done or why it was not."""
    try:
        change()
        messages.success(request, sentence)
    except (Invalid, Conflict) as refusal:
        messages.error(request, str(refusal))
    return redirect("accounts:second-factor", portal)


def shown_once(request: HttpRequest, portal: Portal, codes: list[str]) -> HttpResponse:
    """On to the page that shows new recovery codes, or back where there are none."""
    if not codes:
        return redirect("accounts:second-factor", portal)
    answer = redirect("accounts:recovery-codes", portal)
    one_time_secret.seal(request, answer, CODES, "\n".join(codes))
    return answer
