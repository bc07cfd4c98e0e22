"""Service accounts over REST: made with a secret shown once, listed, and given another secret."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db
ADDRESS = "/api/am/admin/v4/service-accounts"


def test_a_service_account_is_made_read_and_given_another_secret(client: Client, admin: User) -> None:
    client.force_login(admin)

    made = client.post(ADDRESS, {"name": "pipeline", "roles": ["creator"]}, "application/json", secure=True)

    account = made.json()
    assert (made.status_code, made["Cache-Control"], account["roles"]) == (201, "no-store", ["creator"])
    assert client.get(made["Location"], secure=True).json() == {
        key: value for key, value in account.items() if key != "consumerSecret"
    }
    assert client.get(ADDRESS, secure=True).json()["list"][0]["name"] == "pipeline"

    def asks(secret: str) -> int:
        given = {"grant_type": "client_credentials", "client_id": account["consumerKey"], "client_secret": secret}
        return Client().post("/oauth2/token", given, secure=True).status_code

    renewed = client.post(f"{ADDRESS}/{account['id']}/regenerate-secret", secure=True).json()
    assert (asks(account["consumerSecret"]), asks(renewed["consumerSecret"])) == (401, 200)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"name": "x", "roles": ["king"]}, 400), ({"name": "x"}, 400), ({"name": "admin", "roles": ["creator"]}, 409)],
)
def test_what_cannot_be_a_service_account_is_said(
    client: Client, admin: User, body: dict[str, object], status: int
) -> None:
    client.force_login(admin)
    assert client.post(ADDRESS, body, "application/json", secure=True).status_code == status
