"""Stars for an API, and following it. Both come back to the API's page."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import current_user, requires
from core.errors import Invalid
from devportal import operations, queries


@require_POST
@requires()
def ratings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give as many `stars`, or take them back with 0."""
    api, given = queries.api_for(request.user, pk), request.POST.get("stars", "")
    actor, now = current_user(request), timezone.now()
    try:
        if given == "0":
            operations.unrate_api(api=api, actor=actor, now=now)
            messages.success(request, _("Your stars are taken back."))
        else:
            stars = int(given) if given.isdecimal() else 0
            rating = operations.rate_api(api=api, stars=stars, actor=actor, now=now)
            given_now = ngettext("You gave %(api)s %(stars)s star.", "You gave %(api)s %(stars)s stars.", rating.stars)
            messages.success(request, given_now % {"api": api, "stars": rating.stars})
    except Invalid as refusal:
        messages.error(request, refusal.fields["rating"])
    return redirect("devportal:api", api.pk)


@require_POST
@requires()
def follows(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Follow the API with `follow` 1, or stop with 0."""
    api = queries.api_for(request.user, pk)
    actor, now = current_user(request), timezone.now()
    if request.POST.get("follow") == "0":
        operations.unfollow_api(api=api, actor=actor, now=now)
        messages.success(request, _("You hear no more of %(api)s, except where you are subscribed.") % {"api": api})
    else:
        operations.follow_api(api=api, actor=actor, now=now)
        told = _("You will be told of new versions of %(api)s, its deprecation, and what breaks clients.")
        messages.success(request, told % {"api": api})
    return redirect("devportal:api", api.pk)
