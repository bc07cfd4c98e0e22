"""Invitations by e-mail: sent and withdrawn by administrators, accepted by whoever has the link."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import operations, queries
from accounts.access import current_user, requires
from accounts.forms import AcceptanceForm, InvitationForm
from accounts.models import Invitation
from accounts.portals import DEVPORTAL, PUBLISHER
from accounts.roles import MAY, PUBLISHER_PORTAL, Role, to_tick
from accounts.views.arrivals import enter
from core import one_time_secret
from core.forms import accepted, sent, status_of

PER_PAGE, LINK = 25, "invitation"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def invitations(request: HttpRequest) -> HttpResponse:
    """Who was invited and has not come yet; POST invites somebody."""
    actor, form = current_user(request), InvitationForm(sent(request), initial={"roles": [Role.SUBSCRIBER.value]})
    if request.method == "POST" and form.is_valid():
        fields, now = form.cleaned_data, timezone.now()
        if made := accepted(form, lambda: operations.invite(**fields, actor=actor, now=now)):
            return _sent(request, *made)
    page = Paginator(queries.invitations(actor), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "choices": to_tick(form["roles"].value() or []),
        "page": page,
        "now": timezone.now(),
        "mail": settings.MAIL,
        "link": one_time_secret.open_once(request, LINK) if request.method == "GET" else None,
    }
    return render(request, "accounts/invitations/list.html", context, status=status_of(form))


@require_POST
@requires(Role.ADMIN)
def sendings(request: HttpRequest, pk: int) -> HttpResponse:
    """Send another link."""
    return _sent(request, *operations.invite_again(pk=pk, actor=current_user(request), now=timezone.now()))


@require_POST
@requires(Role.ADMIN)
def withdrawals(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the link be void."""
    gone = operations.withdraw_invitation(pk=pk, actor=current_user(request), now=timezone.now())
    messages.success(request, f"{gone.email} is not invited any more.")
    return redirect("accounts:invitations")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link leads: a name and a password of one's own, then the portal."""
    invited = operations.whose_invitation(token)[0]
    form = AcceptanceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields, now = form.cleaned_data, timezone.now()
        if user := accepted(form, lambda: operations.accept_invitation(token=token, **fields, now=now)):
            messages.success(request, _("Welcome, %(name)s.") % {"name": user.username})
            return enter(request, PUBLISHER if user.roles & PUBLISHER_PORTAL else DEVPORTAL, user)
    may = [(role, MAY[Role(role)]) for role in invited.roles]
    context = {"form": form, "invited": invited, "may": may}
    return render(request, "accounts/invitations/accept.html", context, status=status_of(form))


def _sent(request: HttpRequest, invited: Invitation, link: str) -> HttpResponse:
    answer = redirect("accounts:invitations")
    if link:
        one_time_secret.seal(request, answer, LINK, link)
    else:
        messages.success(request, f"An e-mail with the link is on its way to {invited.email}.")
    return answer
