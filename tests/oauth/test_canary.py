"""No credential is written down: not in the database, not in a log, whatever is asked and however it fails."""

from __future__ import annotations

import logging

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from devportal import operations, tokens
from devportal.operations import GeneratedKeys
from tests.devportal import builders
from tests.oauth import flows


@pytest.fixture
def loud(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every logger as loud as the product allows, with the root at DEBUG."""
    caplog.set_level(logging.DEBUG)
    return caplog


def _written_down() -> str:
    cells = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - names of our own tables
            cells += [str(cell) for row in cursor.fetchall() for cell in row]
    return "\n".join(cells)


def _everything(client: Client, keys: GeneratedKeys, person: User) -> dict[str, str]:
    """Use every endpoint, well and badly; the credentials that were seen by name."""
    code = flows.consent(person, keys.client, scope="openid default")["code"]
    first = flows.exchange(client, keys.client, keys.secret, code).json()
    second = flows.refresh(client, keys.client, keys.secret, first["refresh_token"]).json()
    own = flows.token(client, keys.client, keys.secret, grant_type="client_credentials").json()
    by_hand = operations.generate_token(client=keys.client, actor=person, now=builders.NOW).token
    new_secret = operations.regenerate_secret(client=keys.client, revoke_tokens=False, actor=person, now=builders.NOW)
    lost_code = flows.consent(person, keys.client)["code"]
    shown = _through_the_pages(keys, person)

    basic = flows.basic(keys.client.client_id, new_secret)
    client.post("/oauth2/revoke", {"token": own["access_token"]}, headers=basic)
    client.post("/oauth2/introspect", {"token": second["access_token"]}, headers=basic)
    client.get("/oauth2/userinfo", headers={"Authorization": f"Bearer {second['access_token']}"})
    client.get(f"/oauth2/userinfo?access_token={second['access_token']}")
    client.get("/api/am/publisher/v4/apis", headers={"Authorization": f"Bearer {second['access_token']}"})
    flows.exchange(client, keys.client, keys.secret, lost_code)
    flows.exchange(client, keys.client, new_secret, code)
    flows.refresh(client, keys.client, new_secret, first["refresh_token"])
    return {
        "code": code,
        "unused code": lost_code,
        "secret": keys.secret,
        "new secret": new_secret,
        "first access token": first["access_token"],
        "refresh token": first["refresh_token"],
        "ID token": first["id_token"],
        "second access token": second["access_token"],
        "second refresh token": second["refresh_token"],
        "client's own token": own["access_token"],
        "token made by hand": by_hand,
        **shown,
    }


def _through_the_pages(keys: GeneratedKeys, person: User) -> dict[str, str]:
    """Generate keys and a token in the browser, and read them off the pages that show them once."""
    browser = Client()
    browser.force_login(person)
    address = f"/devportal/applications/{keys.client.application_id}/keys/sandbox"
    made = browser.post(
        address, {"grant_types": ["client_credentials"], "token_seconds": "60"}, secure=True, follow=True
    )
    issued = browser.post(f"{address}/tokens", {"scopes": ["default"], "seconds": "60"}, secure=True, follow=True)
    return {"secret on a page": made.context["secret"], "token on a page": issued.context["token"]}


@pytest.mark.parametrize("kind", ["keys", "opaque_keys"])
def test_credentials_are_in_no_table_and_in_no_log(
    client: Client, carol: User, loud: pytest.LogCaptureFixture, kind: str, request: pytest.FixtureRequest
) -> None:
    seen = _everything(client, request.getfixturevalue(kind), carol)
    database, logs = _written_down(), loud.text

    assert tokens.digest(seen["token made by hand"]) in database, "the search would find nothing"
    for name, credential in seen.items():
        assert credential not in database, f"{name} in the database"
        assert credential not in logs, f"{name} in a log"
        assert credential.rpartition(".")[2][:32] not in logs, f"a part of {name} in a log"
