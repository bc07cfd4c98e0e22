"""What a browser remembers about its user's taste: light, dark, or as the system says."""

from django.http import HttpRequest

COOKIE = "__Host-apim-theme"
THEMES = ("light", "dark")


def chosen_theme(request: HttpRequest) -> str:
    """ "light" or "dark" when the person chose one, "" to follow the system."""
    theme = request.COOKIES.get(COOKIE, "")
    return theme if theme in THEMES else ""
