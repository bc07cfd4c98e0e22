"""The Publisher's REST API: WSO2's names over our operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from core.models import AuditEntry
from devportal.models import Subscription
from publisher import operations
from publisher.lifecycle import State
from publisher.models import Api
from tests.devportal import builders as subscribers
from tests.publisher.builders import BACKEND, LATER, give_role, in_state, make_api
from tests.rest.conftest import PUBLISHER

pytestmark = pytest.mark.usefixtures("default_plans")

BODY: dict[str, Any] = {
    "name": "EchoWebSocket",
    "context": "/echowebsocket",
    "version": "1.0.0",
    "type": "WS",
    "description": "Says what you say.",
    "tags": ["echo"],
    "policies": ["Gold", "Silver"],
    "endpointConfig": {"endpoint_type": "ws", "production_endpoints": {"url": BACKEND}},
}


@pytest.fixture
def creator(alice: User, signed_in: Callable[[User], Client]) -> Client:
    """Alice's session."""
    return signed_in(alice)


@pytest.fixture
def publisher(bob: User, signed_in: Callable[[User], Client]) -> Client:
    """Bob's session."""
    return signed_in(bob)


@pytest.fixture
def both(alice: User, signed_in: Callable[[User], Client]) -> Client:
    """Alice, who is a publisher as well for once."""
    return signed_in(give_role(alice, Role.PUBLISHER))


def _post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"{PUBLISHER}{path}", body, content_type="application/json")


