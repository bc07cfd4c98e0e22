"""The Developer Portal's REST API: find, subscribe, get keys and a token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts.models import User
from accounts.notification_kinds import NotificationKind
from accounts.operations import notify
from core.models import AuditEntry
from devportal import tickets, tokens
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, Subscription, Ticket
from publisher.models import Api
from publisher.operations import documents
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.rest.conftest import DEVPORTAL

pytestmark = pytest.mark.usefixtures("default_plans")


@pytest.fixture
def api(alice: User) -> Api:
    """A published, deployed API."""
    return builders.api(alice, plans=("Gold", "Silver"), is_default_version=True)


@pytest.fixture
def application(carol: User) -> Application:
    """Carol's."""
    return builders.application(carol, name="Chat client")


@pytest.fixture
def developer(carol: User, signed_in: Callable[[User], Client]) -> Client:
    """Carol's session."""
    return signed_in(carol)


@pytest.fixture
def stranger(mallory: User, signed_in: Callable[[User], Client]) -> Client:
    """Mallory's session."""
    return signed_in(mallory)


def _get(client: Client, path: str) -> Any:
    return client.get(f"{DEVPORTAL}{path}")


def _post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"{DEVPORTAL}{path}", body, content_type="application/json")


def _put(client: Client, path: str, body: Any) -> Any:
    return client.put(f"{DEVPORTAL}{path}", body, content_type="application/json")


def _fields(response: Any) -> set[str]:
    return {each["field"] for each in response.json()["error"]}


# --- the whole way -------------------------------------------------------------------------------------------


def test_a_developer_gets_from_nothing_to_a_token(developer: Client, api: Api) -> None:
    builders.ensure_application_plans()
    app = _post(developer, "/applications", {"name": "Chat", "throttlingPolicy": "Unlimited"}).json()
    right = {"applicationId": app["applicationId"], "apiId": str(api.pk), "throttlingPolicy": "Gold"}
    assert _post(developer, "/subscriptions", right).json()["status"] == "UNBLOCKED"
    wanted = {"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"], "validityTime": 600}
    keys = _post(developer, f"/applications/{app['applicationId']}/generate-keys", wanted).json()
    path = f"/applications/{app['applicationId']}/oauth-keys/{keys['keyMappingId']}/generate-token"
    token = _post(developer, path, {"consumerSecret": keys["consumerSecret"]}).json()

    assert (token["tokenScopes"], token["validityTime"]) == (["default"], 600)
    row = tokens.find(token["accessToken"], timezone.now())
    assert row.application.client_id == keys["consumerKey"]
    assert row.application.application.name == "Chat"


# --- catalogue -----------------------------------------------------------------------------------------------


def test_visitors_see_what_is_published_and_where_it_answers(client: Client, api: Api, alice: User) -> None:
    builders.api(alice, name="Secret", state="CREATED")
    listed = _get(client, "/apis").json()
    body = _get(client, f"/apis/{api.pk}").json()

    assert [row["name"] for row in listed["list"]] == ["EchoWebSocket"]
    assert (listed["list"][0]["isSubscriptionAvailable"], listed["pagination"]["total"]) == (False, 1)
    assert sorted(tier["tierName"] for tier in body["tiers"]) == ["Gold", "Silver"]
    (where,) = body["endpointURLs"]
    assert where["URLs"] == {
        "ws": "ws://localhost:9099/echowebsocket/1.0.0",
        "wss": "wss://localhost:8099/echowebsocket/1.0.0",
    }
    assert where["defaultVersionURLs"]["ws"] == "ws://localhost:9099/echowebsocket"
    assert "endpointConfig" not in body, "the backend's address is nobody's business here"


def test_a_developer_is_told_what_can_be_subscribed_to(developer: Client, api: Api) -> None:
    assert _get(developer, f"/apis/{api.pk}").json()["isSubscriptionAvailable"] is True


