"""Copy as code: an API's page of whole programs that call it."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from devportal import composing, queries
from devportal.addresses import addresses_of
from devportal.programs import PROGRAMS, program
from devportal.views.console import topics_of


@require_safe
def code(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The programs, with this API's address and the first example of what may be sent there."""
    api = queries.api_for(request.user, pk)
    given = {
        "wss": f"{addresses_of(api).wss}{composing.way_in(topics_of(api))}",
        "gateway": settings.GATEWAY_WSS_URL,
        "portal": settings.PORTAL_URL,
        "message": next((each.text for each in composing.sendable(topics_of(api)) if each.text), "Hello"),
    }
    programs = [{"name": name, "title": _(title), "text": program(name, **given)} for name, title in PROGRAMS.items()]
    return render(request, "devportal/code/page.html", {"api": api, "programs": programs})