def _put(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.put(f"{PUBLISHER}{path}", body, content_type="application/json", headers=headers)


def _get(client: Client, path: str) -> Any:
    return client.get(f"{PUBLISHER}{path}")


def _fields(response: Any) -> set[str]:
    return {each["field"] for each in response.json()["error"]}


# --- create --------------------------------------------------------------------------------------------------


def test_an_api_is_created_as_it_was_described(creator: Client) -> None:
    response = _post(creator, "/apis", BODY)
    body = response.json()

    assert response.status_code == 201, body
    row = Api.objects.get(pk=body["id"])
    assert (row.name, row.context, row.version, row.state) == ("EchoWebSocket", "/echowebsocket", "1.0.0", "CREATED")
    assert (row.production["url"], row.sandbox) == (BACKEND, {})
    assert (body["provider"], body["lifeCycleStatus"], body["type"]) == ("alice", "CREATED", "WS")
    assert body["policies"] == ["Gold", "Silver"]
    assert body["endpointConfig"]["production_endpoints"] == {"url": BACKEND}
    assert "sandbox_endpoints" not in body["endpointConfig"]
    assert [each["verb"] for each in body["operations"]] == ["SUBSCRIBE", "PUBLISH"]


ROOMS = [
    {"target": "/rooms/{id}", "verb": "SUBSCRIBE", "authType": "Any", "scopes": ["read"], "uriMapping": "/v2/{id}"},
    {"target": "/rooms/{id}", "verb": "PUBLISH", "authType": "Any", "scopes": ["read"], "uriMapping": "/v2/{id}"},
    {"target": "/聊天", "verb": "SUBSCRIBE", "authType": "Application & Application User", "throttlingPolicy": ""},
]


def test_operations_are_kept_as_topics(creator: Client) -> None:
    made = _post(creator, "/apis", {**BODY, "operations": ROOMS}).json()
    row = Api.objects.get(pk=made["id"])

    assert row.topics == [
        {"target": "/rooms/{id}", "verbs": ["subscribe", "publish"], "mapping": "/v2/{id}", "scopes": ["read"]},
        {"target": "/聊天", "verbs": ["subscribe"], "mapping": "", "scopes": []},
    ]
    shown = [(each["target"], each["verb"], each["uriMapping"]) for each in made["operations"]]
    assert shown == [
        ("/rooms/{id}", "SUBSCRIBE", "/v2/{id}"),
        ("/rooms/{id}", "PUBLISH", "/v2/{id}"),
        ("/聊天", "SUBSCRIBE", ""),
    ]
    assert _put(creator, f"/apis/{row.pk}", made).json() == made
    every = [{"target": "/*", "verb": verb, "authType": "Any"} for verb in ("PUBLISH", "SUBSCRIBE")]
    _put(creator, f"/apis/{row.pk}", {**made, "operations": every})
    assert Api.objects.get(pk=row.pk).topics == [], "every topic is what holds where none is declared"


def test_a_signed_identity_is_switched_on_over_rest(creator: Client) -> None:
    config = {**BODY["endpointConfig"], "options": {"signed_identity": True}}
    made = _post(creator, "/apis", {**BODY, "endpointConfig": config}).json()
    assert Api.objects.get(pk=made["id"]).endpoint_options["signed_identity"] is True
    assert made["endpointConfig"]["options"]["signed_identity"] is True

    made["endpointConfig"]["options"]["signed_identity"] = "yes"
    assert _put(creator, f"/apis/{made['id']}", made).status_code == 400


def test_suspension_is_taken_in_wso2s_words_and_milliseconds(creator: Client) -> None:
    config = {"suspendDuration": "5000", "suspendMaxDuration": 60_000, "factor": "1.5", "suspendErrorCode": []}
    endpoints = {"production_endpoints": {"url": BACKEND, "config": config}, "sandbox_endpoints": {"url": BACKEND}}
    made = _post(creator, "/apis", {**BODY, "endpointConfig": {"endpoint_type": "ws", **endpoints}}).json()
    options = Api.objects.get(pk=made["id"]).endpoint_options

    assert [options[name] for name in ("suspend_initial", "suspend_maximum", "suspend_factor")] == [5.0, 60.0, 1.5]
    shown = {"suspendDuration": 5000, "suspendMaxDuration": 60_000, "factor": 1.5}
    assert made["endpointConfig"]["production_endpoints"] == {"url": BACKEND, "config": shown}
    assert _put(creator, f"/apis/{made['id']}", made).json() == made

    made["endpointConfig"]["options"]["suspend_initial"] = 7.0
    changed = _put(creator, f"/apis/{made['id']}", made).json()
    assert changed["endpointConfig"]["production_endpoints"]["config"]["suspendDuration"] == 7000

    never = {"suspendDuration": "0", "suspendMaxDuration": "0", "factor": "1.0"}
    del changed["endpointConfig"]["options"]
    changed["endpointConfig"]["sandbox_endpoints"].pop("config")
    changed["endpointConfig"]["production_endpoints"]["config"] = never
    answer = _put(creator, f"/apis/{made['id']}", changed).json()
    assert answer["endpointConfig"]["options"]["prevent_suspension"] is True
    assert answer["endpointConfig"]["sandbox_endpoints"]["config"]["suspendErrorCode"] == ["-1"]


def test_wso2s_names_of_streaming_plans_are_understood(creator: Client) -> None:
    made = _post(creator, "/apis", {**BODY, "policies": ["AsyncUnlimited", "AsyncGold", "Gold"]}).json()

    assert made["policies"] == ["Gold", "Unlimited"]
    assert _get(creator, "/throttling-policies/subscription/AsyncSilver").json()["name"] == "Silver"


def _nulls(document: Any, path: str = "") -> list[str]:
    if isinstance(document, dict):
        return [null for key, value in document.items() for null in _nulls(value, f"{path}.{key}")]
    if isinstance(document, list):
        return [null for value in document for null in _nulls(value, f"{path}[]")]
    return [path] if document is None else []


def test_no_answer_holds_a_null(both: Client) -> None:
    made = _post(both, "/apis", {"name": "Chat", "context": "chat", "version": "1"}).json()
    path = f"/apis/{made['id']}"
    assert isinstance(made["keyManagers"], dict)
    _post(both, f"{path}/revisions", {})
    paths = ["/apis", path, f"{path}/lifecycle-history", f"{path}/lifecycle-state", f"{path}/revisions"]
    paths += ["/throttling-policies/subscription", "/throttling-policies/streaming/subscription"]

    assert {each: _nulls(_get(both, each).json()) for each in paths} == {each: [] for each in paths}


def test_the_smallest_api_has_a_name_a_context_and_a_version(creator: Client) -> None:
    response = _post(creator, "/apis", {"name": "Chat", "context": "chat", "version": "1"})

    assert response.status_code == 201
    assert response.json()["context"] == "/chat"


def test_failover_addresses_and_options_are_kept(creator: Client) -> None:
    config = {
        "endpoint_type": "ws",
        "production_endpoints": {"url": BACKEND},
        "production_failovers": [{"url": "ws://localhost:9901/echo"}],
        "sandbox_endpoints": {"url": "wss://sandbox.example.com/echo"},
        "options": {"connect_timeout": 2.5, "prevent_suspension": True},
    }
    body = _post(creator, "/apis", {**BODY, "endpointConfig": config}).json()
    row = Api.objects.get(pk=body["id"])

    assert row.production == {"url": BACKEND, "failover": ["ws://localhost:9901/echo"]}
    assert row.sandbox["url"] == "wss://sandbox.example.com/echo"
    assert (row.endpoint_options["connect_timeout"], row.endpoint_options["prevent_suspension"]) == (2.5, True)
    assert body["endpointConfig"]["production_failovers"] == config["production_failovers"]


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"name": ""}, 400, "name"),
        ({"name": "Echo/Socket"}, 400, "name"),
        ({"context": "/a b"}, 400, "context"),
        ({"version": None}, 400, "version"),
        ({"policies": ["Platinum"]}, 400, "policies"),
        ({"type": "HTTP"}, 400, "type"),
        ({"visibility": "RESTRICTED", "visibleRoles": []}, 400, "visibleRoles"),
        (
            {"corsConfiguration": {"corsConfigurationEnabled": True}},
            400,
            "corsConfiguration.accessControlAllowOrigins",
        ),
        (
            {"corsConfiguration": {"corsConfigurationEnabled": True, "accessControlAllowOrigins": ["a.test/x"]}},
            400,
            "corsConfiguration.accessControlAllowOrigins",
        ),
        ({"queryToken": "perhaps"}, 400, "queryToken"),
        ({"provider": "mallory"}, 400, "provider"),
        ({"lifeCycleStatus": "PUBLISHED"}, 400, "lifeCycleStatus"),
        ({"colour": "red"}, 400, "colour"),
        ({"operations": [{"target": "/rooms", "verb": "GET"}]}, 400, "operations.0.verb"),
        ({"operations": [{"target": "/rooms//x", "verb": "PUBLISH"}]}, 400, "operations"),
        ({"operations": [{"target": "/a", "verb": "PUBLISH"}, {"target": "/a", "verb": "PUBLISH"}]}, 400, "operations"),
        (
            {
                "operations": [
                    {"target": "/a", "verb": "PUBLISH", "scopes": ["write"]},
                    {"target": "/a", "verb": "SUBSCRIBE"},
                ]
            },
            400,
            "operations",
        ),
        ({"operations": [{"target": "/a", "verb": "PUBLISH", "authType": "None"}]}, 400, "operations.0.authType"),
        (
            {"operations": [{"target": "/a", "verb": "PUBLISH", "throttlingPolicy": "10KPerMin"}]},
            400,
            "operations.0.throttlingPolicy",
        ),
        ({"securityScheme": ["oauth2", "api_key"]}, 400, "securityScheme"),
        ({"securityScheme": ["mutualssl"]}, 400, "securityScheme"),
        ({"apiKeyHeader": "X-Key"}, 400, "apiKeyHeader"),
        ({"authorizationHeader": "X-Auth"}, 400, "authorizationHeader"),
        ({"advertiseInfo": {"advertised": True}}, 400, "advertiseInfo"),
        ({"monetization": {"enabled": True}}, 400, "monetization"),
        ({"responseCachingEnabled": True}, 400, "responseCachingEnabled"),
        ({"audiences": ["aud1"]}, 400, "audiences"),
        ({"apiThrottlingPolicy": "10KPerMin"}, 400, "apiThrottlingPolicy"),
        ({"transport": ["mqtt"]}, 400, "transport"),
        ({"keyManagers": ["Okta"]}, 400, "keyManagers"),
        ({"gatewayType": "AWS"}, 400, "gatewayType"),
        ({"enableSubscriberVerification": True}, 400, "enableSubscriberVerification"),
        ({"websubSubscriptionConfiguration": {"enable": True}}, 400, "websubSubscriptionConfiguration"),
        ({"policies": ["AsyncPlatinum"]}, 400, "policies"),
        (
            {
                "endpointConfig": {
                    "production_endpoints": {"url": BACKEND, "config": {"suspendDuration": "5000"}},
                    "sandbox_endpoints": {"url": BACKEND, "config": {"suspendDuration": "6000"}},
                }
            },
            400,
            "endpointConfig.sandbox_endpoints.config",
        ),
        (
            {"endpointConfig": {"production_endpoints": {"url": BACKEND, "config": {"retryErroCode": ["101503"]}}}},
            400,
            "endpointConfig.production_endpoints.config.retryErroCode",
        ),
        (
            {"endpointConfig": {"production_endpoints": {"url": BACKEND, "config": {"factor": "Infinity"}}}},
            400,
            "endpointConfig.production_endpoints.config.factor",
        ),
        ({"endpointConfig": {"endpoint_type": "http"}}, 400, "endpointConfig.endpoint_type"),
        (
            {"endpointConfig": {"production_endpoints": {"url": "http://x"}}},
            400,
            "endpointConfig.production_endpoints.url",
        ),
        ({"endpointConfig": {"production_endpoints": [{"url": BACKEND}]}}, 400, None),
        ({"endpointConfig": {"production_endpoints": {"url": BACKEND}, "options": {"retries": 99}}}, 400, "retries"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(
    creator: Client, changes: dict[str, Any], status: int, field: str | None
) -> None:
    response = _post(creator, "/apis", {**BODY, **changes})

    assert response.status_code == status, response.json()
    assert field is None or field in _fields(response)
    assert Api.objects.count() == 0, "half an API was made"


def test_who_may_call_from_a_browser_and_how_is_said_in_wso2s_words(creator: Client) -> None:
    cors = {"corsConfigurationEnabled": True, "accessControlAllowOrigins": ["https://A.test", "https://*.b.test"]}
    made = _post(creator, "/apis", {**BODY, "corsConfiguration": cors, "queryToken": False}).json()
    row = Api.objects.get()
    assert (row.origins, row.query_token) == (["https://a.test", "https://*.b.test"], False)
    assert made["corsConfiguration"]["accessControlAllowOrigins"] == row.origins
    assert _put(creator, f"/apis/{row.pk}", made).status_code == 200
    opened = {"corsConfigurationEnabled": False, "accessControlAllowOrigins": ["*"]}
    answer = _put(creator, f"/apis/{row.pk}", {**BODY, "corsConfiguration": opened}).json()
    assert (answer["corsConfiguration"], answer["queryToken"]) == (opened, False)


@pytest.mark.parametrize(
    "harmless",
    [
        {"type": "WS", "visibility": "PUBLIC", "transport": ["ws", "wss"], "workflowStatus": "APPROVED"},
        {"gatewayType": "wso2/synapse", "gatewayVendor": "wso2"},
        {"provider": "alice", "lifeCycleStatus": "CREATED"},
        {"visibleRoles": [], "corsConfiguration": None, "businessInformation": {}, "wsdlUrl": ""},
        {"displayName": "EchoWebSocket", "securityScheme": ["oauth2", "oauth_basic_auth_api_key_mandatory"]},
        {"apiKeyHeader": "apiKey", "authorizationHeader": "Authorization", "transport": ["http", "https"]},
        {"advertiseInfo": {"advertised": False, "apiOwner": "alice", "vendor": "WSO2"}},
        {"monetization": {"enabled": False, "properties": {}}, "cacheTimeout": 300, "responseCachingEnabled": False},
        {"audiences": [], "apiThrottlingPolicy": "Unlimited", "keyManagers": ["all"]},
        {"websubSubscriptionConfiguration": {"enable": False, "signingAlgorithm": "SHA1", "secret": ""}},
        {"apiPolicies": {"request": [], "response": [], "fault": []}, "serviceInfo": {"outdated": False}},
        {"operations": []},
        {"enableSchemaValidation": False},
    ],
)
def test_what_says_nothing_new_is_taken_without_a_word(creator: Client, harmless: dict[str, Any]) -> None:
    assert _post(creator, "/apis", {**BODY, **harmless}).status_code == 201


@pytest.mark.parametrize(
    ("changes", "code"), [({"context": "/other"}, 900250), ({"name": "Other"}, 900251)], ids=["name", "context"]
)
def test_a_taken_name_or_context_is_a_conflict_with_wso2s_number(
    creator: Client, changes: dict[str, Any], code: int
) -> None:
    _post(creator, "/apis", BODY)
    response = _post(creator, "/apis", {**BODY, **changes})

    assert (response.status_code, response.json()["code"]) == (409, code)


def test_a_plain_publisher_creates_nothing(publisher: Client) -> None:
    assert _post(publisher, "/apis", BODY).status_code == 403
    assert Api.objects.count() == 0


# --- read ----------------------------------------------------------------------------------------------------


def test_a_list_comes_in_pages_that_lead_to_each_other(creator: Client, alice: User) -> None:
    for number in range(5):
        make_api(alice, name=f"Chat{number}", context=f"/chat{number}")
    first = _get(creator, "/apis?limit=2&sortBy=apiName&sortOrder=asc").json()
    second = creator.get(first["pagination"]["next"]).json()
    third = creator.get(second["pagination"]["next"]).json()

    assert [row["name"] for page in (first, second, third) for row in page["list"]] == [f"Chat{n}" for n in range(5)]
    assert [page["count"] for page in (first, second, third)] == [2, 2, 1]
    assert first["pagination"] == {
        "offset": 0,
        "limit": 2,
        "total": 5,
        "next": f"{PUBLISHER}/apis?sortBy=apiName&sortOrder=asc&limit=2&offset=2",
        "previous": "",
    }
    assert third["pagination"]["next"] == ""
    assert creator.get(third["pagination"]["previous"]).json() == second


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("chat", {"Chat"}),
        ("name:chat", {"Chat"}),
        ("context:/echo", {"Echo"}),
        ("version:2 name:echo", {"Echo"}),
        ("status:PUBLISHED", {"Echo"}),
        ('provider:"alice"', {"Chat", "Echo"}),
        ("name:none", set()),
        ("tags:news", {"Echo"}),
        ("tags:NEW", {"Echo"}),
        ("tags:Ökostrom", {"Echo"}),
        ("tags:none", set()),
        ("type:WS", {"Chat", "Echo"}),
        ("type:HTTP", set()),
        ("display-name:echo", {"Echo"}),
        ("content:whispers", {"Chat"}),
        ('content:"says what"', {"Echo"}),
        ("content:news", {"Echo"}),
    ],
)
def test_a_list_is_searched_with_wso2s_words(creator: Client, alice: User, query: str, found: set[str]) -> None:
    make_api(alice, name="Chat", context="/chat", version="1", description="Whispers.")
    echo = make_api(
        alice, name="Echo", context="/echo", version="2", tags=["news", "Ökostrom"], description="Says what you say."
    )
    in_state(echo, State.PUBLISHED)
    rows = creator.get(f"{PUBLISHER}/apis", {"query": query}).json()["list"]

    assert {row["name"] for row in rows} == found


