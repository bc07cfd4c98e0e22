"""Clients of WSO2's REST API register, ask for scopes and go the way through it with bodies as they generate them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from core.models import AuditEntry
from devportal.models import OAuthClient
from devportal.operations import registrations
from tests.conftest import PASSWORD
from tests.devportal import builders
from tests.oauth import flows
from tests.publisher.builders import give_role
from tests.rest.conftest import DEVPORTAL, PUBLISHER

pytestmark = pytest.mark.usefixtures("default_plans")

ADMIN = "/api/am/admin/v4"
REGISTER = "/client-registration/v0.17/register"
CLIENT: dict[str, Any] = {
    "callbackUrl": "www.google.lk",
    "clientName": "rest_api_devportal",
    "owner": "carol",
    "grantType": "client_credentials password refresh_token",
    "saasApp": True,
}


def _register(client: Client, body: Any = None, name: str = "carol", password: str = PASSWORD) -> Any:
    headers = flows.basic(name, password)
    return client.post(REGISTER, CLIENT if body is None else body, content_type="application/json", headers=headers)


def _token(client: Client, registered: dict[str, Any], scope: str) -> Any:
    headers = flows.basic(registered["clientId"], registered["clientSecret"])
    return client.post("/oauth2/token", {"grant_type": "client_credentials", "scope": scope}, headers=headers)


class Generated:
    """A client generated from WSO2's descriptions: it sends every field of its models, and wants no null back."""

    def __init__(self, client: Client, person: str, scope: str) -> None:
        self.client = client
        registered = _register(client, {**CLIENT, "owner": person}, person).json()
        self.granted = _token(client, registered, scope).json()["scope"]
        token = _token(client, registered, scope).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The answer of a call that must have this status."""
        ask = getattr(self.client, method)
        answer = ask(path, body, content_type="application/json", headers=self.headers)
        assert answer.status_code == status, answer.content
        document = answer.json() if answer.content else {}
        assert _nulls(document) == [], path
        return document


OWN_WORDS = (
    "burst",
    "connections",
    "connectsPerMinute",
    "messageBytes",
    "applicationsPerOwner",
)  # not WSO2's: null is no limit


def _nulls(document: Any, path: str = "") -> list[str]:
    if isinstance(document, dict):
        named = {key: value for key, value in document.items() if key not in OWN_WORDS}
        return [null for key, value in named.items() for null in _nulls(value, f"{path}.{key}")]
    if isinstance(document, list):
        return [null for value in document for null in _nulls(value, f"{path}[]")]
    return [path] if document is None else []


# --- the whole way -------------------------------------------------------------------------------------------

POLICY: dict[str, Any] = {
    "policyId": None,
    "policyName": "Pearl",
    "displayName": "Pearl",
    "description": "",
    "isDeployed": False,
    "type": "SubscriptionThrottlePolicy",
    "graphQLMaxComplexity": 0,
    "graphQLMaxDepth": 0,
    "defaultLimit": {
        "type": "REQUESTCOUNTLIMIT",
        "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": 1000},
        "bandwidth": None,
        "eventCount": None,
        "aiApiQuota": None,
    },
    "monetization": None,
    "rateLimitCount": 0,
    "rateLimitTimeUnit": "",
    "customAttributes": [],
    "stopOnQuotaReach": False,
    "billingPlan": "FREE",
    "permissions": None,
    "subscriberCount": 0,
}
APPLICATION_POLICY: dict[str, Any] = {
    "policyId": None,
    "policyName": "30PerMin",
    "displayName": None,
    "description": None,
    "isDeployed": False,
    "type": "ApplicationThrottlePolicy",
    "defaultLimit": {
        "type": "REQUESTCOUNTLIMIT",
        "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": 30},
    },
    "burstLimit": {"rateLimitCount": 0, "rateLimitTimeUnit": None},
}
APPLICATION: dict[str, Any] = {
    "applicationId": None,
    "name": "CalculatorApp",
    "throttlingPolicy": "30PerMin",
    "description": "Sample calculator application",
    "tokenType": "JWT",
    "status": "",
    "groups": [],
    "subscriptionCount": None,
    "keys": [],
    "attributes": {},
    "subscriptionScopes": [],
    "owner": None,
    "hashEnabled": None,
    "visibility": None,
}
KEYS: dict[str, Any] = {
    "keyType": "PRODUCTION",
    "keyManager": "Resident Key Manager",
    "grantTypesToBeSupported": ["password", "client_credentials", "refresh_token"],
    "callbackUrl": "",
    "scopes": ["am_application_scope", "default"],
    "validityTime": "3600",
    "clientId": None,
    "clientSecret": None,
    "additionalProperties": {
        "application_access_token_expiry_time": "N/A",
        "user_access_token_expiry_time": "N/A",
        "refresh_token_expiry_time": "N/A",
        "id_token_expiry_time": "N/A",
        "pkceMandatory": "false",
        "pkceSupportPlain": "false",
        "bypassClientCredentials": "false",
    },
}


def test_a_generated_client_goes_the_whole_way(client: Client, alice: User, carol: User, admin: User) -> None:
    builders.ensure_application_plans()
    boss = Generated(client, "admin", "apim:admin apim:tier_view apim:tier_manage apim:bl_manage")
    policies = f"{ADMIN}/throttling/policies"
    pearl = boss("post", f"{policies}/subscription", POLICY, 201)
    assert (pearl["stopOnQuotaReach"], pearl["defaultLimit"]["eventCount"]["eventCount"]) == (False, 1000)
    assert boss("put", f"{policies}/subscription/Pearl", pearl) == pearl
    half = boss("post", f"{policies}/application", APPLICATION_POLICY, 201)
    assert boss("put", f"{policies}/application/30PerMin", half) == half
    for level in ("subscription", "application"):
        boss("get", f"{policies}/{level}")
        boss("get", f"{DEVPORTAL}/throttling-policies/{level}")

    api = builders.api(alice, plans=("Pearl", "Gold"), tags=["sums"])
    me = Generated(client, "carol", "apim:subscribe apim:app_manage apim:sub_manage apim:admin")
    assert me.granted.split() == ["apim:subscribe", "apim:app_manage", "apim:sub_manage"]
    found = me("get", f"{DEVPORTAL}/apis?query=tags:sums%20display-name:echo%20content:echo&limit=10&offset=0")
    assert [each["id"] for each in found["list"]] == [str(api.pk)]
    me("get", f"{DEVPORTAL}/apis/{api.pk}")
    me("get", f"{DEVPORTAL}/apis/{api.pk}/subscription-policies")

    application = me("post", f"{DEVPORTAL}/applications", APPLICATION, 201)
    path = f"{DEVPORTAL}/applications/{application['applicationId']}"
    assert me("put", path, {**application, "description": "Sums."})["description"] == "Sums."
    keys = me("post", f"{path}/generate-keys", KEYS)
    assert keys["supportedGrantTypes"] == ["client_credentials"]
    one = f"{path}/oauth-keys/{keys['keyMappingId']}"
    assert me("put", one, keys)["consumerKey"] == keys["consumerKey"]
    me("get", one)
    me("get", f"{path}/oauth-keys")

    wish: dict[str, Any] = {
        "subscriptionId": None,
        "applicationId": application["applicationId"],
        "apiId": str(api.pk),
        "apiInfo": None,
        "applicationInfo": None,
        "throttlingPolicy": "AsyncPearl",
        "requestedThrottlingPolicy": None,
        "status": None,
        "redirectionParams": None,
    }
    right = me("post", f"{DEVPORTAL}/subscriptions", wish, 201)
    mine = f"{DEVPORTAL}/subscriptions/{right['subscriptionId']}"
    token = {
        "consumerSecret": keys["consumerSecret"],
        "validityPeriod": -1,
        "scopes": ["default"],
        "revokeToken": "",
        "grantType": "CLIENT_CREDENTIALS",
        "additionalProperties": {},
    }
    made = me("post", f"{one}/generate-token", token)
    assert (made["validityTime"], made["tokenScopes"]) == (3600, ["default"])
    assert me("put", mine, right) == right
    moved = me("put", mine, {**right, "requestedThrottlingPolicy": "Gold"})
    assert (moved["throttlingPolicy"], moved["status"]) == ("Gold", "UNBLOCKED")
    me("get", f"{DEVPORTAL}/subscriptions?apiId={api.pk}")

    me("delete", mine)
    me("delete", path)
    api.plans.remove(api.plans.get(name="Pearl"))
    boss("delete", f"{policies}/subscription/Pearl")
    boss("delete", f"{policies}/application/30PerMin")


# --- registering ---------------------------------------------------------------------------------------------


def test_a_client_is_registered_with_what_can_be_kept_and_the_answer_says_that(client: Client, carol: User) -> None:
    made = _register(client)
    body = made.json()

    assert (made.status_code, made["Cache-Control"], len(body["clientSecret"])) == (200, "no-store", 43)
    assert (body["clientName"], body["appOwner"], body["callBackURL"]) == ("rest_api_devportal", "carol", "")
    assert json.loads(body["jsonString"]) == {
        "grant_types": "client_credentials",
        "redirect_uris": "",
        "client_name": "rest_api_devportal",
    }
    entry = AuditEntry.objects.get(verb="keys.registered")
    assert (entry.actor_name, body["clientSecret"] in str(entry.detail)) == ("carol", False)
    assert body["clientSecret"] not in str(OAuthClient.objects.values())


def test_a_name_that_was_registered_gets_a_new_secret_for_the_same_client(client: Client, carol: User) -> None:
    first, second = _register(client).json(), _register(client).json()

    assert first["clientId"] == second["clientId"]
    assert _token(client, first, "apim:subscribe").status_code == 401
    assert _token(client, second, "apim:subscribe").status_code == 200
    assert OAuthClient.objects.count() == 1


def test_one_person_registers_so_many_clients_and_no_more(
    client: Client, carol: User, mallory: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrations, "MOST_CLIENTS", 2)
    statuses = [_register(client, {**CLIENT, "clientName": name}).status_code for name in ("a", "b", "c", "a")]

    assert statuses == [200, 200, 409, 200]
    assert _register(client, {**CLIENT, "owner": "ＭALLORY"}, "mallory").status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"clientName": ""}, "clientName"),
        ({"clientName": "x" * 101}, "clientName"),
        ({"clientName": "a\u2028b"}, "clientName"),
        ({"grantType": "password"}, "grantType"),
        ({"grantType": "client_credentials authorization_code"}, "callbackUrl"),
        ({"grantType": "authorization_code", "callbackUrl": "http://app.example.com/x"}, "callbackUrl"),
        ({"owner": "alice"}, "owner"),
        ({"saasApp": "perhaps"}, "saasApp"),
        ({"tokenType": "JWT"}, "tokenType"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_client_that_cannot_be_is_refused_by_name(
    client: Client, carol: User, changes: dict[str, Any], field: str
) -> None:
    answer = _register(client, {**CLIENT, **changes})

    assert (answer.status_code, {each["field"] for each in answer.json()["error"]}) == (400, {field})
    assert OAuthClient.objects.count() == 0


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!", "Basic Y2Fyb2w=", "Bearer x", "Basic AAA6AAA="])
def test_who_gives_no_name_and_password_registers_nothing(client: Client, carol: User, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = client.post(REGISTER, CLIENT, content_type="application/json", headers=headers)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic realm=")


def test_guessing_passwords_is_throttled_as_at_sign_in(client: Client, carol: User) -> None:
    statuses = [_register(client, password="wrong").status_code for _ in range(6)]

    assert statuses[0] == 401
    assert statuses[-1] == 429
    held = _register(client)
    assert (held.status_code, "Retry-After" in held) == (429, True)


def test_who_is_disabled_registers_nothing(client: Client, carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)

    assert _register(client).status_code == 401


# --- scopes --------------------------------------------------------------------------------------------------


def test_scopes_that_the_roles_do_not_hold_are_left_out_of_the_answer(client: Client, carol: User) -> None:
    registered = _register(client).json()

    assert _token(client, registered, "apim:subscribe apim:admin apim:api_view").json()["scope"] == "apim:subscribe"
    none = _token(client, registered, "apim:admin")
    assert (none.status_code, none.json()["error"]) == (400, "invalid_scope")
    assert _token(client, registered, "read").json()["error"] == "invalid_scope"


def test_a_token_does_no_more_than_its_scopes_say(client: Client, admin: User) -> None:
    builders.ensure_application_plans()
    person = Generated(client, "admin", "apim:subscribe apim:tier_view apim:api_view")
    person("post", f"{DEVPORTAL}/applications", {"name": "Mine"}, 201)
    person("get", f"{ADMIN}/throttling/policies/subscription")
    person("get", f"{PUBLISHER}/apis")

    person("delete", f"{ADMIN}/throttling/policies/subscription/Bronze", status=403)
    person("get", f"{ADMIN}/throttling/deny-policies", status=403)
    person("post", f"{PUBLISHER}/apis", {"name": "Chat", "context": "/chat", "version": "1"}, status=403)


def test_a_role_that_is_taken_away_is_gone_from_the_tokens(client: Client, carol: User) -> None:
    builders.ensure_application_plans()
    me = Generated(client, "carol", "apim:subscribe")
    me("post", f"{DEVPORTAL}/applications", {"name": "Mine"}, 201)

    carol.role_grants.all().delete()
    me("post", f"{DEVPORTAL}/applications", {"name": "Another"}, status=403)
    User.objects.filter(pk=carol.pk).update(is_active=False)
    me("get", f"{DEVPORTAL}/applications", status=401)


def test_a_token_without_these_scopes_manages_nothing(client: Client, carol: User) -> None:
    person = Generated(client, "carol", "default")

    assert "apim:" in person("get", f"{DEVPORTAL}/applications", status=403)["description"]


def test_keys_of_an_application_get_no_such_scope(client: Client, carol: User) -> None:
    keys = builders.keys(builders.application(carol))
    registered = {"clientId": keys.client.client_id, "clientSecret": keys.secret}

    assert _token(client, registered, "apim:subscribe").json()["error"] == "invalid_scope"


def test_a_service_account_can_ask_for_less_than_it_may(client: Client, account: Callable[..., Any]) -> None:
    account(Role.CREATOR, Role.PUBLISHER)
    keys = OAuthClient.objects.get()
    keys.client_secret = "s" * 43
    keys.save()
    registered = {"clientId": keys.client_id, "clientSecret": "s" * 43}
    token = _token(client, registered, "apim:api_view").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    assert client.get(f"{PUBLISHER}/apis", headers=headers).status_code == 200
    body = {"name": "Chat", "context": "/chat", "version": "1"}
    refused = client.post(f"{PUBLISHER}/apis", body, content_type="application/json", headers=headers)
    assert refused.status_code == 403


def test_a_person_who_agrees_lends_a_client_their_own_roles(client: Client, carol: User, alice: User) -> None:
    give_role(alice, Role.SUBSCRIBER)
    grants = "authorization_code client_credentials"
    registered = _register(client, {**CLIENT, "grantType": grants, "callbackUrl": flows.CALLBACK}).json()
    keys = OAuthClient.objects.get(client_id=registered["clientId"])
    came = flows.consent(alice, keys, scope="apim:subscribe apim:api_create apim:api_publish")
    form = {
        "grant_type": "authorization_code",
        "code": came["code"],
        "redirect_uri": flows.CALLBACK,
        "code_verifier": flows.VERIFIER,
    }
    headers = flows.basic(registered["clientId"], registered["clientSecret"])
    token = client.post("/oauth2/token", form, headers=headers).json()

    assert token["scope"] == "apim:subscribe apim:api_create"
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    body = {"name": "Chat", "context": "/chat", "version": "1"}
    made = client.post(f"{PUBLISHER}/apis", body, content_type="application/json", headers=bearer)
    assert (made.status_code, made.json()["provider"]) == (201, "alice")
