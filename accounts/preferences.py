"""What a browser remembers about its user's taste: light, dark, or as the system says."""

from django.http import HttpRequest, HttpResponse

COOKIE = "__Host-apim-theme"
THEMES = ("light", "dark")
YEAR_SECONDS = 365 * 24 * 3600


def chosen_theme(request: HttpRequest) -> str:
    """ "light" or "dark" when the person chose one, "" to follow the system."""
    theme = request.COOKIES.get(COOKIE, "")
    return theme if theme in THEMES else ""


def remember_theme(response: HttpResponse, theme: str) -> None:
    """Keep the choice for a year; anything but light or dark follows the system again."""
    if theme in THEMES:
        response.set_cookie(COOKIE, theme, max_age=YEAR_SECONDS, secure=True, httponly=True, samesite="Lax")
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
