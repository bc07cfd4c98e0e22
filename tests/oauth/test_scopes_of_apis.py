"""Which scopes of APIs a token carries: those that the roles of its person allow."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import RoleGrant, User
from accounts.roles import Role
from core.errors import Invalid
from devportal import operations, queries
from devportal.forms import TokenForm
from devportal.models import Application
from publisher.operations import scopes
from tests.devportal import builders
from tests.oauth.flows import ALL_GRANTS, CALLBACK, consent, exchange, refresh, token

TOPICS = [{"target": "/rooms", "verbs": ["publish"], "mapping": "", "scopes": ["rooms:write", "rooms:open"]}]


@pytest.fixture
def app(alice: User, carol: User) -> Application:
    """Carol's application, subscribed to an API whose topic asks for a scope for creators and one for everybody."""
    api = builders.api(alice, topics=TOPICS)
    scopes.create_scope(
        api=api,
        fields={"name": "rooms:write", "description": "Write in rooms", "roles": ["creator"]},
        actor=alice,
        now=builders.NOW,
    )
    app = builders.application(carol)
    builders.subscription(app, api)
    return app


@pytest.fixture
def keys(app: Application) -> Any:
    """Its keys."""
    return builders.keys(app, grant_types=ALL_GRANTS, callback_url=CALLBACK)


ASKED = "default rooms:write rooms:open"


def test_client_credentials_carry_what_the_owner_s_roles_allow(client: Client, keys: Any, carol: User) -> None:
    def granted() -> str:
        answer = token(client, keys.client, keys.secret, grant_type="client_credentials", scope=ASKED)
        return str(answer.json()["scope"])

    assert granted() == "default rooms:open"
    RoleGrant.objects.create(user=carol, role=Role.CREATOR)
    assert granted() == ASKED


def test_a_request_for_nothing_but_what_is_not_granted_is_refused(client: Client, keys: Any) -> None:
    answer = token(client, keys.client, keys.secret, grant_type="client_credentials", scope="rooms:write")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_code_carries_what_the_roles_of_the_person_who_agrees_allow(
    client: Client, keys: Any, alice: User, mallory: User
) -> None:
    for person, expected in ((alice, ASKED), (mallory, "default rooms:open")):
        code = consent(person, keys.client, scope=ASKED)["code"]
        assert exchange(client, keys.client, keys.secret, code).json()["scope"] == expected


def test_a_refresh_carries_on_what_the_roles_still_allow(client: Client, keys: Any, alice: User) -> None:
    code = consent(alice, keys.client, scope=ASKED)["code"]
    first = exchange(client, keys.client, keys.secret, code).json()
    RoleGrant.objects.filter(user=alice).delete()

    second = refresh(client, keys.client, keys.secret, first["refresh_token"]).json()

    assert second["scope"] == "default rooms:open"


def test_the_consent_page_says_what_a_scope_is_for(keys: Any, alice: User) -> None:
    from tests.oauth.flows import authorize_params

    browser = Client()
    browser.force_login(alice)
    page = browser.get("/oauth2/authorize", authorize_params(keys.client, scope=ASKED))

    assert b"Write in rooms" in page.content


def test_the_dialog_and_the_wizard_offer_only_what_is_granted(app: Application, keys: Any, carol: User) -> None:
    assert queries.scopes_of(app) == ["default", "rooms:open"]
    assert [name for name, _ in TokenForm(client=keys.client).fields["scopes"].choices] == ["default", "rooms:open"]
    with pytest.raises(Invalid, match="rooms:write cannot be asked for"):
        operations.generate_token(client=keys.client, scopes=["rooms:write"], actor=carol, now=builders.NOW)


def test_a_shared_scope_counts_for_every_api(app: Application, carol: User, admin: User) -> None:
    fields = {"name": "rooms:open", "roles": ["publisher"]}
    scopes.create_scope(api=None, fields=fields, actor=admin, now=builders.NOW)

    assert queries.scopes_of(app) == ["default"]


def test_a_scope_of_an_api_that_is_not_subscribed_to_takes_nothing_away(
    app: Application, alice: User, carol: User
) -> None:
    other = builders.api(alice, "Other")
    scopes.create_scope(api=other, fields={"name": "rooms:open", "roles": ["publisher"]}, actor=alice, now=builders.NOW)

    assert queries.scopes_of(app) == ["default", "rooms:open"]
