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
from devportal.operations.secrets import DAY, MOST_SECRETS, TooManySecrets, look_after_secrets
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
    second, _ = operations.add_secret(client=keys.client, name="CI", seconds=None, **by)
    assert [asks(keys.client, secret) for secret in (keys.secret, second, "wrong")] == [200, 200, 401]
    operations.end_secret(client=keys.client, pk=keys.client.secrets.get().pk, **by)
    assert [asks(keys.client, secret) for secret in (keys.secret, second)] == [200, 401]


def test_a_secret_opens_no_other_clients_door(keys: operations.GeneratedKeys, mallory: User) -> None:
    theirs = builders.keys(builders.application(mallory))
    by = {"actor": mallory, "now": timezone.now()}
    secret, _ = operations.add_secret(client=theirs.client, name="CI", seconds=None, **by)
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
    operations.add_secret(client=keys.client, name="CI", seconds=30 * DAY, actor=carol, now=now)
    assert look_after_secrets(now) == 0
    assert not Notification.objects.exists()
    for _ in range(2):
        look_after_secrets(now + timedelta(days=24))
    assert "The secret “CI” of Chat expires on" in Notification.objects.get(user=carol).sentence
    assert look_after_secrets(now + timedelta(days=31)) == 1


def test_keys_have_so_many_secrets_at_most(keys: operations.GeneratedKeys, carol: User) -> None:
    by = {"actor": carol, "now": timezone.now()}
    for number in range(MOST_SECRETS):
        operations.add_secret(client=keys.client, name=f"{number}", seconds=1 * DAY, **by)
    with pytest.raises(TooManySecrets):
        operations.add_secret(client=keys.client, name="more", seconds=1 * DAY, **by)
    with pytest.raises(Invalid, match="from a minute to 730 days"):
        operations.add_secret(client=keys.client, name="more", seconds=731 * DAY, **by)
    with pytest.raises(Invalid, match="Say where"):
        operations.add_secret(client=keys.client, name=" ", seconds=1 * DAY, **by)


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


def test_further_secrets_are_made_listed_and_ended_over_rest(keys: operations.GeneratedKeys, carol: User) -> None:
    tab = Client()
    tab.force_login(carol)
    address = f"/api/am/devportal/v3/applications/{keys.client.application_id}/oauth-keys/{keys.client.pk}"
    body = {"additionalProperties": {"description": "CI", "expiresIn": 86_400}}

    made = tab.post(f"{address}/generate-secret", body, "application/json", secure=True)

    secret = made.json()
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    assert asks(keys.client, secret["secretValue"]) == 200
    listed = tab.get(f"{address}/secrets", secure=True).json()
    assert (listed["count"], listed["list"][0]["secretId"]) == (1, secret["secretId"])
    assert listed["list"][0]["additionalProperties"]["description"] == "CI"
    assert secret["secretValue"] not in str(listed)
    ends = {"secretId": secret["secretId"]}
    statuses = [tab.post(f"{address}/revoke-secret", ends, "application/json", secure=True).status_code for _ in "12"]
    assert (statuses, asks(keys.client, secret["secretValue"])) == ([204, 404], 401)
    body["additionalProperties"]["expiresIn"] = 1
    assert tab.post(f"{address}/generate-secret", body, "application/json", secure=True).status_code == 400


def test_a_client_that_was_registered_becomes_the_keys_of_an_application(carol: User, mallory: User) -> None:
    app, now = builders.application(carol, "Chat"), timezone.now()
    made = operations.register_client(
        name="Scripts", grant_types=["client_credentials"], callback_url="", actor=carol, now=now
    )
    tab = Client()
    tab.force_login(carol)
    address = f"/api/am/devportal/v3/applications/{app.pk}/map-keys"
    body = {"consumerKey": made.client.client_id, "consumerSecret": made.secret, "keyType": "SANDBOX"}

    def mapped(**changes: str) -> tuple[int, dict[str, object]]:
        answer = tab.post(address, {**body, **changes}, "application/json", secure=True)
        return answer.status_code, answer.json()

    assert mapped(consumerSecret="guessed")[0] == 400
    theirs = builders.application(mallory)
    with pytest.raises(Invalid, match="registered no client"):
        operations.map_keys(
            application=theirs,
            key_type="SANDBOX",
            client_id=made.client.client_id,
            secret=made.secret,
            actor=mallory,
            now=now,
        )
    status, document = mapped()
    assert (status, document["mode"], document["keyState"]) == (200, "MAPPED", "APPROVED")
    assert asks(app.clients.get(), made.secret) == 200
    assert mapped()[0] == 400  # it is registered no more
    page = f"/devportal/applications/{app.pk}/keys/production/mappings"
    wrong = tab.post(page, {"client_id": "x", "secret": "y"}, secure=True)
    assert wrong.status_code == 400
    assert "You have registered no client" in wrong.content.decode()
