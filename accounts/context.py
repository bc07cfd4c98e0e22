"""What every page's shell needs to know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context: which portal this is and where the gateway answers."""
    portal = "publisher" if request.path.startswith("/publisher") else "devportal"
    return {
        "portal": portal,
        "gateway_ws_url": settings.GATEWAY_WS_URL,
        "gateway_wss_url": settings.GATEWAY_WSS_URL,
    }