def test_a_list_is_sorted_by_the_time_of_the_last_change(creator: Client, alice: User) -> None:
    first = make_api(alice, name="Chat", context="/chat")
    make_api(alice, name="Echo", context="/echo")
    operations.update_api(api=first, changes={"description": "New."}, actor=alice, now=LATER)

    rows = _get(creator, "/apis?sortBy=updatedTime&sortOrder=desc").json()["list"]
    assert [row["name"] for row in rows] == ["Chat", "Echo"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("x " * 11, "at most 10 words; these are 11"), ("x" * 201, "at most 200 characters; these are 201")],
)
def test_a_search_has_its_bounds_and_says_them(creator: Client, query: str, sentence: str) -> None:
    answer = creator.get(f"{PUBLISHER}/apis", {"query": query})

    assert (answer.status_code, _fields(answer)) == (400, {"query"})
    assert sentence in answer.json()["description"]
    assert creator.get(f"{PUBLISHER}/apis", {"query": "x " * 10}).status_code == 200


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("number", ["9" * 4301, "0" * 4301 + "1", "-1", "1e3", "١", "٣" * 5000])
def test_a_number_of_any_length_is_a_refusal_and_no_fault(creator: Client, name: str, number: str) -> None:
    assert creator.get(f"{PUBLISHER}/apis", {name: number}).status_code == 400


