"""What is done with links out of e-mails, and the end of one's own account."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import consequences, operations
from accounts.access import current_user, requires
from accounts.attempts import SIGN_UP_SECONDS, Attempt, address_of
from accounts.forms import DeleteAccountForm, ForgottenPasswordForm, NewPasswordForm
from accounts.permissions import administrators
from accounts.portals import DEVPORTAL, Portal
from core.forms import accepted, status_of

MOST_ASKED = 10  # e-mails that one address has sent to others in an hour


@require_POST
@requires()
def email_confirmations(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Send the link that confirms one's own address."""
    begin_mail(request)
    user = current_user(request)
    if operations.send_confirmation(user=user, now=timezone.now()):
        sentence = _("An e-mail is on its way to %(address)s. Open the link in it within three days.")
        messages.success(request, sentence % {"address": user.email})
    else:
        messages.error(request, _("Nothing was sent: enter an address first, or ask whether e-mail is set up here."))
    return redirect("accounts:account", portal)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def email_confirmation(request: HttpRequest, token: str) -> HttpResponse:
    """Where that link leads: a button confirms, since programs that look through e-mails open links too."""
    if request.method == "POST":
        user = operations.confirm_email(token=token, now=timezone.now())
        messages.success(request, _("%(address)s is confirmed.") % {"address": user.email})
        return redirect("accounts:account", DEVPORTAL)
    user = operations.whose_confirmation(token)
    return render(request, "accounts/recovery/confirm.html", {"whose": user})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """Ask for a link to choose a new password; the answer is the same whoever there is."""
    form, is_sent = ForgottenPasswordForm(request.POST or None), False
    if request.method == "POST" and form.is_valid():
        begin_mail(request)
        operations.send_password_links(said=form.cleaned_data["said"], now=timezone.now())
        is_sent = True
    context = {"form": form, "is_sent": is_sent, "mail": settings.MAIL, "administrators": administrators()}
    return render(request, "accounts/recovery/forgotten.html", context, status=status_of(form))


@never_cache
@sensitive_post_parameters("new_password")
@require_http_methods(["GET", "HEAD", "POST"])
def password_choice(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Where that link leads: a new password."""
    user = operations.whose_password(pk, token)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        new, now = form.cleaned_data["new_password"], timezone.now()
        if accepted(form, lambda: operations.choose_password(pk=pk, token=token, new_password=new, now=now)):
            messages.success(request, _("Your password was changed. Sign in with the new one."))
            return redirect("accounts:sign-in", DEVPORTAL)
    return render(request, "accounts/recovery/choose.html", {"form": form, "whose": user}, status=status_of(form))


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def deletion(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Delete one's own account: what ends is said first, and the password asked for."""
    user, form = current_user(request), DeleteAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password, now = form.cleaned_data["password"], timezone.now()
        accepted(form, lambda: operations.delete_account(user=user, password=password, now=now))
        if not form.errors:
            logout(request)
            messages.success(request, _("Your account is deleted."))
            return redirect("accounts:sign-in", DEVPORTAL)
    held = consequences.of(user)
    context = {"form": form, "held": held, "ends": consequences.of_losing_rights(held)}
    return render(request, "accounts/recovery/deletion.html", context, status=status_of(form))


def begin_mail(request: HttpRequest) -> None:
    """Count an e-mail that somebody has sent. Raises TooManyAttempts."""
    refusal = _("Too many e-mails were asked for from your address. Wait %(wait)s, then try again.")
    Attempt.begin(address_of(request), kind="mail", most=MOST_ASKED, seconds=SIGN_UP_SECONDS, refusal=refusal)
