"""A password: change one's own."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import default_password, operations
from accounts.access import current_user, requires
from accounts.forms import ChangePasswordForm
from accounts.portals import Portal
from accounts.views.arrivals import go, note, way_on
from core.forms import accepted, status_of


@never_cache
@sensitive_post_parameters("current_password", "new_password")
@requires()
def password(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Change the password; this session goes on, all others end."""
    user = current_user(request)
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields, now = form.cleaned_data, timezone.now()
        if accepted(form, lambda: operations.change_password(user=user, **fields, actor=user, now=now)):
            update_session_auth_hash(request, user)
            note(request, user)
            messages.success(request, _("Your password was changed. Everywhere else you are signed out."))
            return go(request, way_on(request, portal, default=reverse("accounts:account", args=[portal])))
    context = {"form": form, "is_forced": default_password.must_choose_another(user)}
    return render(request, "accounts/passwords/change.html", context, status=status_of(form))