@pytest.mark.parametrize("state", ["CREATED", "RETIRED", "BLOCKED", "DEPRECATED"])
def test_what_is_not_in_the_catalogue_is_not_found(client: Client, alice: User, state: str) -> None:
    hidden = builders.api(alice, state=state)

    assert _get(client, f"/apis/{hidden.pk}").status_code == 404
    assert _get(client, "/apis").json()["count"] == 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("echo", 1),
        ("name:echo", 1),
        ("tag:chat", 1),
        ("tag:chat name:echo", 1),
        ("tag:other", 0),
        ("tag:cha", 0),
        ("tag:chat tag:Ökostrom", 1),
        ("tag:chat tag:other", 0),
        ("tags:cha", 1),
        ("tags:Ökostrom", 1),
        ("tags:other", 0),
        ('tags:"two words"', 1),
        ("display-name:echo", 1),
        ("display-name:chat", 0),
        ("type:WS", 1),
        ("type:HTTP", 0),
        ("content:whispers", 1),
        ("content:chat", 1),
        ("content:nothing", 0),
        ("status:CREATED", 0),
    ],
)
def test_the_catalogue_is_searched(client: Client, alice: User, query: str, found: int) -> None:
    builders.api(alice, tags=["chat", "Ökostrom", "two words"], description="Whispers.")

    assert client.get(f"{DEVPORTAL}/apis", {"query": query}).json()["count"] == found


def test_plans_are_open_to_everybody(client: Client, api: Api) -> None:
    builders.ensure_application_plans()
    levels = {level: _get(client, f"/throttling-policies/{level}").json() for level in ("application", "subscription")}

    assert {plan["name"] for plan in levels["subscription"]["list"]} == {"Unlimited", "Gold", "Silver", "Bronze"}
    limits = {plan["name"]: plan["requestCount"] for plan in levels["application"]["list"]}
    assert limits["Unlimited"] == 2_147_483_647
    assert sorted(limits.values())[:3] == [10, 20, 50]
    assert _get(client, "/throttling-policies/application/Unlimited").json()["policyLevel"] == "application"
    assert _get(client, "/throttling-policies/subscription/Gold").json()["requestCount"] == 50_000
    assert _get(client, "/throttling-policies/application/None").status_code == 404
    assert {plan["name"] for plan in _get(client, f"/apis/{api.pk}/subscription-policies").json()} == {"Gold", "Silver"}


# --- applications --------------------------------------------------------------------------------------------


def test_an_application_is_created_read_changed_and_deleted(developer: Client) -> None:
    builders.ensure_application_plans()
    plans = [plan["name"] for plan in _get(developer, "/throttling-policies/application").json()["list"]]
    made = _post(developer, "/applications", {"name": "Chat", "tokenType": "OAUTH", "description": "Talks."})
    body = made.json()
    path = f"/applications/{body['applicationId']}"

    assert made.status_code == 201
    assert (body["throttlingPolicy"], body["tokenType"], body["owner"]) == ("Unlimited", "OAUTH", "carol")
    assert _get(developer, path).json() == body
    assert _put(developer, path, body).status_code == 200
    changed = _put(developer, path, {**body, "name": "Talk", "throttlingPolicy": plans[1], "tokenType": "JWT"}).json()
    assert (changed["name"], changed["throttlingPolicy"], changed["tokenType"]) == ("Talk", plans[1], "JWT")
    assert changed["description"] == "Talks."
    assert [row["name"] for row in _get(developer, "/applications").json()["list"]] == ["Talk"]
    assert developer.delete(f"{DEVPORTAL}{path}").status_code == 200
    assert _get(developer, path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "name"),
        ({"name": ""}, 400, "name"),
        ({"name": "x" * 101}, 400, "name"),
        ({"name": "Chat", "tokenType": "MAGIC"}, 400, "tokenType"),
        ({"name": "Chat", "throttlingPolicy": "Gold"}, 400, "throttlingPolicy"),
        ({"name": "Chat", "groups": ["team"]}, 400, "groups"),
        ({"name": "Chat", "owner": "mallory"}, 400, "owner"),
        ({"name": "CHAT CLIENT"}, 409, "name"),
        ({"name": "Chat", "attributes": {"colour": "red"}}, 400, "attributes"),
        ({"name": "Chat", "visibility": "SHARED_WITH_ORG"}, 400, "visibility"),
        ({"name": "Chat", "groups": [], "attributes": {}, "hashEnabled": False, "owner": "carol"}, 201, None),
        ({"name": "Chat", "hashEnabled": True, "visibility": "PRIVATE", "status": "", "keys": []}, 201, None),
    ],
)
def test_an_application_that_cannot_be_is_refused_by_name(
    developer: Client, application: Application, body: dict[str, Any], status: int, field: str | None
) -> None:
    response = _post(developer, "/applications", body)

    assert response.status_code == status, response.json()
    assert field is None or _fields(response) == {field}


