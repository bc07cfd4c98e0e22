"""No application is issued more tokens than it may be, whichever way it asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from oauth2_provider.models import AccessToken

from accounts.models import User
from devportal import operations
from devportal.models import TokenRate
from devportal.operations import GeneratedKeys
from devportal.operations.token_rates import TooManyTokens, reserve_token
from tests.devportal import builders
from tests.oauth import flows

NOW = datetime(2026, 11, 27, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _three_a_minute(settings: LazySettings) -> None:
    settings.TOKENS_PER_MINUTE = 3


def booked(keys: GeneratedKeys, at: datetime, times: int) -> int:
    """How many of so many are let through at a moment."""
    passed = 0
    for _ in range(times):
        try:
            reserve_token(client=keys.client, now=at)
        except TooManyTokens:
            continue
        passed += 1
    return passed


def test_so_many_at_once_and_then_one_each_time_its_share_of_a_minute_is_over(keys: GeneratedKeys) -> None:
    assert booked(keys, NOW, 10) == 3
    assert booked(keys, NOW + timedelta(seconds=19), 10) == 0
    assert booked(keys, NOW + timedelta(seconds=20), 10) == 1
    assert booked(keys, NOW + timedelta(minutes=60), 10) == 3, "a pause saves up no more"
    with pytest.raises(TooManyTokens) as refusal:
        reserve_token(client=keys.client, now=NOW + timedelta(minutes=60))
    assert (refusal.value.status, refusal.value.headers) == (429, {"Retry-After": "20"})


def test_a_day_holds_no_more_than_its_minutes(keys: GeneratedKeys) -> None:
    passed = sum(booked(keys, NOW + timedelta(seconds=seconds), 2) for seconds in range(0, 86_400, 300))
    assert passed == 2 * 288
    assert booked(keys, NOW + timedelta(days=2), 100) == 3


def test_a_clock_that_is_set_back_shuts_nobody_out(keys: GeneratedKeys) -> None:
    assert booked(keys, NOW, 5) == 3
    assert booked(keys, NOW - timedelta(days=30), 5) == 3
    assert booked(keys, NOW - timedelta(days=30, seconds=-5), 5) == 0


def test_both_keys_of_an_application_count_together_and_others_do_not(keys: GeneratedKeys, carol: User) -> None:
    sandbox = builders.keys(keys.client.application, "SANDBOX")
    other = builders.keys(builders.application(carol))
    assert (booked(keys, NOW, 2), booked(sandbox, NOW, 5), booked(other, NOW, 5)) == (2, 1, 3)


def test_the_token_endpoint_answers_in_oauths_words_and_says_when_to_come_back(
    keys: GeneratedKeys, client: Client
) -> None:
    answers = [flows.token(client, keys.client, keys.secret, grant_type="client_credentials") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.json()["error"] == "temporarily_unavailable"
    assert "may be issued 3 tokens a minute" in refused.json()["error_description"]
    assert 1 <= int(refused["Retry-After"]) <= 20
    assert (refused["Content-Type"], refused["Cache-Control"]) == ("application/json", "no-store")
    assert AccessToken.objects.count() == 3


def test_codes_and_refresh_tokens_count_and_are_good_afterwards(
    keys: GeneratedKeys, carol: User, client: Client
) -> None:
    code, other = (flows.consent(carol, keys.client)["code"] for _ in range(2))
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()
    assert flows.token(client, keys.client, keys.secret, grant_type="client_credentials").status_code == 200
    assert flows.refresh(client, keys.client, keys.secret, second["refresh_token"]).status_code == 429
    assert flows.exchange(client, keys.client, keys.secret, other).status_code == 429

    TokenRate.objects.all().delete()  # a minute later
    assert flows.refresh(client, keys.client, keys.secret, second["refresh_token"]).status_code == 200
    assert flows.exchange(client, keys.client, keys.secret, other).status_code == 200


def test_pages_and_rest_say_it_too(keys: GeneratedKeys, carol: User, client: Client) -> None:
    assert booked(keys, datetime.now(UTC), 3) == 3
    client.force_login(carol)
    base = f"/devportal/applications/{keys.client.application_id}/keys/production/tokens"
    page = client.post(base, {"scopes": ["default"], "seconds": "60"}, secure=True)
    assert (page.status_code, "may be issued 3 tokens a minute" in page.text) == (429, True)
    rest = client.post(
        f"/api/am/devportal/v3/applications/{keys.client.application_id}/oauth-keys/{keys.client.pk}/generate-token",
        {},
        content_type="application/json",
        secure=True,
    )
    assert (rest.status_code, rest.json()["code"]) == (429, 900429)
    assert 1 <= int(rest["Retry-After"]) <= 20


def test_a_ticket_is_a_token_too(keys: GeneratedKeys, carol: User, bob: User) -> None:
    assert booked(keys, NOW, 3) == 3
    with pytest.raises(TooManyTokens):
        operations.issue_ticket(client=keys.client, api=builders.api(bob), actor=carol, now=NOW)


def test_the_administrator_may_set_no_rate(keys: GeneratedKeys, settings: LazySettings) -> None:
    settings.TOKENS_PER_MINUTE = 0
    assert booked(keys, NOW, 50) == 50
    assert not TokenRate.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_than_there_are(carol: User) -> None:
    keys = builders.keys(builders.application(carol))
    together = Barrier(6)

    def ask(_: int) -> int:
        together.wait()
        try:
            return booked(keys, NOW, 1)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(6))) == 3
