"""The ASGI applications: the portals' (HTTP) and the gateway's (WebSocket)."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")

import django

django.setup(set_prefix=False)

from apimanager.portal.application import PortalApplication  # noqa: E402
from gateway.server.asgi import StandaloneGateway  # noqa: E402

application = PortalApplication()
gateway = StandaloneGateway()