def test_somebody_without_the_role_has_no_applications(alice: User, signed_in: Callable[[User], Client]) -> None:
    assert _post(signed_in(alice), "/applications", {"name": "Chat"}).status_code == 403
    assert _get(signed_in(alice), "/applications").json()["list"] == []


def test_strangers_find_nothing_of_other_peoples(stranger: Client, application: Application, api: Api) -> None:
    keys = builders.keys(application).client
    right = builders.subscription(application, api)
    path = f"/applications/{application.pk}"
    wanted = {"keyType": "SANDBOX", "grantTypesToBeSupported": ["client_credentials"]}
    body = {"applicationId": str(application.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}

    for response in (
        _get(stranger, path),
        _put(stranger, path, {"name": "Mine"}),
        stranger.delete(f"{DEVPORTAL}{path}"),
        _get(stranger, f"{path}/oauth-keys"),
        _get(stranger, f"{path}/oauth-keys/{keys.pk}"),
        _put(stranger, f"{path}/oauth-keys/{keys.pk}", {"supportedGrantTypes": ["client_credentials"]}),
        _post(stranger, f"{path}/generate-keys", wanted),
        _post(stranger, f"{path}/oauth-keys/{keys.pk}/regenerate-secret"),
        _post(stranger, f"{path}/oauth-keys/{keys.pk}/generate-token", {}),
        _post(stranger, "/subscriptions", body),
        _get(stranger, f"/subscriptions?applicationId={application.pk}"),
        _get(stranger, f"/subscriptions/{right.pk}"),
        _put(stranger, f"/subscriptions/{right.pk}", body),
        stranger.delete(f"{DEVPORTAL}/subscriptions/{right.pk}"),
    ):
        assert response.status_code == 404, response.request["PATH_INFO"]
    assert _get(stranger, "/applications").json()["count"] == _get(stranger, "/subscriptions").json()["count"] == 0


# --- keys ----------------------------------------------------------------------------------------------------

WANTED: dict[str, Any] = {
    "keyType": "PRODUCTION",
    "grantTypesToBeSupported": ["client_credentials", "authorization_code", "refresh_token"],
    "callbackUrl": "https://app.example.com/callback",
}


@pytest.fixture
def path(application: Application) -> str:
    """The address of Carol's application."""
    return f"/applications/{application.pk}"


def test_keys_are_shown_with_their_secret_once(developer: Client, path: str) -> None:
    made = _post(developer, f"{path}/generate-keys", WANTED)
    keys = made.json()

    assert (made.status_code, made["Cache-Control"]) == (200, "no-store")
    assert len(keys["consumerSecret"]) == 43
    assert (keys["keyType"], keys["keyState"], keys["callbackUrl"]) == ("PRODUCTION", "APPROVED", WANTED["callbackUrl"])
    assert keys["additionalProperties"] == {"application_access_token_expiry_time": 3600}
    later = {key: value for key, value in keys.items() if key != "consumerSecret"}
    assert _get(developer, f"{path}/oauth-keys/{keys['keyMappingId']}").json() == later
    assert _get(developer, f"{path}/oauth-keys").json() == {"count": 1, "list": [later]}
    assert _post(developer, f"{path}/generate-keys", WANTED).status_code == 409
    assert _post(developer, f"{path}/generate-keys", {**WANTED, "keyType": "SANDBOX"}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"keyType": "BOTH"}, "keyType"),
        ({"grantTypesToBeSupported": ["password"]}, "grantTypesToBeSupported"),
        ({"grantTypesToBeSupported": ["refresh_token", "password"]}, "grantTypesToBeSupported"),
        ({"grantTypesToBeSupported": ["client_credentials"] * 51}, "grantTypesToBeSupported"),
        ({"scopes": ["read"]}, "scopes"),
        (
            {"additionalProperties": {"user_access_token_expiry_time": 60}},
            "additionalProperties.user_access_token_expiry_time",
        ),
        ({"additionalProperties": {"refresh_token_expiry_time": 60}}, "additionalProperties.refresh_token_expiry_time"),
        ({"additionalProperties": {"id_token_expiry_time": 60}}, "additionalProperties.id_token_expiry_time"),
        ({"additionalProperties": {"pkceMandatory": "false"}}, "additionalProperties.pkceMandatory"),
        ({"additionalProperties": {"pkceSupportPlain": True}}, "additionalProperties.pkceSupportPlain"),
        ({"additionalProperties": {"bypassClientCredentials": True}}, "additionalProperties.bypassClientCredentials"),
        ({"grantTypesToBeSupported": []}, "grantTypesToBeSupported"),
        ({"grantTypesToBeSupported": ["refresh_token"]}, "grantTypesToBeSupported"),
        ({"callbackUrl": ""}, "callbackUrl"),
        ({"callbackUrl": "http://app.example.com/callback"}, "callbackUrl"),
        ({"validityTime": 0}, "validityTime"),
        ({"validityTime": 86_401}, "validityTime"),
        ({"additionalProperties": {"application_access_token_expiry_time": 86_401}}, "validityTime"),
        ({"clientId": "mine", "clientSecret": "mine"}, "clientId"),
        ({"keyManager": "Other"}, "keyManager"),
        ({"additionalProperties": {"colour": "red"}}, "additionalProperties.colour"),
    ],
)
def test_keys_that_cannot_be_are_refused_by_name(
    developer: Client, path: str, changes: dict[str, Any], field: str
) -> None:
    response = _post(developer, f"{path}/generate-keys", {**WANTED, **changes})

    assert response.status_code == 400
    assert field in _fields(response)


