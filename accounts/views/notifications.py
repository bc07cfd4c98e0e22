"""What somebody was told, and of what they want to be told."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import operations, queries
from accounts.access import current_user, requires
from accounts.notification_kinds import TERMS
from accounts.portals import Portal

PER_PAGE = 25


@require_safe
@requires()
def notifications(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Everything that somebody was told, the newest first."""
    told = queries.notifications_of(current_user(request))
    page = Paginator(told, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/notifications/list.html", {"page": page})


@require_POST
@requires()
def openings(request: HttpRequest, portal: Portal, pk: int) -> HttpResponse:
    """Mark one as read, and go on to the page that it is about."""
    user = current_user(request)
    told = get_object_or_404(queries.notifications_of(user), pk=pk)
    operations.mark_read(user=user, pk=pk, now=timezone.now())
    return HttpResponseRedirect(told.link)


@require_POST
@requires()
def readings(request: HttpRequest, portal: Portal) -> HttpResponse:
    """Mark all as read."""
    operations.mark_read(user=current_user(request), now=timezone.now())
    return redirect("accounts:notifications", portal)


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def choices(request: HttpRequest, portal: Portal) -> HttpResponse:
    """How somebody is told of each kind; POST keeps what was ticked."""
    user = current_user(request)
    if request.method == "POST":
        ticked = request.POST
        operations.choose_notifications(
            user=user, choices={kind: (f"{kind}-portal" in ticked, f"{kind}-mail" in ticked) for kind in TERMS}
        )
        messages.success(request, _("Your choice was saved."))
        return redirect("accounts:notification-choices", portal)
    chosen = queries.notification_choices_of(user)
    rows = [
        {"kind": kind, "label": _(terms.label), "about": _(terms.about), "terms": terms, "chosen": chosen[kind]}
        for kind, terms in TERMS.items()
    ]
    return render(request, "accounts/notifications/choices.html", {"rows": rows, "mail": settings.MAIL})
