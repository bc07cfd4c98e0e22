"""A registration: somebody makes their own account in the Developer Portal."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import operations
from accounts.attempts import sign_up_attempt
from accounts.forms import SignUpForm
from accounts.portals import DEVPORTAL
from accounts.views.sessions import go, way_on
from core.forms import accepted, status_of


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SignUp(View):
    """The sign-up page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form; somebody who has an account needs none."""
        if request.user.is_authenticated:
            return redirect(DEVPORTAL.home)
        return self.page(request, SignUpForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Create the account, sign in and go on."""
        form = SignUpForm(request.POST)
        user = None
        if form.is_valid():
            attempt = sign_up_attempt(request)
            try:
                user = accepted(form, lambda: operations.sign_up(**form.cleaned_data, now=timezone.now()))
            finally:
                if user is None:  # refused before it cost anything
                    attempt.take_back()
        if user is None:
            return self.page(request, form)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, f"Welcome, {user.username}. Pick an API to subscribe to.")
        return go(request, way_on(request, DEVPORTAL))

    def page(self, request: HttpRequest, form: SignUpForm) -> HttpResponse:
        context = {"form": form, "next": way_on(request, DEVPORTAL, default="")}
        return render(request, "accounts/registrations/sign_up.html", context, status=status_of(form))