def test_strangers_find_no_list_and_no_api(alice: User, carol: User, signed_in: Callable[[User], Client]) -> None:
    api, stranger = make_api(alice), signed_in(carol)

    assert _get(stranger, "/apis").status_code == 403
    missing = _get(stranger, f"/apis/{api.pk}")
    assert (missing.status_code, missing.json()["code"]) == (404, 900308)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("name:EchoWebSocket", 200),
        ("EchoWebSocket", 200),
        ("name:echowebsocket", 200),
        ("name:Chat", 404),
        ("context:/echowebsocket", 200),
        ("context:/chat", 404),
        ("colour:red", 400),
        ("", 400),
    ],
)
def test_whether_a_name_or_context_is_taken_can_be_asked(creator: Client, alice: User, query: str, status: int) -> None:
    make_api(alice)

    answer = creator.post(f"{PUBLISHER}/apis/validate?query={query}")
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == 900000 + status


# --- change --------------------------------------------------------------------------------------------------


def test_what_was_read_can_be_sent_back_unchanged(creator: Client) -> None:
    made = _post(creator, "/apis", BODY).json()
    rows = AuditEntry.objects.count()
    response = _put(creator, f"/apis/{made['id']}", made)

    assert response.status_code == 200, response.json()
    assert response.json() == made
    assert AuditEntry.objects.count() == rows, "nothing was changed, so nothing is recorded"