@pytest.mark.parametrize(
    "lifetime",
    [{"validityTime": 120}, {"additionalProperties": {"application_access_token_expiry_time": 120}}],
)
def test_how_long_tokens_live_is_said_in_either_of_wso2s_places(
    developer: Client, path: str, lifetime: dict[str, Any]
) -> None:
    keys = _post(developer, f"{path}/generate-keys", {**WANTED, **lifetime}).json()

    assert keys["additionalProperties"] == {"application_access_token_expiry_time": 120}


def test_grants_that_are_not_offered_are_left_out_and_named(developer: Client, path: str) -> None:
    asked = ["refresh_token", "urn:ietf:params:oauth:grant-type:saml2-bearer", "password", "client_credentials"]
    keys = _post(developer, f"{path}/generate-keys", {**WANTED, "grantTypesToBeSupported": asked}).json()

    assert keys["supportedGrantTypes"] == ["client_credentials"]
    assert keys["additionalProperties"]["grantTypesNotSupported"] == [
        "password",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    ]
    one = f"{path}/oauth-keys/{keys['keyMappingId']}"
    again = _put(developer, one, {**keys, "supportedGrantTypes": ["client_credentials", "iwa:ntlm"]}).json()
    assert again["additionalProperties"]["grantTypesNotSupported"] == ["iwa:ntlm"]
    assert "grantTypesNotSupported" not in _get(developer, one).json()["additionalProperties"]


AS_USUAL = {
    "application_access_token_expiry_time": "N/A",
    "user_access_token_expiry_time": "N/A",
    "refresh_token_expiry_time": "N/A",
    "id_token_expiry_time": "N/A",
    "pkceMandatory": "N/A",
    "pkceSupportPlain": "false",
    "bypassClientCredentials": False,
}


@pytest.mark.parametrize("said", [{"pkceMandatory": True}, {"refresh_token_expiry_time": 1_209_600}, {}])
def test_wso2s_word_for_as_usual_is_understood(developer: Client, path: str, said: dict[str, Any]) -> None:
    body = {**WANTED, "validityTime": "N/A", "scopes": ["default", "am_application_scope"]}
    keys = _post(developer, f"{path}/generate-keys", {**body, "additionalProperties": {**AS_USUAL, **said}}).json()

    assert keys["additionalProperties"] == {"application_access_token_expiry_time": 3600}
    one = f"{path}/oauth-keys/{keys['keyMappingId']}"
    changed = _put(developer, one, {**keys, "additionalProperties": {**AS_USUAL, "pkceMandatory": "true"}})
    assert changed.json()["additionalProperties"] == {"application_access_token_expiry_time": 3600}


