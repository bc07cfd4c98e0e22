"""A browser for each of the cast, over HTTPS as in production."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User

Browser = Callable[[User | None], Client]


class SecureClient(Client):
    """Django's client, speaking HTTPS unless told otherwise: the product's cookies demand it."""

    def generic(self, method: str, path: str, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        """One request."""
        kwargs["secure"] = True
        return super().generic(method, path, *args, **kwargs)  # type: ignore[arg-type]


@pytest.fixture
def browser(db: None) -> Browser:
    """Make a browser in which somebody is signed in, or nobody."""

    def open_for(user: User | None = None) -> Client:
        client = SecureClient()
        if user:
            client.force_login(user)
        return client

    return open_for
