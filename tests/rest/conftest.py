"""Clients of the REST API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from devportal.operations import service_accounts
from devportal.operations.tokens import issue_token
from tests.publisher.builders import NOW, plans

PUBLISHER = "/api/am/publisher/v4"
DEVPORTAL = "/api/am/devportal/v3"

Ask = Callable[..., Any]


@pytest.fixture
def default_plans(db: None) -> None:
    """The four default business plans."""
    plans()


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A client with somebody's session. CSRF is not checked here; one test of its own does."""

    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return client_of


@pytest.fixture
def account(db: None) -> Callable[..., dict[str, str]]:
    """Headers with the token of a new service account that holds the given roles."""

    def headers_of(*roles: Role, name: str = "robot") -> dict[str, str]:
        made = service_accounts.create_service_account(name=name, roles=roles, actor=None, now=NOW)
        issued = issue_token(
            client=made.client, user=None, scopes=["default"], seconds=3600, now=moment(), actor=made.user
        )
        return {"Authorization": f"Bearer {issued.token}"}

    return headers_of


def moment() -> Any:
    from django.utils import timezone

    return timezone.now()