def test_keys_are_changed_and_what_is_left_out_stays(developer: Client, path: str) -> None:
    keys = _post(developer, f"{path}/generate-keys", WANTED).json()
    one = f"{path}/oauth-keys/{keys['keyMappingId']}"
    same = _put(developer, one, keys)
    assert same.status_code == 200, same.json()
    assert {**same.json(), "consumerSecret": keys["consumerSecret"]} == keys
    assert (
        _put(developer, one, {**keys, "consumerSecret": None}).json() == same.json() == _put(developer, one, {}).json()
    )
    other = _put(developer, one, {**keys, "consumerSecret": "mine"})
    assert (other.status_code, _fields(other)) == (400, {"consumerSecret"})

    change = {"supportedGrantTypes": ["client_credentials"], "callbackUrl": ""}
    lifetime = {"additionalProperties": {"application_access_token_expiry_time": 60}}
    changed = _put(developer, one, {**change, **lifetime}).json()
    assert (changed["supportedGrantTypes"], changed["callbackUrl"]) == (["client_credentials"], "")
    assert changed["additionalProperties"] == {"application_access_token_expiry_time": 60}
    refused = _put(developer, one, {"supportedGrantTypes": ["authorization_code"]})
    assert (refused.status_code, _fields(refused)) == (400, {"callbackUrl"})


def test_a_new_secret_takes_the_place_of_the_old(developer: Client, path: str, client: Client) -> None:
    keys = _post(developer, f"{path}/generate-keys", WANTED).json()
    one = f"{path}/oauth-keys/{keys['keyMappingId']}"
    token = _post(developer, f"{one}/generate-token", {}).json()["accessToken"]
    kept = _post(developer, f"{one}/regenerate-secret").json()
    assert kept["consumerSecret"] != keys["consumerSecret"]
    assert tokens.find(token, timezone.now())

    _post(developer, f"{one}/regenerate-secret?revokeTokens=true")
    assert tokens.find(token, timezone.now()) is None
    old = {"grant_type": "client_credentials", "client_id": keys["consumerKey"]}
    assert client.post("/oauth2/token", {**old, "client_secret": kept["consumerSecret"]}).status_code == 401


def test_a_token_is_made_to_measure_and_may_end_another(developer: Client, path: str) -> None:
    keys = _post(developer, f"{path}/generate-keys", WANTED).json()
    one = f"{path}/oauth-keys/{keys['keyMappingId']}/generate-token"
    first = _post(developer, one, {"validityPeriod": 30})
    assert (first["Cache-Control"], first.json()["validityTime"]) == ("no-store", 30)
    second = _post(developer, one, {"revokeToken": first.json()["accessToken"]}).json()

    usual = _post(developer, one, {"validityPeriod": -1, "scopes": ["am_application_scope"]}).json()
    assert (usual["validityTime"], usual["tokenScopes"]) == (3600, ["default"])
    assert tokens.find(first.json()["accessToken"], timezone.now()) is None
    assert tokens.find(second["accessToken"], timezone.now())
    assert AuditEntry.objects.get(verb="token.revoked").actor_name == "carol"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"consumerSecret": "wrong"}, "consumerSecret"),
        ({"validityPeriod": 0}, "validityPeriod"),
        ({"validityPeriod": -2}, "validityPeriod"),
        ({"validityPeriod": True}, "validityPeriod"),
        ({"validityPeriod": "9" * 5000}, "validityPeriod"),
        ({"validityPeriod": 86_401}, "validityPeriod"),
        ({"validityPeriod": 10**9}, "validityPeriod"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"revokeToken": "unknown"}, "revokeToken"),
        ({"grantType": "TOKEN_EXCHANGE"}, "grantType"),
    ],
)
def test_a_token_that_cannot_be_is_refused_by_name(
    developer: Client, path: str, body: dict[str, Any], field: str
) -> None:
    keys = _post(developer, f"{path}/generate-keys", WANTED).json()
    response = _post(developer, f"{path}/oauth-keys/{keys['keyMappingId']}/generate-token", body)

    assert (response.status_code, _fields(response)) == (400, {field})
    assert tokens.AccessToken.objects.count() == 0


