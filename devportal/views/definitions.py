"""The AsyncAPI definition of an API, as the gateway serves it: for people, and to download."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from devportal import documented_codes, queries
from devportal.addresses import takes_token_in_url
from publisher.definitions import of_deployed
from publisher.snapshots import filled, key_types_served
from publisher.views.definitions import download, shown


@require_safe
def definition(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The handshake, the topics and their messages, and the source; for whoever may see the API."""
    found = queries.api_for(request.user, pk)
    context: dict[str, Any] = {"api": found}
    if served := of_deployed(found):
        snapshot = filled(found.deployed_revision.snapshot) if found.deployed_revision else {}
        context |= {
            **shown(request, served),
            "key_types": key_types_served(found),
            "in_url": takes_token_in_url(found),
            "origins": snapshot.get("origins", []),
            "message_bytes": snapshot.get("message_bytes", 0),
            "validation": snapshot.get("payload_validation", ""),
            "refusals": documented_codes.REFUSALS,
            "closes": documented_codes.CLOSES,
        }
    return render(request, "devportal/apis/definition.html", context)


@require_safe
def file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The document to keep, in `version` and `format`."""
    served = of_deployed(queries.api_for(request.user, pk))
    if served is None:
        raise Http404(_("The gateway serves no revision of this API now, so there is no definition of it."))
    return download(request, served)
