"""The account page: who am I here, and how am I called."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import languages, operations
from accounts.access import current_user, requires
from accounts.forms import ProfileForm
from accounts.permissions import administrators
from accounts.portals import Portal
from accounts.roles import MAY, Role
from core.forms import Meanwhile, sent, status_of

ROLES = [(role, MAY[role]) for role in Role]


@requires()
def account(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Show the account; with POST change how it is called."""
    user = current_user(request)
    known = {
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "time_zone": user.time_zone,
        "language": user.language,
    }
    form = ProfileForm(sent(request), initial=known)
    meanwhile = Meanwhile(form, known)
    if request.method == "POST" and form.is_valid() and meanwhile.settle():
        operations.update_profile(user=user, **form.cleaned_data, actor=user, now=timezone.now())
        translation.activate(languages.spoken_at(request, user.language))  # which the answer is in already
        messages.success(request, _("Your account was saved."))
        return redirect("accounts:account", portal)
    context = {
        "form": form,
        "meanwhile": meanwhile,
        "administrators": administrators(),
        "mail": settings.MAIL,
        "roles": ROLES,
    }
    return render(request, "accounts/profiles/account.html", context, status=status_of(form))
