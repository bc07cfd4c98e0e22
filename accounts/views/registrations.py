"""A registration: somebody makes their own account in the Developer Portal."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import installation, languages, operations
from accounts.attempts import SIGN_UP_SECONDS, Attempt, address_of
from accounts.forms import SignUpForm
from accounts.models import InstallationSettings
from accounts.permissions import administrators
from accounts.portals import DEVPORTAL
from accounts.views.arrivals import enter, way_on
from core.forms import accepted, status_of


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """The sign-up page; with POST create the account, sign in and go on. Somebody who has an account needs none."""
    is_sent = request.method == "POST"
    if not is_sent and request.user.is_authenticated:
        return redirect(DEVPORTAL.home)
    form, user = SignUpForm(request.POST if is_sent else None), None
    if form.is_valid():
        most = settings.SIGN_UPS_PER_ADDRESS
        refusal = _("Too many accounts were made from your address. Wait %(wait)s, then try again.")
        attempt = Attempt.begin(
            address_of(request), kind="sign-up", most=most, seconds=SIGN_UP_SECONDS, refusal=refusal
        )
        given = {**form.cleaned_data, "language": languages.spoken_at(request)}
        try:
            user = accepted(form, lambda: operations.sign_up(**given, now=timezone.now()))
        finally:
            if user is None:  # refused before it cost anything
                attempt.count(-1)
    if user:
        operations.send_confirmation(user=user, now=timezone.now())
    if user and user.awaits_approval:
        return render(request, "accounts/registrations/waiting.html", {"newcomer": user})
    if user:
        messages.success(request, _("Welcome, %(name)s. Pick an API to subscribe to.") % {"name": user.username})
        return enter(request, DEVPORTAL, user)
    is_closed = installation.current().sign_up == InstallationSettings.SignUp.CLOSED
    if is_closed and not is_sent:
        return render(request, "accounts/registrations/closed.html", {"administrators": administrators()})
    context = {"form": form, "next": way_on(request, DEVPORTAL, default="")}
    return render(request, "accounts/registrations/sign_up.html", context, status=status_of(form))
