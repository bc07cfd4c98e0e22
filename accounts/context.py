"""What every page's shell needs to know."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import installation, portals, queries
from accounts.default_password import default_password_is_marked
from accounts.models import User
from accounts.preferences import COOKIE, THEMES
from accounts.roles import PUBLISHER_PORTAL, Role


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context: which portal this is, how it looks, what must be warned of, where the gateway answers."""
    portal = portals.of_path(request.path)
    user = getattr(request, "user", None)
    person = user if isinstance(user, User) else None
    is_admin = person is not None and person.has_role(Role.ADMIN)
    theme = request.COOKIES.get(COOKIE, "")
    return {
        "portal": portal.slug,
        "portal_name": portal.title,
        "portal_layout": f"layouts/{portal.slug}.html",
        "theme": theme if theme in THEMES else "",  # without one the system's is followed
        "may_publish": person is not None and person.has_role(*PUBLISHER_PORTAL),
        "may_administer": is_admin,
        "notice": lambda: installation.current().notice,
        "unread_notifications": cache(lambda: queries.unread_of(person) if person else 0),  # asked where it is drawn
        "default_password_stands": is_admin and default_password_is_marked(),
        "gateway_ws_url": settings.GATEWAY_WS_URL,
        "gateway_wss_url": settings.GATEWAY_WSS_URL,
    }
