"""The ASGI applications: the portals' (HTTP) and the gateway's (WebSocket)."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")

from django.core.asgi import get_asgi_application

application = get_asgi_application()

from gateway.standalone import Standalone  # noqa: E402  the applications must be ready first

gateway = Standalone()
