"""Tokens, codes and tickets go when nobody can use them any more, silently, and not before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken

from accounts.models import User
from core import upkeep
from core.models import AuditEntry
from devportal import operations
from devportal.models import Ticket, TokenName, TokenRate
from devportal.operations import GeneratedKeys
from tests.devportal import builders
from tests.oauth import flows

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def prune(what: str, after: timedelta) -> int:
    """Prune one thing as if so much time had passed; how many rows went."""
    now = timezone.now() + after
    deleted = 0
    while batch := upkeep.registered[what](now):
        deleted += batch
    return deleted


def test_an_expired_token_goes_with_its_name_and_the_audit_log_says_nothing(keys: GeneratedKeys, carol: User) -> None:
    operations.generate_token(client=keys.client, actor=carol, now=timezone.now(), seconds=600, name="laptop")
    assert prune("tokens", timedelta(minutes=9)) == 0
    entries = AuditEntry.objects.count()

    assert prune("tokens", timedelta(minutes=11)) == 1

    assert not AccessToken.objects.exists()
    assert not TokenName.objects.exists()
    assert AuditEntry.objects.count() == entries


def test_an_expired_token_stays_while_its_refresh_token_may_be_used(
    keys: GeneratedKeys, carol: User, client: Client
) -> None:
    code = flows.consent(carol, keys.client)["code"]
    answer = flows.exchange(client, keys.client, keys.secret, code).json()

    assert prune("tokens", 13 * DAY) == 0
    assert flows.refresh(client, keys.client, keys.secret, answer["refresh_token"]).status_code == 200


def test_refresh_tokens_go_when_their_time_is_over_and_their_access_tokens_with_them(
    keys: GeneratedKeys, carol: User, client: Client
) -> None:
    code = flows.consent(carol, keys.client, scope="openid default")["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    flows.refresh(client, keys.client, keys.secret, first["refresh_token"])
    assert (RefreshToken.objects.count(), AccessToken.objects.count()) == (2, 2)

    prune("tokens", 2 * HOUR)
    assert (RefreshToken.objects.count(), AccessToken.objects.count()) == (2, 1), "the one that was refreshed is over"
    prune("tokens", 14 * DAY + 2 * HOUR)
    assert (RefreshToken.objects.count(), AccessToken.objects.count(), IDToken.objects.count()) == (0, 0, 0)


def test_a_used_refresh_token_ends_its_family_for_as_long_as_a_new_one_lives(
    keys: GeneratedKeys, carol: User, client: Client, settings: LazySettings
) -> None:
    settings.REFRESH_GRACE_SECONDS = 0
    code = flows.consent(carol, keys.client)["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()
    prune("tokens", 13 * DAY)

    assert flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).status_code == 400
    assert flows.refresh(client, keys.client, keys.secret, second["refresh_token"]).status_code == 400


def test_a_code_goes_when_it_has_expired(keys: GeneratedKeys, carol: User) -> None:
    flows.consent(carol, keys.client)
    assert (prune("authorization codes", timedelta(seconds=30)), Grant.objects.count()) == (0, 1)
    assert (prune("authorization codes", HOUR), Grant.objects.count()) == (1, 0)


def test_tickets_and_rates_go(keys: GeneratedKeys, carol: User, bob: User) -> None:
    api = builders.api(bob)
    operations.issue_ticket(client=keys.client, api=api, actor=carol, now=timezone.now())
    assert (prune("tickets", timedelta(seconds=20)), prune("tickets", timedelta(seconds=40))) == (0, 1)
    assert (prune("token rates", HOUR / 2), prune("token rates", 2 * HOUR)) == (0, 1)
    assert (Ticket.objects.count(), TokenRate.objects.count()) == (0, 0)


def test_it_goes_a_batch_at_a_time(keys: GeneratedKeys, carol: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    for _ in range(5):
        operations.generate_token(client=keys.client, actor=carol, now=timezone.now(), seconds=60)
    later = timezone.now() + HOUR
    assert [upkeep.registered["tokens"](later) for _ in range(4)] == [2, 2, 1, 0]
