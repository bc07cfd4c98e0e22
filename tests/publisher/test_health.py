"""How an API fares on the gateway, in a word and a sentence, and where the Publisher shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from accounts.models import User
from publisher import health
from publisher.health import Health, Refused, Trouble, verdict
from tests.publisher.builders import NOW, make_api
from tests.publisher.test_pages import address, browse, text_of

EARLIER, LATER = NOW - timedelta(minutes=9), NOW - timedelta(minutes=3)
DEAD = Refused(502, "Nothing listens at the backend's address.", 4, LATER, is_backend=True)
UNKNOWN = Refused(401, "The access token is not known or was revoked. Get a new one.", 2, LATER)


@pytest.mark.parametrize(
    ("known", "kind", "said"),
    [
        (Health(), "grey", "Nobody has reached the backend in the last hour."),
        (Health(7, LATER), "good", "The backend answered every call in the last hour: 7 connections."),
        (Health(7, LATER, [UNKNOWN]), "good", "every call"),
        (Health(0, None, [DEAD]), "bad", "did not reach the backend (502). Nothing listens"),
        (Health(7, EARLIER, [DEAD]), "bad", "The last call did not reach the backend"),
        (Health(7, NOW, [DEAD]), "warn", "It failed 4 times in the last hour."),
        (
            Health(7, NOW, [], [Trouble("ws://dead:1/", 3, NOW + timedelta(seconds=30))]),
            "bad",
            "ws://dead:1/ failed 3 times in a row and is given a rest: calls are refused with 503. "
            "It is tried again in 30 seconds.",
        ),
        (Health(7, NOW, [], [Trouble("ws://dead:1/", 3, NOW)]), "good", "every call"),
    ],
)
def test_health_is_said_in_a_sentence(known: Health, kind: str, said: str) -> None:
    judged = verdict(known, NOW)
    assert judged.kind == kind
    assert said in judged.sentence


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every backend is dead."""
    failed = Refused(502, "Nothing listens at the backend's address.", 1204, now(), is_backend=True)

    def known(ids: Sequence[str], *_: datetime) -> dict[str, Health]:
        return {each: Health(3, now() - timedelta(minutes=5), [failed]) for each in ids}

    monkeypatch.setattr(health, "readers", [known])


@pytest.mark.parametrize("page", ["api", "endpoint", "apis"])
def test_a_backend_that_fails_is_seen_on_overview_endpoint_and_in_the_list(admin: User, dead: None, page: str) -> None:
    api = make_api(admin, publish=True)
    words = text_of(browse(admin).get(address(page, None if page == "apis" else api)))
    assert "Failing" in words
    if page == "api":
        assert "1 204" in words
        assert "All five steps are done" in words


def test_what_is_not_served_has_no_health(admin: User, dead: None) -> None:
    api = make_api(admin)
    for page in ("api", "endpoint"):
        assert "Failing" not in text_of(browse(admin).get(address(page, api)))
    words = text_of(browse(admin).get(address("api", api)))
    assert "All five steps are done" not in words
    assert "Refused in the last hour" not in words
