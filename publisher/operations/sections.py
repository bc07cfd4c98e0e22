"""What the Publisher itself adds to an export beside the design: categories by name, and the picture."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from core.values import BadValue, invalid
from publisher import exchange, queries, thumbnails
from publisher.exchange import Section
from publisher.models import Api, Thumbnail
from publisher.operations.designs import update_api
from publisher.operations.thumbnails import set_thumbnail


def register() -> None:
    """Add them; called once, when the room is ready."""
    exchange.register(Section("categories", _categories_of, _check_categories, _restore_categories))
    exchange.register(Section("thumbnail", _thumbnail_of, _check_thumbnail, _restore_thumbnail))


def _categories_of(api: Api) -> list[str] | None:
    return sorted(api.categories.values_list("name", flat=True)) or None


def _check_categories(content: Any) -> None:
    if not isinstance(content, list) or not all(isinstance(each, str) for each in content):
        raise invalid(file="Categories are a list of names.")
    queries.categories_named(content)


def _restore_categories(*, api: Api, content: Any, actor: User, now: datetime) -> None:
    update_api(api=api, changes={"categories": queries.categories_named(content)}, actor=actor, now=now)


def _thumbnail_of(api: Api) -> bytes | None:
    row = Thumbnail.objects.filter(api=api).first()
    return bytes(row.image) if row else None


def _check_thumbnail(content: Any) -> None:
    try:
        thumbnails.clean_thumbnail(content if isinstance(content, bytes) else b"")
    except BadValue as error:
        raise invalid(file=str(error)) from None


def _restore_thumbnail(*, api: Api, content: Any, actor: User, now: datetime) -> None:
    set_thumbnail(api=api, content=content, actor=actor, now=now)
