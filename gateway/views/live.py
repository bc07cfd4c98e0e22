"""The pages that change while somebody looks, pushed: a WebSocket at the address of the page itself.

The view that draws the page draws what has changed too, once a second, with the same doors in front of it. So who loses
the right to a page is not told anything more of it, and the two never show different things.
"""

from __future__ import annotations

import asyncio
import io
import logging
import secrets
from collections import Counter
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import Error as DatabaseError
from django.urls import resolve
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from accounts import languages
from accounts.default_password import must_choose_another
from accounts.portals import view_at
from core.errors import DomainError
from gateway.database import DatabaseThread

LIVE: Final = frozenset({"gateway:api-connections", "gateway:all-connections", "gateway:my-connections"})
"""Views of the pages that are pushed."""
EVERY_SECONDS = 1.0
MOST_OF_A_PERSON = 10
MOST = 300
SIGNED_OUT, GONE, TOO_MANY = 4001, 4004, 1013

log = logging.getLogger("apimanager.live")
looking: Counter[int] = Counter()
drawing = DatabaseThread("portal-live")


class LiveRequest(ASGIRequest):
    """What a view gets that is asked to draw again: only what changes on the page."""

    def __init__(self, scope: dict[str, Any]) -> None:
        super().__init__({**scope, "method": "GET", "type": "http"}, io.BytesIO())
        engine = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        self.session = engine(self.COOKIES.get(settings.SESSION_COOKIE_NAME))
        self.user = SimpleLazyObject(lambda: get_user(self))  # type: ignore[assignment]
        self._messages: list[Any] = []  # none are shown, and none are taken from the page


class NotSignedIn(Exception):
    """There is nobody in this session, or somebody who has to choose a password first."""


class LivePage(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Somebody who looks at a page."""

    pushing: asyncio.Task[None] | None = None
    user_id = 0

    async def connect(self) -> None:
        """Let in who may see the page, unless they look at too many already."""
        origin = dict(self.scope["headers"]).get(b"origin", b"").decode("latin-1")
        host = dict(self.scope["headers"]).get(b"host", b"").decode("latin-1")
        if not origin or urlsplit(origin).netloc != host or view_at(self.scope["path"]) not in LIVE:
            await self.close()
            return
        await self.accept()
        self.pushing = asyncio.create_task(self.push())

    async def disconnect(self, code: int) -> None:
        """Push nothing more: nobody looks."""
        if self.pushing:
            self.pushing.cancel()

    async def push(self) -> None:
        """Send what has changed, until there is nobody to see it or nothing to be seen."""
        sent = ""
        try:
            while True:
                with suppress(DatabaseError):  # what was shown stands until it is back
                    user_id, drawn = await drawing(self.draw)
                    if not self.user_id:
                        if looking[user_id] >= MOST_OF_A_PERSON or looking.total() >= MOST:
                            await self.close(TOO_MANY)
                            return
                        self.user_id = user_id
                        looking[user_id] += 1
                    if drawn != sent:
                        sent = drawn
                        await self.send(drawn)
                # Spread a little, so that those who came together are not drawn for together for ever.
                await asyncio.sleep(EVERY_SECONDS * (0.95 + secrets.randbelow(100) / 1000))
        except NotSignedIn:
            await self.close(SIGNED_OUT)
        except DomainError:
            await self.close(GONE)
        except Exception:
            log.exception("%s can no longer be pushed", self.scope["path"])
            await self.close(1011)
        finally:
            if self.user_id:
                looking[self.user_id] -= 1

    def draw(self) -> tuple[int, str]:
        """Who looks, and what there is to see. Raises NotSignedIn, and what the page's view raises."""
        request = LiveRequest(self.scope)
        match = resolve(request.path)
        request.resolver_match = match
        if not request.user.is_authenticated or must_choose_another(request.user):
            raise NotSignedIn
        language = languages.spoken_at(request, request.user.language)
        with timezone.override(request.user.time_zone or None), translation.override(language):
            answer = match.func(request, *match.args, **match.kwargs)
        return request.user.pk, answer.content.decode()
