"""The theme: light, dark, or as the system says. Open to everybody, kept in a cookie."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from accounts.portals import DEVPORTAL
from accounts.preferences import COOKIE, THEMES
from accounts.views.arrivals import way_on

YEAR_SECONDS = 365 * 24 * 3600


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme and go back to the page it was chosen on; what is no theme follows the system again."""
    response, chosen = HttpResponseRedirect(way_on(request, DEVPORTAL)), request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(COOKIE, chosen, max_age=YEAR_SECONDS, secure=True, httponly=True, samesite="Lax")
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response