def test_an_api_is_changed_in_all_its_parts_at_once(both: Client) -> None:
    made = _post(both, "/apis", BODY).json()
    config = {**made["endpointConfig"], "sandbox_endpoints": {"url": "ws://localhost:9900/sandbox"}}
    change = {**made, "description": "New.", "tags": ["a", "b"], "policies": ["Bronze"], "endpointConfig": config}
    body = _put(both, f"/apis/{made['id']}", {**change, "isDefaultVersion": True}).json()

    assert (body["description"], body["tags"], body["policies"]) == ("New.", ["a", "b"], ["Bronze"])
    assert body["isDefaultVersion"] is True
    assert body["endpointConfig"]["sandbox_endpoints"]["url"] == "ws://localhost:9900/sandbox"


def test_what_is_left_out_stays(creator: Client) -> None:
    made = _post(creator, "/apis", BODY).json()
    names = ("name", "context", "version")
    body = _put(creator, f"/apis/{made['id']}", {name: made[name] for name in names}).json()

    assert {**body, "lastUpdatedTime": None} == {**made, "lastUpdatedTime": None}


def test_a_change_is_made_whole_or_not_at_all(both: Client) -> None:
    made = _post(both, "/apis", BODY).json()
    bad = {"endpoint_type": "ws", "production_endpoints": {"url": "http://nowhere"}}
    response = _put(both, f"/apis/{made['id']}", {**made, "policies": ["Bronze"], "endpointConfig": bad})

    assert response.status_code == 400
    assert _get(both, f"/apis/{made['id']}").json()["policies"] == ["Gold", "Silver"]


@pytest.mark.parametrize("field", ["name", "version", "lifeCycleStatus", "provider", "id", "createdTime"])
def test_what_is_fixed_is_refused_by_name(creator: Client, field: str) -> None:
    made = _post(creator, "/apis", BODY).json()
    response = _put(creator, f"/apis/{made['id']}", {**made, field: "Other"})

    assert (response.status_code, _fields(response)) == (400, {field})


def test_a_plain_publisher_chooses_plans_and_edits_nothing(publisher: Client, alice: User) -> None:
    api = make_api(alice)
    made = _get(publisher, f"/apis/{api.pk}").json()

    assert _put(publisher, f"/apis/{api.pk}", {**made, "description": "New."}).status_code == 403
    assert _put(publisher, f"/apis/{api.pk}", {**made, "endpointConfig": None}).status_code == 403
    assert _put(publisher, f"/apis/{api.pk}", {**made, "policies": ["Bronze"]}).status_code == 200


def test_an_observer_changes_nothing_not_even_to_what_it_is(
    observer: User, alice: User, signed_in: Callable[[User], Client]
) -> None:
    api, client = make_api(alice), signed_in(observer)

    assert _put(client, f"/apis/{api.pk}", _get(client, f"/apis/{api.pk}").json()).status_code == 403


def test_an_etag_guards_a_change_against_an_older_view(creator: Client) -> None:
    made = _post(creator, "/apis", BODY)
    path, seen = f"/apis/{made.json()['id']}", made["ETag"]
    changed = _put(creator, path, {**made.json(), "description": "First."}, **{"If-Match": seen})
    late = _put(creator, path, {**made.json(), "description": "Second."}, **{"If-Match": seen})

    assert (changed.status_code, late.status_code) == (200, 412)
    assert changed["ETag"] != seen
    assert _get(creator, path)["ETag"] == changed["ETag"]
    assert _put(creator, path, {**made.json(), "description": "Third."}, **{"If-Match": "*"}).status_code == 200


def test_an_api_is_deleted_by_its_creator(creator: Client, publisher: Client, alice: User) -> None:
    api = make_api(alice)

    assert publisher.delete(f"{PUBLISHER}/apis/{api.pk}").status_code == 403
    assert creator.delete(f"{PUBLISHER}/apis/{api.pk}").status_code == 200
    assert _get(creator, f"/apis/{api.pk}").status_code == 404


def test_a_copy_is_a_new_version(creator: Client, alice: User) -> None:
    api = make_api(alice)
    path = f"/apis/copy-api?apiId={api.pk}&newVersion=2.0.0&defaultVersion=true"
    body = _post(creator, path).json()

    assert (body["name"], body["version"], body["lifeCycleStatus"]) == ("EchoWebSocket", "2.0.0", "CREATED")
    assert body["isDefaultVersion"] is True
    again = _post(creator, path)
    assert (again.status_code, _fields(again)) == (409, {"newVersion"})


# --- life ----------------------------------------------------------------------------------------------------


