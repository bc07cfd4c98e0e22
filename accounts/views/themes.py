"""The theme: light, dark, or as the system says. Open to everybody, kept in a cookie."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from accounts.portals import DEVPORTAL
from accounts.preferences import remember_theme
from accounts.views.sessions import way_on


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme and go back to the page it was chosen on."""
    response = HttpResponseRedirect(way_on(request, DEVPORTAL))
    remember_theme(response, request.POST.get("theme", ""))
    return response