def test_keys_from_before_give_no_longer_life_than_the_administrator_allows(
    developer: Client, path: str, client: Client, settings: LazySettings
) -> None:
    keys = _post(developer, f"{path}/generate-keys", {**WANTED, "validityTime": 7200}).json()
    settings.LONGEST_TOKEN_SECONDS = 1800
    one = f"{path}/oauth-keys/{keys['keyMappingId']}"
    lives = {"application_access_token_expiry_time": 1800}

    assert _get(developer, one).json()["additionalProperties"] == lives
    assert _post(developer, f"{one}/generate-token", {}).json()["validityTime"] == 1800
    form = {"grant_type": "client_credentials", "client_id": keys["consumerKey"]}
    made = client.post("/oauth2/token", {**form, "client_secret": keys["consumerSecret"]}).json()
    assert made["expires_in"] == 1800
    assert _put(developer, one, {"callbackUrl": WANTED["callbackUrl"]}).json()["additionalProperties"] == lives
    refused = _post(developer, f"{one}/generate-token", {"validityPeriod": 1801})
    assert "from 1 to 1800 seconds here (30 minutes)" in refused.json()["description"]


def test_a_token_of_other_keys_is_not_ended_on_the_way(developer: Client, path: str, carol: User) -> None:
    keys = _post(developer, f"{path}/generate-keys", WANTED).json()
    other = builders.keys(builders.application(carol)).client
    token = builders.operations.generate_token(client=other, actor=carol, now=timezone.now()).token
    one = f"{path}/oauth-keys/{keys['keyMappingId']}/generate-token"

    assert _post(developer, one, {"revokeToken": token}).status_code == 400
    assert tokens.find(token, timezone.now())


def test_keys_of_another_application_are_not_found_here(developer: Client, path: str, carol: User) -> None:
    other = builders.keys(builders.application(carol)).client

    assert _get(developer, f"{path}/oauth-keys/{other.pk}").status_code == 404
    assert _get(developer, f"{path}/oauth-keys/{other.pk}/generate-token").status_code == 405


# --- subscriptions -------------------------------------------------------------------------------------------