def test_an_api_lives_its_life(publisher: Client, alice: User) -> None:
    api = make_api(alice)
    state = _get(publisher, f"/apis/{api.pk}/lifecycle-state").json()
    assert state["state"] == "Created"
    assert {"event": "Publish", "targetState": "Published"} in state["availableTransitions"]
    assert [item["name"] for item in state["checkItems"]] == [
        "Deprecate old versions after publishing the API",
        "Requires re-subscription when publishing the API",
    ]

    done = _post(publisher, f"/apis/change-lifecycle?apiId={api.pk}&action=Publish").json()
    assert (done["workflowStatus"], done["lifecycleState"]["state"]) == ("APPROVED", "Published")
    refused = _post(publisher, f"/apis/change-lifecycle?apiId={api.pk}&action=Retire")
    assert refused.status_code == 409
    assert "Possible now: Block" in refused.json()["description"]

    history = _get(publisher, f"/apis/{api.pk}/lifecycle-history").json()
    steps = [(step.get("previousState"), step["postState"], step["user"]) for step in history["list"]]
    assert steps == [("CREATED", "PUBLISHED", "bob"), (None, "CREATED", "alice")]
    assert history["count"] == 2


def test_publishing_what_is_published_changes_nothing(publisher: Client, creator: Client, alice: User) -> None:
    api = make_api(alice)
    path = f"/apis/change-lifecycle?apiId={api.pk}&action=Publish"
    first = _post(publisher, path)
    rows = AuditEntry.objects.count()
    again = _post(publisher, path)

    assert (again.status_code, again.json()) == (200, first.json())
    assert AuditEntry.objects.count() == rows
    assert _post(creator, path).status_code == 403
    check = "&lifecycleChecklist=Deprecate old versions after publishing the API:true"
    assert _post(publisher, f"{path}{check}").status_code == 409, "a wish that comes to nothing is not passed over"


def test_a_step_is_refused_if_the_state_that_was_seen_has_changed(publisher: Client, alice: User) -> None:
    api = in_state(make_api(alice), State.PUBLISHED)
    path = f"/apis/change-lifecycle?apiId={api.pk}&action="
    seen = _get(publisher, f"/apis/{api.pk}/lifecycle-state")["ETag"]
    assert _post(publisher, f"{path}Block&seenState=PUBLISHED").status_code == 200

    late = _post(publisher, f"{path}Deprecate&seenState=PUBLISHED")
    assert late.status_code == 409
    assert "is Blocked by now; you saw it Published" in late.json()["description"]
    guarded = publisher.post(f"{PUBLISHER}{path}Deprecate", headers={"If-Match": seen})
    assert guarded.status_code == 412
    assert Api.objects.get(pk=api.pk).stage is State.BLOCKED
    assert _post(publisher, f"{path}Deprecate&seenState=Somewhere").status_code == 400
    now = _get(publisher, f"/apis/{api.pk}/lifecycle-state")["ETag"]
    assert publisher.post(f"{PUBLISHER}{path}Deprecate", headers={"If-Match": now}).status_code == 200


def test_the_checklist_deprecates_older_versions(publisher: Client, alice: User) -> None:
    old = in_state(make_api(alice), State.PUBLISHED)
    new = make_api_version(alice, old)
    query = (
        "Deprecate old versions after publishing the API:true,Requires re-subscription when publishing the API:false"
    )
    response = publisher.post(
        f"{PUBLISHER}/apis/change-lifecycle?apiId={new.pk}&action=Publish&lifecycleChecklist={query}"
    )

    assert response.status_code == 200
    assert Api.objects.get(pk=old.pk).state == "DEPRECATED"


def make_api_version(alice: User, old: Api) -> Api:
    """Version 2.0.0 of an API."""
    from publisher import operations
    from tests.publisher.builders import NOW

    return operations.create_version(api=old, version="2.0.0", actor=alice, now=NOW)


@pytest.mark.parametrize(
    "query", ["action=Fly", "action=", "", "action=Publish&lifecycleChecklist=Sing:true", "action=Publish&apiId="]
)
def test_an_unknown_step_or_check_is_refused(publisher: Client, alice: User, query: str) -> None:
    api = make_api(alice)
    target = "" if "apiId" in query else f"&apiId={api.pk}"

    assert _post(publisher, f"/apis/change-lifecycle?{query}{target}").status_code == 400
    assert Api.objects.get(pk=api.pk).state == "CREATED"


def test_publishing_without_endpoint_says_what_is_missing(publisher: Client, alice: User) -> None:
    api = make_api(alice, endpoint="", plans=[])
    response = _post(publisher, f"/apis/change-lifecycle?apiId={api.pk}&action=Publish")

    assert (response.status_code, response.json()["code"]) == (400, 903224)
    assert _fields(response) == {"endpoint", "plans"}


def test_a_plain_creator_cannot_publish(creator: Client, alice: User) -> None:
    assert _post(creator, f"/apis/change-lifecycle?apiId={make_api(alice).pk}&action=Publish").status_code == 403


# --- revisions -----------------------------------------------------------------------------------------------


def test_a_revision_is_made_deployed_taken_off_and_gone_back_to(both: Client) -> None:
    made = _post(both, "/apis", BODY).json()
    path = f"/apis/{made['id']}"
    revision = _post(both, f"{path}/revisions", {"description": "First."}).json()
    assert (revision["displayName"], revision["description"]) == ("Revision 1", "First.")
    assert (revision["apiInfo"], revision["deploymentInfo"]) == ({"id": made["id"]}, [])

    query = f"revisionId={revision['id']}"
    environment = [{"name": "Default", "displayOnDevportal": True}]
    (deployed,) = _post(both, f"{path}/deploy-revision?{query}", environment).json()
    assert (deployed["revisionUuid"], deployed["name"], deployed["vhost"]) == (revision["id"], "Default", "localhost")
    assert _post(both, f"{path}/deploy-revision?{query}", environment).status_code == 409
    assert _get(both, f"{path}/revisions?query=deployed:true").json()["count"] == 1
    assert _get(both, f"{path}/revisions/{revision['id']}").json()["deploymentInfo"] == [deployed]

    _put(both, path, {**made, "endpointConfig": None})
    restored = _post(both, f"{path}/restore-revision?{query}")
    assert restored.status_code == 201
    assert restored.json()["endpointConfig"] == made["endpointConfig"]

    assert _post(both, f"{path}/undeploy-revision?{query}", environment).json() == []
    assert _get(both, f"{path}/revisions?query=deployed:false").json()["count"] == 1
    assert _post(both, f"{path}/undeploy-revision").status_code == 409


