"""Several secrets of the same keys, which overlap and expire; several callback URLs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Notification, User
from core.errors import Invalid
from devportal import grants, operations
from devportal.models import OAuthClient
from devportal.operations.secrets import MOST_SECRETS, TooManySecrets, look_after_secrets
from tests.devportal import builders


@pytest.fixture
def keys(carol: User) -> operations.GeneratedKeys:
    """The production keys of an application of Carol's."""
    return builders.keys(builders.application(carol, "Chat"))


def asks(client: OAuthClient, secret: str) -> int:
    body = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
    return Client().post("/oauth2/token", body, secure=True).status_code


def test_a_further_secret_works_beside_the_first_until_it_is_ended(keys: operations.GeneratedKeys, carol: User) -> None:
    by = {"actor": carol, "now": timezone.now()}
    second = operations.add_secret(client=keys.client, name="CI", days=None, **by)
    assert [asks(keys.client, secret) for secret in (keys.secret, second, "wrong")] == [200, 200, 401]
    operations.end_secret(client=keys.client, pk=keys.client.secrets.get().pk, **by)
    assert [asks(keys.client, secret) for secret in (keys.secret, second)] == [200, 401]


def test_a_secret_opens_no_other_clients_door(keys: operations.GeneratedKeys, mallory: User) -> None:
    theirs = builders.keys(builders.application(mallory))
    by = {"actor": mallory, "now": timezone.now()}
    secret = operations.add_secret(client=theirs.client, name="CI", days=None, **by)
    assert (asks(theirs.client, secret), asks(keys.client, secret)) == (200, 401)


def test_an_old_secret_goes_on_for_as_long_as_was_chosen(keys: operations.GeneratedKeys, carol: User) -> None:
    now = timezone.now()
    new = operations.regenerate_secret(client=keys.client, overlap=3600, actor=carol, now=now)
    assert [asks(keys.client, secret) for secret in (keys.secret, new)] == [200, 200]
    keys.client.secrets.update(expires_at=now)
    assert [asks(keys.client, secret) for secret in (keys.secret, new)] == [401, 200]
    newest = operations.regenerate_secret(client=keys.client, actor=carol, now=now)
    assert [asks(keys.client, secret) for secret in (new, newest)] == [401, 200]


def test_an_owner_is_told_once_a_week_before_a_secret_expires(keys: operations.GeneratedKeys, carol: User) -> None:
    now = timezone.now()
    operations.add_secret(client=keys.client, name="CI", days=30, actor=carol, now=now)
    assert look_after_secrets(now) == 0
    assert not Notification.objects.exists()
    for _ in range(2):
        look_after_secrets(now + timedelta(days=24))
    assert "The secret “CI” of Chat expires on" in Notification.objects.get(user=carol).sentence
    assert look_after_secrets(now + timedelta(days=31)) == 1


def test_keys_have_so_many_secrets_at_most(keys: operations.GeneratedKeys, carol: User) -> None:
    by = {"actor": carol, "now": timezone.now()}
    for number in range(MOST_SECRETS):
        operations.add_secret(client=keys.client, name=f"{number}", days=1, **by)
    with pytest.raises(TooManySecrets):
        operations.add_secret(client=keys.client, name="more", days=1, **by)
    with pytest.raises(Invalid, match="from 1 to 730 days"):
        operations.add_secret(client=keys.client, name="more", days=731, **by)
    with pytest.raises(Invalid, match="Say where"):
        operations.add_secret(client=keys.client, name=" ", days=1, **by)


def test_a_further_secret_is_shown_once_on_the_page(keys: operations.GeneratedKeys, carol: User) -> None:
    tab = Client()
    tab.force_login(carol)
    address = f"/devportal/applications/{keys.client.application_id}/keys/production"
    assert tab.post(f"{address}/secrets/further", {"name": "CI", "days": "90"}, secure=True).status_code == 302
    pages = [tab.get(address, secure=True).content.decode() for _ in range(2)]
    shown = re.search(r'data-copy="([\w-]{43})"', pages[0])
    assert shown
    assert asks(keys.client, shown[1]) == 200
    assert shown[1] not in pages[1]
    assert "expires in 3 months" in pages[1] or "expires in 2 months" in pages[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://a.test/cb\nhttps://b.test/cb", None),
        ("com.example.app:/callback", None),
        ("com.example.app:/callback#x", "no fragment"),
        ("myapp:/callback", "whole URL"),
        ("https://a.test/cb\njavascript:alert(1)", "whole URL"),
        ("\n".join(f"https://a.test/{number}" for number in range(11)), "at most 10"),
        ("", "Enter it"),
    ],
)
def test_callbacks_stand_one_a_line(text: str, problem: str | None) -> None:
    found = grants.problem_with_callbacks([grants.AUTHORIZATION_CODE], text)
    assert (problem or "") in (found or "")
    assert bool(found) is bool(problem)


def test_several_callbacks_go_round_over_rest_as_wso2_writes_them(carol: User) -> None:
    application = builders.application(carol)
    tab = Client()
    tab.force_login(carol)
    several = "regexp=(https://a.test/cb|com.example.app:/cb)"
    body = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["authorization_code"], "callbackUrl": several}
    address = f"/api/am/devportal/v3/applications/{application.pk}/generate-keys"
    made = tab.post(address, body, "application/json", secure=True)
    assert (made.status_code, made.json()["callbackUrl"]) == (200, several)
    client = OAuthClient.objects.get(application=application)
    assert client.redirect_uris == "https://a.test/cb com.example.app:/cb"
    assert client.get_allowed_schemes() == ["https", "http", "com.example.app"]
