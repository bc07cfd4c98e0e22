"""The ASGI applications: the portals' (HTTP) and the gateway's (WebSocket)."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")

from django.core.asgi import get_asgi_application

application = get_asgi_application()

from gateway.server.asgi import StandaloneGateway  # noqa: E402

gateway = StandaloneGateway()
