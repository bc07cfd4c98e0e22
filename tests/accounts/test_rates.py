"""How many accounts a day brings, and how much one address may change in an hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from accounts import operations
from accounts.models import User
from accounts.operations import TooManySignUps
from accounts.roles import Role
from devportal.bootstrap import ensure_application_plans

NOW = datetime(2026, 11, 27, 7, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
APPLICATION = {"name": "One", "throttlingPolicy": "Unlimited"}


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


# --- accounts a day ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_day_brings_so_many_accounts_from_all_addresses_together(settings: LazySettings) -> None:
    settings.SIGN_UPS_PER_DAY = 2
    for number in range(2):
        operations.sign_up(username=f"dev{number}", password=PASSWORD, now=NOW + timedelta(hours=number))
    with pytest.raises(TooManySignUps):
        operations.sign_up(username="late", password=PASSWORD, now=NOW + timedelta(hours=23))
    assert operations.sign_up(username="next", password=PASSWORD, now=NOW + timedelta(hours=24)).pk


def test_administrators_go_on_making_accounts(settings: LazySettings, admin: User) -> None:
    settings.SIGN_UPS_PER_DAY = 1
    operations.sign_up(username="dev", password=PASSWORD, now=NOW)
    assert operations.create_user(username="erin", password=PASSWORD, roles=[Role.CREATOR], actor=admin, now=NOW).pk


def test_the_page_says_so_and_when_to_come_back(settings: LazySettings, client: Client, bob: User) -> None:
    settings.SIGN_UPS_PER_DAY = 1
    answer = client.post("/devportal/sign-up", {"username": "dev", "password": PASSWORD}, secure=True)
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")
    assert "Too many accounts were made today." in answer.text


# --- changes an hour -----------------------------------------------------------------------------------------


@pytest.fixture
def three(settings: LazySettings) -> None:
    """Three changes an hour."""
    settings.CHANGES_PER_ADDRESS = 3


@pytest.mark.usefixtures("three")
def test_an_address_changes_so_much_in_an_hour_whoever_it_says_it_is(carol: User, mallory: User) -> None:
    hers, his = Client(), Client()
    hers.force_login(carol)
    his.force_login(mallory)
    bodies = [{**APPLICATION, "name": str(number)} for number in range(4)]
    path = "/api/am/devportal/v3/applications"
    ensure_application_plans()
    answers = [
        client.post(path, body, content_type="application/json", secure=True)
        for client, body in zip((hers, his, hers, his), bodies, strict=True)
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert answers[-1]["Retry-After"] == "3600"
    assert answers[-1].json()["message"] == "Too many requests"
    assert "Too much was changed from your address" in answers[-1].json()["description"]
    assert hers.get(path, secure=True).status_code == 200, "reading goes on"
    elsewhere = hers.post(path, bodies[3], content_type="application/json", secure=True, REMOTE_ADDR="192.0.2.2")
    assert elsewhere.status_code == 201


@pytest.mark.usefixtures("three")
def test_what_is_refused_does_not_count(carol: User, client: Client) -> None:
    client.force_login(carol)
    path = "/api/am/devportal/v3/applications"
    statuses = {client.post(path, {}, content_type="application/json", secure=True).status_code for _ in range(9)}
    assert statuses == {400}


@pytest.mark.usefixtures("three")
def test_people_who_were_given_a_role_are_not_counted(client: Client, bob: User) -> None:
    client.force_login(bob)
    assert {client.post("/theme", {"theme": "dark"}, secure=True).status_code for _ in range(9)} == {302}


@pytest.mark.usefixtures("three")
def test_a_page_and_an_oauth_client_are_told_in_their_own_words(carol: User, client: Client) -> None:
    cache.set("attempts:change:127.0.0.1", 3, 60)
    page = client.post("/devportal/sign-in", {"username": "carol", "password": PASSWORD}, secure=True)
    token = client.post("/oauth2/token", {"grant_type": "client_credentials"}, secure=True)
    assert (page.status_code, "Too much was changed from your address" in page.text) == (429, True)
    consent = client.post("/oauth2/authorize", {}, secure=True)
    assert (consent.status_code, "Too much was changed" in consent.text, consent["Content-Type"][:9]) == (
        429,
        True,
        "text/html",
    )
    assert (token.status_code, token.json()["error"]) == (429, "temporarily_unavailable")
    assert (page["Retry-After"], token["Retry-After"]) == ("3600", "3600")
