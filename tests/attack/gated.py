"""Pages for the portal under attack that take as long as a test wants: until a file is there."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.environment import PATIENCE


def gate(request: HttpRequest) -> HttpResponse:
    """Says that it has begun, in a file `begun`, and answers once there is one called `open`."""
    folder = Path(settings.DATA_DIR)
    (folder / "begun").touch()
    end = time.monotonic() + PATIENCE
    while not (folder / "open").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return HttpResponse("opened")


urlpatterns = [path("gate", gate), path("page", lambda request: HttpResponse("a page"))]