def test_a_subscription_is_made_read_moved_and_ended(developer: Client, application: Application, api: Api) -> None:
    body = {"applicationId": str(application.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}
    made = _post(developer, "/subscriptions", body)
    assert made.status_code == 201
    assert (made.json()["apiInfo"]["name"], made.json()["applicationInfo"]["name"]) == ("EchoWebSocket", "Chat client")
    one = f"/subscriptions/{made.json()['subscriptionId']}"
    assert _get(developer, one).json() == made.json()
    assert _post(developer, "/subscriptions", body).status_code == 409

    moved = _put(developer, one, {**made.json(), "requestedThrottlingPolicy": "Silver"}).json()
    assert (moved["throttlingPolicy"], moved["requestedThrottlingPolicy"]) == ("Silver", "Silver")
    entries = AuditEntry.objects.count()
    assert _put(developer, one, moved).json() == moved, "the same plan again is no conflict"
    assert AuditEntry.objects.count() == entries
    back = _put(developer, one, {**moved, "throttlingPolicy": "Gold"}).json()
    assert back["throttlingPolicy"] == "Gold", "the field that was changed counts, not the one that was read"
    torn = _put(developer, one, {**back, "throttlingPolicy": "Silver", "requestedThrottlingPolicy": "Bronze"})
    assert (torn.status_code, _fields(torn)) == (400, {"requestedThrottlingPolicy"})
    assert developer.delete(f"{DEVPORTAL}{one}").status_code == 200
    assert _get(developer, one).status_code == 404


@pytest.mark.parametrize("narrow", ["", "?apiId={api}", "?applicationId={application}"])
def test_subscriptions_are_listed_by_api_and_by_application(
    developer: Client, application: Application, api: Api, alice: User, carol: User, narrow: str
) -> None:
    builders.subscription(application, api)
    builders.subscription(builders.application(carol), builders.api(alice, name="Chat"))
    query = narrow.format(api=api.pk, application=application.pk)

    assert _get(developer, f"/subscriptions{query}").json()["count"] == (1 if narrow else 2)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"throttlingPolicy": "Bronze"}, 400),
        ({"throttlingPolicy": "Lead"}, 400),
        ({"requestedThrottlingPolicy": "Silver"}, 400),
        ({"apiId": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"apiId": "nonsense"}, 400),
        ({"applicationId": None}, 400),
        ({"status": "BLOCKED"}, 400),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(
    developer: Client, application: Application, api: Api, changes: dict[str, Any], status: int
) -> None:
    body = {"applicationId": str(application.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}

    assert _post(developer, "/subscriptions", {**body, **changes}).status_code == status
    assert Subscription.objects.count() == 0


def test_a_subscription_stays_with_its_application_and_api(
    developer: Client, application: Application, api: Api, carol: User
) -> None:
    right = builders.subscription(application, api)
    other = builders.application(carol)
    body = {"applicationId": str(other.pk), "apiId": str(api.pk), "throttlingPolicy": "Silver"}
    response = _put(developer, f"/subscriptions/{right.pk}", body)

    assert (response.status_code, _fields(response)) == (400, {"applicationId"})


@pytest.mark.parametrize("path", ["/apis", "/applications", "/subscriptions"])
def test_a_longer_list_costs_no_more_queries(
    developer: Client, carol: User, alice: User, path: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        builders.subscription(builders.application(carol), builders.api(alice, name=f"Chat{number}"))

    with django_assert_max_num_queries(13 if path == "/subscriptions" else 7):
        assert _get(developer, path).json()["count"] == 6


def test_a_ticket_takes_the_place_of_a_token_in_a_page_of_the_portal(developer: Client, carol: User, api: Api) -> None:
    application = builders.application(carol)
    client = builders.keys(application).client
    path = f"{DEVPORTAL}/applications/{application.pk}/oauth-keys/{client.pk}/generate-ticket"
    asked = developer.post(
        path, {"apiId": str(api.pk)}, content_type="application/json", headers={"Origin": "https://portal.test"}
    )
    body = asked.json()
    row = Ticket.objects.get()
    token = AccessToken.objects.get(pk=row.token_id)

    assert (asked.status_code, asked["Cache-Control"]) == (201, "no-store")
    assert body["url"].endswith(f"/echowebsocket/1.0.0?ticket={body['ticket']}")
    assert (row.digest, row.origin) == (tickets.digest(body["ticket"]), "https://portal.test")
    assert (row.connection_id.hex, body["validityTime"]) == (body["connectionId"], tickets.SECONDS)
    assert token.expires - token.created <= timedelta(minutes=16)
    assert body["ticket"] not in str(list(AuditEntry.objects.values()))


def test_no_more_tickets_are_made_than_are_used(
    developer: Client, carol: User, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "MOST_WAITING", 1)
    application = builders.application(carol)
    client = builders.keys(application).client
    path = f"{DEVPORTAL}/applications/{application.pk}/oauth-keys/{client.pk}/generate-ticket"
    statuses = [
        developer.post(path, {"apiId": str(api.pk)}, content_type="application/json").status_code for _ in range(2)
    ]
    assert statuses == [201, 429]
    assert AccessToken.objects.count() == 1


# --- finding, following, starting, being told ----------------------------------------------------------------


def test_one_search_finds_apis_and_then_documents_that_may_be_read(
    api: Api, carol: User, developer: Client, client: Client, admin: User
) -> None:
    for name, visibility in (("Moorings", "API_LEVEL"), ("Moorings for guests", "PRIVATE"), ("Own", "OWNER_ONLY")):
        documents.create_document(
            api=api, fields={"name": name, "content": "moorings", "visibility": visibility}, actor=admin, now=NOW
        )
    found = _get(client, "/search?query=moorings").json()
    assert [(each["type"], each["name"]) for each in found["list"]] == [("API", "EchoWebSocket"), ("DOC", "Moorings")]
    assert found["list"][1]["apiName"] == "EchoWebSocket"
    last = _get(developer, "/search?query=moorings&limit=1&offset=2").json()
    assert [each["name"] for each in last["list"]] == ["Moorings for guests"]
    assert last["pagination"]["total"] == 3
    assert _get(client, "/search").json()["list"][0]["avgRating"] == "0.0"
    assert _get(client, "/search?query=nobody:x").status_code == 400


def test_tags_and_settings_are_for_everybody(api: Api, client: Client) -> None:
    Api.objects.update(tags=["live", "echo"])
    assert _get(client, "/tags?limit=1").json()["list"] == [{"value": "echo", "count": 1}]
    offered = _get(client, "/settings").json()
    assert offered["IsAnonymousModeEnabled"] is True
    assert offered["passwordPolicyMinLength"] == 8
    assert "client_credentials" in offered["grantTypes"]
    assert offered["apiGatewayEndpoint"].startswith("wss://")


def test_an_api_is_followed_and_left_again(api: Api, developer: Client) -> None:
    follow = f"/apis/{api.pk}/follow"
    assert _get(developer, follow).json() == {"following": False}
    for _ in range(2):
        assert _put(developer, follow, {}).json() == {"following": True}
    assert _get(developer, follow).json() == {"following": True}
    assert developer.delete(f"{DEVPORTAL}{follow}").json() == {"following": False}


def test_what_is_missing_is_made_once_and_said(api: Api, developer: Client, carol: User) -> None:
    ensure_application_plans()
    first = _post(developer, f"/apis/{api.pk}/start")
    assert first.status_code == 201
    begun = first.json()
    plan = begun["throttlingPolicy"]
    assert begun["made"] == ["the application “Try it”", f"a subscription under {plan}", "production keys"]
    token = _post(
        developer, f"/applications/{begun['applicationId']}/oauth-keys/{begun['keyMappingId']}/generate-token", {}
    )
    assert token.status_code == 200, token.content
    again = _post(developer, f"/apis/{api.pk}/start")
    assert (again.status_code, again.json()["made"]) == (200, [])
    Application.objects.update(approval=Application.Approval.WAITING)
    assert _post(developer, f"/apis/{api.pk}/start").json()["consumerKey"] is None


def test_notifications_are_listed_and_read(carol: User, mallory: User, developer: Client, stranger: Client) -> None:
    about: dict[str, Any] = {"kind": NotificationKind.ENDS, "link": "/devportal/apis", "now": timezone.now()}
    for sentence in ("One ended.", "Another ended."):
        notify(people=[carol], sentence=sentence, **about)
    told = _get(developer, "/notifications?unread=true&limit=1").json()
    assert (told["unread"], told["pagination"]["total"], told["list"][0]["sentence"]) == (2, 2, "Another ended.")
    one = f"/notifications/{told['list'][0]['id']}/readings"
    assert _post(stranger, one).status_code == 404
    assert _post(developer, one).json()["readTime"]
    assert _post(developer, "/notifications/readings").json() == {"marked": 1}
    assert _get(developer, "/notifications?unread=true").json()["list"] == []
    assert len(_get(developer, "/notifications").json()["list"]) == 2
    assert _get(stranger, "/notifications").json()["list"] == []


def test_kinds_that_are_left_out_of_the_choices_stay_as_they_are(developer: Client) -> None:
    path = "/notifications/choices"
    quiet = {"kind": "ends", "inPortal": True, "byEmail": False}
    assert _put(developer, path, {"choices": [quiet]}).status_code == 200
    _put(developer, path, {"choices": [{"kind": "limits", "inPortal": False, "byEmail": True}]})
    chosen = {each["kind"]: (each["inPortal"], each["byEmail"]) for each in _get(developer, path).json()["choices"]}
    assert (chosen["ends"], chosen["limits"]) == ((True, False), (False, True))
    assert chosen.keys() == set(NotificationKind)
    for wrong in ({}, {"choices": []}, {"choices": [{"kind": "ends"}]}, {"choices": [{**quiet, "kind": "x"}]}):
        assert _put(developer, path, wrong).status_code == 400


def test_the_list_is_by_relevance_where_words_are_looked_for(api: Api, alice: User, client: Client) -> None:
    builders.api(alice, "Alpha", description="Like an echo.")
    assert [each["name"] for each in _get(client, "/apis").json()["list"]] == ["Alpha", "EchoWebSocket"]
    assert [each["name"] for each in _get(client, "/apis?query=echo").json()["list"]] == ["EchoWebSocket", "Alpha"]
