"""What is asked beside the password, or in its place: the second step of a sign-in, a passkey, the password anew."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import operations, passkeys, queries
from accounts.access import FRESH, current_user, requires
from accounts.attempts import SIGN_IN_SECONDS, Attempt, address_of
from accounts.forms import ConfirmationForm, SecondStepForm
from accounts.models import User
from accounts.passkeys import Challenge, PasskeyRefused, Purpose
from accounts.portals import Portal
from accounts.views.arrivals import enter, half_signed_in, way_on
from core.errors import DomainError, NotFound
from core.forms import accepted, status_of

CHALLENGE_COOKIE = "__Host-apim-passkey"
MOST_CONFIRMATIONS = 10  # passwords, right ones included, of one person in a quarter of an hour


@never_cache
@require_POST
def challenges(request: HttpRequest, portal: Portal, purpose: str) -> HttpResponse:
    """What the browser is to ask a passkey for, as JSON; the browser keeps what it was asked in a sealed cookie."""
    if purpose not in set(Purpose):
        raise NotFound(_("There is no such use of a passkey."))
    wanted, user = Purpose(purpose), None
    if wanted is Purpose.SECOND_STEP:
        user = half_signed_in(request)
    elif wanted is not Purpose.SIGN_IN:
        user = request.user if isinstance(request.user, User) else None
    if user is None and wanted is not Purpose.SIGN_IN:
        return JsonResponse({"problem": _("Sign in again: too much time has passed.")}, status=403)
    try:
        options, asked = operations.ask(wanted, user=user, now=timezone.now())
    except DomainError as refusal:
        return JsonResponse({"problem": str(refusal)}, status=refusal.status)
    answer = JsonResponse({"options": options})
    answer.set_cookie(
        CHALLENGE_COOKIE, asked.sealed(), max_age=passkeys.SECONDS, secure=True, httponly=True, samesite="Strict"
    )
    return answer


def asked_of(request: HttpRequest, purpose: Purpose, user: User | None = None) -> Challenge:
    """What this browser was asked for. Raises PasskeyRefused."""
    return passkeys.challenge_of(request.COOKIES.get(CHALLENGE_COOKIE, ""), purpose, user.pk if user else 0)


def shown_by(request: HttpRequest, purpose: Purpose, user: User, given: Mapping[str, str]) -> User:
    """Who has shown who they are: with a passkey, else with a code, or again with the password."""
    if given["credential"]:
        asked = asked_of(request, purpose, user)
        return operations.use_passkey(asked=asked, answer=given["credential"], now=timezone.now())
    if purpose is Purpose.SECOND_STEP:
        operations.check_code(user=user, code=given["code"], now=timezone.now())
    else:
        operations.check_password(user=user, password=given["password"])
    return user


@never_cache
@require_POST
@sensitive_post_parameters("credential")
def passkey_sign_in(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Sign in with a passkey alone: it is there, and it has made sure of its owner."""
    refusal = _("Too many passkeys were refused from your address. Wait %(wait)s, then try again.")
    most, seconds = settings.FAILED_SIGN_INS_PER_ADDRESS, SIGN_IN_SECONDS
    attempt = Attempt.begin(address_of(request), kind="passkey", most=most, seconds=seconds, refusal=refusal)
    try:
        asked = asked_of(request, Purpose.SIGN_IN)
        user = operations.use_passkey(asked=asked, answer=request.POST.get("credential", ""), now=timezone.now())
    except PasskeyRefused as error:
        messages.error(request, str(error))
        query = urlencode({"next": way_on(request, portal)})
        return HttpResponseRedirect(f"{reverse('accounts:sign-in', args=[portal])}?{query}")
    attempt.count(-1)
    return enter(request, portal, user)


@never_cache
@sensitive_post_parameters("code", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest, portal: Portal) -> HttpResponse:
    """After the password: a code of the app, a recovery code, or a passkey."""
    user = half_signed_in(request)
    if user is None:
        if request.method == "POST":
            messages.error(request, _("Too much time has passed. Sign in again."))
        return redirect("accounts:sign-in", portal)
    form = SecondStepForm(request.POST or None)
    if form.is_valid():
        shown = accepted(form, partial(shown_by, request, Purpose.SECOND_STEP, user, form.cleaned_data))
        if shown:
            return enter(request, portal, user)
    context = {
        "form": form,
        "next": way_on(request, portal, default=""),
        "whose": user,
        "factors": queries.second_factors_of(user),
        "recovering": "recovery" in request.GET,
    }
    return render(request, "accounts/sessions/second_step.html", context, status=status_of(form))


@never_cache
@sensitive_post_parameters("password", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def confirmation(request: HttpRequest, portal: Portal) -> HttpResponse:
    """The password once more, or a passkey, before what concerns the sign-in itself can be changed."""
    user, form = current_user(request), ConfirmationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal, seconds = _("Too many passwords were typed. Wait %(wait)s, then try again."), SIGN_IN_SECONDS
        Attempt.begin(str(user.pk), kind="confirmation", most=MOST_CONFIRMATIONS, seconds=seconds, refusal=refusal)
        if accepted(form, partial(shown_by, request, Purpose.CONFIRMATION, user, form.cleaned_data)):
            request.session[FRESH] = timezone.now().timestamp()
            return redirect(way_on(request, portal, default=reverse("accounts:account", args=[portal])))
    context = {"form": form, "next": way_on(request, portal, default=""), "factors": queries.second_factors_of(user)}
    return render(request, "accounts/sessions/confirmation.html", context, status=status_of(form))
