"""Keys to play with: Carol's application of type JWT, one of type OAuth, and a throttle that forgets between tests."""

from __future__ import annotations

import pytest

from accounts.models import User
from devportal.operations import GeneratedKeys
from tests.devportal import builders
from tests.oauth.flows import ALL_GRANTS, CALLBACK


@pytest.fixture
def keys(carol: User) -> GeneratedKeys:
    """All grants, JWT."""
    return builders.keys(builders.application(carol), grant_types=ALL_GRANTS, callback_url=CALLBACK)


@pytest.fixture
def opaque_keys(carol: User) -> GeneratedKeys:
    """All grants, opaque tokens."""
    app = builders.application(carol, token_type="OAUTH")
    return builders.keys(app, grant_types=ALL_GRANTS, callback_url=CALLBACK)
