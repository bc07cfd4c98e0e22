"""The AsyncAPI definition of an API, as the gateway serves it: for people, and to download."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from devportal import queries
from publisher.definitions import of_deployed
from publisher.views.definitions import download, shown


@require_safe
def definition(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The handshake, the topics and their messages, and the source; for whoever may see the API."""
    found = queries.api_for(request.user, pk)
    served = of_deployed(found)
    return render(
        request, "devportal/apis/definition.html", {"api": found, **(shown(request, served) if served else {})}
    )


@require_safe
def file(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The document to keep, in `version` and `format`."""
    served = of_deployed(queries.api_for(request.user, pk))
    if served is None:
        raise Http404("The gateway serves no revision of this API now, so there is no definition of it.")
    return download(request, served)