def test_a_revision_is_deleted_unless_it_is_deployed(both: Client) -> None:
    path = f"/apis/{_post(both, '/apis', BODY).json()['id']}"
    first, second = (_post(both, f"{path}/revisions", {}).json()["id"] for _ in range(2))
    _post(both, f"{path}/deploy-revision?revisionId={first}", [])
    refused = both.delete(f"{PUBLISHER}{path}/revisions/{first}")
    assert (refused.status_code, "on the gateway" in refused.json()["description"]) == (400, True)
    assert [each["revisionUuid"] for each in _get(both, f"{path}/deployments").json()] == [first]
    _post(both, f"{path}/undeploy-revision", [])
    assert _get(both, f"{path}/deployments").json() == []
    _post(both, f"{path}/deploy-revision?revisionId={first}", [])
    left = both.delete(f"{PUBLISHER}{path}/revisions/{second}")
    assert (left.status_code, [each["id"] for each in left.json()["list"]]) == (200, [first])
    assert both.delete(f"{PUBLISHER}{path}/revisions/{second}").status_code == 404


@pytest.mark.parametrize(
    "environment",
    [
        [{"name": "Mars"}],
        [{"name": "Default", "displayOnDevportal": "no"}],
        [{"name": "Default", "displayOnDevportal": False}],
        [{"name": "Default", "vhost": "elsewhere.example"}],
        [{"name": "Default", "status": "REJECTED"}],
        [{"name": "Default", "revisionUuid": "c26b2b9b-4632-4ca4-b6f3-521c8863990c"}],
        [{"name": "Default"}, {"name": "default"}],
        {"a": 1},
    ],
)
def test_there_is_one_environment(both: Client, environment: Any) -> None:
    made = _post(both, "/apis", BODY).json()
    revision = _post(both, f"/apis/{made['id']}/revisions", {}).json()
    path = f"/apis/{made['id']}/deploy-revision?revisionId={revision['id']}"

    refused = _post(both, path, environment)
    assert refused.status_code == 400
    assert not _get(both, f"/apis/{made['id']}/revisions").json()["list"][0]["deploymentInfo"]


def test_a_revision_of_another_api_is_not_found(both: Client) -> None:
    one, two = (
        _post(both, "/apis", {**BODY, "name": name, "context": f"/{name}"}).json()["id"] for name in ("one", "two")
    )
    revision = _post(both, f"/apis/{one}/revisions", {}).json()["id"]

    assert _get(both, f"/apis/{two}/revisions/{revision}").status_code == 404
    assert _post(both, f"/apis/{two}/deploy-revision?revisionId={revision}").status_code == 404
    assert _post(both, f"/apis/{two}/deploy-revision").status_code == 400


# --- plans ---------------------------------------------------------------------------------------------------


def test_the_plans_are_listed_in_both_forms(creator: Client) -> None:
    streaming = {
        plan["policyName"]: plan for plan in _get(creator, "/throttling-policies/streaming/subscription").json()["list"]
    }
    brief = {plan["name"]: plan for plan in _get(creator, "/throttling-policies/subscription").json()["list"]}

    assert set(streaming) == set(brief) == {"Unlimited", "Gold", "Silver", "Bronze"}
    assert streaming["Gold"]["defaultLimit"] == {
        "type": "EVENTCOUNTLIMIT",
        "eventCount": {"timeUnit": "days", "unitTime": 1, "eventCount": 50_000},
    }
    assert (streaming["Gold"]["rateLimitCount"], streaming["Gold"]["rateLimitTimeUnit"]) == (100, "sec")
    assert (brief["Gold"]["requestCount"], brief["Gold"]["unitTime"]) == (50_000, 86_400_000)
    assert brief["Unlimited"]["requestCount"] == 2_147_483_647
    assert _get(creator, "/throttling-policies/subscription/Gold").json() == brief["Gold"]
    assert _get(creator, "/throttling-policies/subscription/Lead").status_code == 404


# --- subscribers ---------------------------------------------------------------------------------------------


@pytest.fixture
def subscription(alice: User, carol: User) -> Subscription:
    """Carol's application on Alice's API."""
    return subscribers.subscription(subscribers.application(carol), subscribers.api(alice, plans=("Gold", "Silver")))


def test_subscribers_are_listed_for_one_api_and_for_all(publisher: Client, subscription: Subscription) -> None:
    (row,) = _get(publisher, f"/subscriptions?apiId={subscription.api_id}").json()["list"]

    assert (row["subscriptionId"], row["subscriptionStatus"]) == (str(subscription.pk), "UNBLOCKED")
    assert (row["throttlingPolicy"], row["applicationInfo"]["subscriber"]) == ("Gold", "carol")
    assert _get(publisher, "/subscriptions").json()["list"] == [row]
    assert _get(publisher, "/subscriptions?query=nobody").json()["list"] == []


