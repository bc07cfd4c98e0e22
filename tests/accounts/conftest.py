"""The gallery of components in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.template import engines
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.accounts.gallery import settings as gallery
from tests.environment import CHROMIUM_FLAGS, find_chromium

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser. Ended with its module: Playwright keeps an event loop running that other tests trip over."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # that loop again: the database is used beside it, not in it
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def gallery_server(settings: LazySettings, live_server: LiveServer) -> Iterator[str]:
    """The address of the gallery."""
    settings.ROOT_URLCONF = gallery.ROOT_URLCONF
    settings.TEMPLATES = gallery.TEMPLATES
    yield live_server.url
    cache.clear()
    engines._engines = {}  # type: ignore[attr-defined]


@pytest.fixture
def show(chromium: Browser, gallery_server: str, admin: User) -> Iterator[Open]:
    """Open a page of the gallery: `show("/publisher/apis", width=390, scheme="dark", signed_in=False, scripts=False)`.

    Whatever the browser's console complains of fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(path: str, *, width: int = 1440, signed_in: bool = True, scripts: bool = True, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=gallery_server,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        contexts.append(context)
        if signed_in:
            context.add_cookies([session_of(admin, gallery_server)])
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def session_of(user: User, server: str) -> Any:
    """The cookie of somebody signed in."""
    client = Client()
    client.force_login(user)
    (cookie,) = client.cookies.values()
    return {"name": cookie.key, "value": cookie.value, "url": server.replace("http:", "https:"), "secure": True}
