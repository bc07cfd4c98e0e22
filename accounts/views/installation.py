"""Settings that administrators change while the product runs."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import installation, operations
from accounts.access import current_user, requires
from accounts.forms import InstallationForm
from accounts.roles import Role
from core.forms import accepted, sent, status_of


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def installation_settings(request: HttpRequest) -> HttpResponse:
    """The settings; POST saves them."""
    known = installation.current()
    form = InstallationForm(sent(request), initial={field: getattr(known, field) for field in installation.FIELDS})
    if request.method == "POST" and form.is_valid():
        changes, actor = form.cleaned_data, current_user(request)
        if accepted(form, lambda: operations.save_settings(changes=changes, actor=actor, now=timezone.now())):
            messages.success(request, "The settings are saved. They act everywhere within a few seconds.")
            return redirect("accounts:settings")
    context = {"form": form, "always": sorted(settings.LIFECYCLE_APPROVAL)}
    return render(request, "accounts/installation/settings.html", context, status=status_of(form))