def test_a_subscriber_is_blocked_and_unblocked_and_given_another_plan(
    publisher: Client, subscription: Subscription
) -> None:
    one = f"subscriptionId={subscription.pk}"
    blocked = _post(publisher, f"/subscriptions/block-subscription?{one}&blockState=PROD_ONLY_BLOCKED")
    assert blocked.json()["subscriptionStatus"] == "PROD_ONLY_BLOCKED"
    assert _post(publisher, f"/subscriptions/block-subscription?{one}&blockState=HARD").status_code == 400
    unblocked = _post(publisher, f"/subscriptions/unblock-subscription?{one}")
    assert unblocked.json()["subscriptionStatus"] == "UNBLOCKED"
    assert _post(publisher, f"/subscriptions/unblock-subscription?{one}").status_code == 409
    moved = _post(publisher, f"/subscriptions/change-business-plan?{one}&businessPlan=Silver")
    assert moved.json()["throttlingPolicy"] == "Silver"
    assert _post(publisher, f"/subscriptions/change-business-plan?{one}&businessPlan=Bronze").status_code == 400


def test_a_block_outlives_its_subscription_and_is_read_and_lifted(
    publisher: Client, subscription: Subscription, carol: User, signed_in: Callable[[User], Client]
) -> None:
    owner, base = signed_in(carol), "/api/am/devportal/v3/subscriptions"
    wanted = {
        "applicationId": str(subscription.application_id),
        "apiId": str(subscription.api_id),
        "throttlingPolicy": "Gold",
    }
    _post(publisher, f"/subscriptions/block-subscription?subscriptionId={subscription.pk}&blockState=BLOCKED")
    shown = owner.get(f"{base}/{subscription.pk}").json()
    assert shown["statusReason"].startswith("The publisher has blocked you from this API.")
    assert owner.delete(f"{base}/{subscription.pk}").status_code == 200
    refused = owner.post(base, wanted, content_type="application/json")
    assert (refused.status_code, "has blocked carol" in refused.json()["description"]) == (409, True)

    (block,) = _get(publisher, f"/blocks?apiId={subscription.api_id}").json()["list"]
    assert (block["subscriber"], block["blockState"]) == ("carol", "BLOCKED")
    assert _get(publisher, "/blocks").json()["count"] == 1
    assert publisher.delete(f"{PUBLISHER}/blocks/{block['blockId']}").status_code == 200
    assert publisher.delete(f"{PUBLISHER}/blocks/{block['blockId']}").status_code == 404
    again = owner.post(base, wanted, content_type="application/json")
    assert (again.status_code, again.json()["status"], again.json()["statusReason"]) == (201, "UNBLOCKED", "")


def test_a_plain_creator_blocks_nobody_and_a_stranger_sees_nobody(
    creator: Client, mallory: User, subscription: Subscription, signed_in: Callable[[User], Client]
) -> None:
    path = f"/subscriptions/block-subscription?subscriptionId={subscription.pk}&blockState=BLOCKED"

    assert _post(creator, path).status_code == 403
    assert _post(signed_in(mallory), path).status_code == 404
    assert _get(signed_in(mallory), "/subscriptions").status_code == 403


# --- export and import ---------------------------------------------------------------------------------------


def _import(client: Client, content: bytes, query: str = "") -> Any:
    return client.post(f"{PUBLISHER}/apis/import{query}", {"file": SimpleUploadedFile("api.zip", content)})


@pytest.mark.parametrize("query", ["", "&singleFile=true"])
def test_an_api_is_exported_deleted_and_imported(both: Client, query: str) -> None:
    made = _post(both, "/apis", BODY).json()
    export = _get(both, f"/apis/export?name={BODY['name']}&version={BODY['version']}{query}")
    assert both.delete(f"{PUBLISHER}/apis/{made['id']}").status_code == 200
    again = _import(both, export.content)
    assert (again.status_code, again.json()["lifeCycleStatus"]) == (200, "CREATED")
    moving = {"id", "createdTime", "lastUpdatedTime"}
    assert {key: value for key, value in again.json().items() if key not in moving} == {
        key: value for key, value in made.items() if key not in moving
    }
    assert _get(both, f"/apis/export?apiId={again.json()['id']}{query}").content == export.content


def test_an_import_over_an_api_is_asked_for_and_a_new_version_is_one(both: Client) -> None:
    made = _post(both, "/apis", BODY).json()
    export = _get(both, f"/apis/export?apiId={made['id']}&singleFile=true").content
    assert _import(both, export).status_code == 409
    assert _import(both, export.replace(b"description: ''", b"description: Neu"), "?overwrite=true").status_code == 200
    newer = _import(both, export.replace(b"version: " + BODY["version"].encode(), b"version: 9.9.9"))
    assert (newer.status_code, newer.json()["version"]) == (200, "9.9.9")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"format: apim-api"])
def test_a_file_that_is_no_export_is_refused_by_name(both: Client, content: bytes) -> None:
    refused = _import(both, content)
    assert (refused.status_code, "file" in str(refused.json()["error"])) == (400, True)
    assert _get(both, "/apis/export").status_code == 400


def test_who_may_read_exports_and_imports_nothing(
    both: Client, observer: User, signed_in: Callable[[User], Client]
) -> None:
    made, reader = _post(both, "/apis", BODY).json(), signed_in(observer)
    export = _get(reader, f"/apis/export?apiId={made['id']}").content
    for query in ("", "?overwrite=true"):
        assert _import(reader, export, query).status_code == 403
