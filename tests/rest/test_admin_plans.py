"""Plans by REST: made, read, changed and deleted by administrators, in WSO2's words and further ones beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from core.models import AuditEntry
from devportal.models import ApplicationPlan
from publisher.models import Plan
from tests.devportal import builders
from tests.publisher.builders import make_api
from tests.rest.conftest import DEVPORTAL, PUBLISHER

ADMIN = "/api/am/admin/v4"
PLANS, APPLICATION_PLANS = "/throttling/policies/subscription", "/throttling/policies/application"

pytestmark = pytest.mark.usefixtures("default_plans")

A_DAY = {"timeUnit": "days", "unitTime": 1}
NO_LIMIT = {"type": "EVENTCOUNTLIMIT", "eventCount": {**A_DAY, "eventCount": 2_147_483_647}}
COPPER: dict[str, Any] = {
    "policyName": "Copper",
    "displayName": "Copper plan",
    "description": "For a start.",
    "defaultLimit": {"type": "EVENTCOUNTLIMIT", "eventCount": {**A_DAY, "eventCount": 1000}},
    "rateLimitCount": 5,
    "rateLimitTimeUnit": "sec",
    "stopOnQuotaReach": True,
    "billingPlan": "COMMERCIAL",
    "permissions": {"permissionType": "ALLOW", "roles": ["subscriber"]},
    "burst": 10,
    "connections": 3,
    "connectsPerMinute": 6,
    "messageBytes": 65_536,
    "applicationsPerOwner": 2,
    "counted": "client",
    "overRate": "close",
    "overQuota": "drop",
    "requiresApproval": True,
    "uncompressed": True,
}


@pytest.fixture
def boss(admin: User, signed_in: Callable[[User], Client]) -> Client:
    """An administrator's session."""
    return signed_in(admin)


def _get(client: Client, path: str) -> Any:
    return client.get(f"{ADMIN}{path}")


def _post(client: Client, path: str, body: Any) -> Any:
    return client.post(f"{ADMIN}{path}", body, content_type="application/json")


def _put(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.put(f"{ADMIN}{path}", body, content_type="application/json", headers=headers)


def _delete(client: Client, path: str, **headers: str) -> Any:
    return client.delete(f"{ADMIN}{path}", headers=headers)


def _said(response: Any) -> dict[str, str]:
    return {each["field"]: each["message"] for each in response.json()["error"]}


# --- business plans ------------------------------------------------------------------------------------------


def test_a_plan_is_made_with_every_field_and_read_again(boss: Client) -> None:
    made = _post(boss, PLANS, COPPER)
    body = made.json()

    assert made.status_code == 201, body
    assert {key: body[key] for key in COPPER if key != "defaultLimit"} == {
        key: value for key, value in COPPER.items() if key != "defaultLimit"
    }
    assert body["defaultLimit"] == COPPER["defaultLimit"]
    assert (body["policyId"], body["isDeployed"], body["subscriberCount"]) == ("Copper", True, 0)
    assert made["Location"] == f"{ADMIN}{PLANS}/Copper"
    assert boss.get(made["Location"]).json() == body
    row = Plan.objects.get(name="Copper")
    assert (row.quota, row.quota_unit, row.quota_period, row.rate, row.burst) == (1000, "messages", "day", 5, 10)
    assert (row.connections, row.connects, row.message_bytes, row.roles) == (3, 6, 65_536, ["subscriber"])
    assert row.applications == 2
    assert (row.counted, row.over_rate, row.over_quota, row.requires_approval) == ("client", "close", "drop", True)
    assert row.uncompressed


def test_a_plan_of_which_only_the_name_is_sent_is_unlimited(boss: Client) -> None:
    body = _post(boss, PLANS, {"policyName": "Free"}).json()

    assert (body["displayName"], body["defaultLimit"], body["rateLimitCount"]) == ("Free", NO_LIMIT, 0)
    assert (body["rateLimitTimeUnit"], body["billingPlan"], "permissions" in body) == ("", "FREE", False)
    assert [body[limit] for limit in ("burst", "connections", "connectsPerMinute", "messageBytes")] == [None] * 4
    assert body["applicationsPerOwner"] == 10, "but of applications"


def test_a_rate_of_zero_is_wso2s_word_for_none(boss: Client) -> None:
    none = {"rateLimitCount": 0, "rateLimitTimeUnit": ""}
    body = _post(boss, PLANS, {"policyName": "Free", **none}).json()
    assert {key: body[key] for key in none} == none

    body = _put(boss, f"{PLANS}/Gold", {"policyName": "Gold", "burst": None, **none}).json()
    assert {key: body[key] for key in none} == none
    assert Plan.objects.get(name="Gold").rate is None


def test_a_quota_that_does_not_stop_is_kept_as_one(boss: Client) -> None:
    open_ended = {**COPPER, "stopOnQuotaReach": False, "overQuota": "pass"}
    body = _post(boss, PLANS, open_ended).json()
    assert (body["stopOnQuotaReach"], body["overQuota"], body["defaultLimit"]) == (
        False,
        "pass",
        COPPER["defaultLimit"],
    )
    assert Plan.objects.get(name="Copper").summary.startswith("1\u202f000 messages a day, and more passes")
    assert boss.get(f"{DEVPORTAL}/throttling-policies/subscription/Copper").json()["stopOnQuotaReach"] is False
    assert _put(boss, f"{PLANS}/Copper", body).json() == body

    for stops, over in ((True, "close"), (False, "pass"), (False, "pass")):
        body = _put(boss, f"{PLANS}/Copper", {"policyName": "Copper", "stopOnQuotaReach": stops}).json()
        assert (body["stopOnQuotaReach"], body["overQuota"]) == (stops, over)
    kept = _put(boss, f"{PLANS}/Copper", {"policyName": "Copper", "overQuota": "drop"}).json()
    assert (kept["stopOnQuotaReach"], kept["overQuota"]) == (True, "drop")
    assert (
        _put(boss, f"{PLANS}/Copper", {"policyName": "Copper", "stopOnQuotaReach": True}).json()["overQuota"] == "drop"
    )


def test_a_count_of_requests_is_one_of_messages(boss: Client) -> None:
    limit = {"type": "REQUESTCOUNTLIMIT", "requestCount": {**A_DAY, "requestCount": 7}, "bandwidth": None}
    body = _post(boss, PLANS, {"policyName": "Lead", "defaultLimit": limit}).json()

    assert body["defaultLimit"] == {"type": "EVENTCOUNTLIMIT", "eventCount": {**A_DAY, "eventCount": 7}}
    free = _put(boss, f"{PLANS}/Lead", {"policyName": "Lead", "defaultLimit": NO_LIMIT}).json()
    assert (free["defaultLimit"], Plan.objects.get(name="Lead").quota) == (NO_LIMIT, None)


@pytest.mark.parametrize(
    ("amount", "unit", "octets", "shown"),
    [
        (10, "MB", 10 << 20, (10, "MB")),
        (2048, "KB", 2 << 20, (2, "MB")),
        (1, "GB", 1 << 30, (1, "GB")),
        (1500, "B", 1500, (1500, "B")),
        (1 << 23, "GB", 1 << 53, (1 << 23, "GB")),
    ],
)
def test_a_quota_of_data_is_counted_to_the_byte(
    boss: Client, amount: int, unit: str, octets: int, shown: tuple[int, str]
) -> None:
    limit = {"type": "BANDWIDTHLIMIT", "bandwidth": {"timeUnit": "hour", "dataAmount": amount, "dataUnit": unit}}
    body = _post(boss, PLANS, {"policyName": "Data", "defaultLimit": limit}).json()

    row = Plan.objects.get(name="Data")
    assert (row.quota, row.quota_unit, row.quota_period) == (octets, "bytes", "hour")
    part = body["defaultLimit"]["bandwidth"]
    assert (part["dataAmount"], part["dataUnit"], part["unitTime"]) == (*shown, 1)
    lists = boss.get(f"{PUBLISHER}/throttling-policies/streaming/subscription").json()["list"]
    assert next(each for each in lists if each["policyName"] == "Data")["defaultLimit"] == body["defaultLimit"]
    brief = boss.get(f"{DEVPORTAL}/throttling-policies/subscription/Data").json()
    assert (brief["requestCount"], brief["dataUnit"]) == shown


@pytest.mark.parametrize(
    ("unit", "period", "shown"),
    [
        ("min", "minute", "min"),
        ("hour", "hour", "hour"),
        ("day", "day", "days"),
        ("days", "day", "days"),
        ("month", "month", "months"),
        ("months", "month", "months"),
    ],
)
def test_a_quota_has_one_of_four_periods(boss: Client, unit: str, period: str, shown: str) -> None:
    limit = {"type": "EVENTCOUNTLIMIT", "eventCount": {"timeUnit": unit, "unitTime": 1, "eventCount": 7}}
    body = _post(boss, PLANS, {"policyName": "Lead", "defaultLimit": limit}).json()

    assert Plan.objects.get(name="Lead").quota_period == period
    assert body["defaultLimit"]["eventCount"]["timeUnit"] == shown


def test_what_a_program_for_wso2_sends_besides_is_no_hindrance(boss: Client) -> None:
    extras = {
        "isDeployed": False,
        "graphQLMaxComplexity": 0,
        "graphQLMaxDepth": 0,
        "customAttributes": [],
        "monetization": {"monetizationPlan": "FIXEDRATE", "properties": {}},
        "subscriberCount": 12,
        "type": "SubscriptionThrottlePolicy",
        "permissions": None,
    }
    response = _post(boss, PLANS, {**COPPER, **extras})

    assert (response.status_code, response.json()["subscriberCount"]) == (201, 0)


def _events(**part: Any) -> dict[str, Any]:
    return {"defaultLimit": {"type": "EVENTCOUNTLIMIT", "eventCount": {**A_DAY, "eventCount": 10, **part}}}


def _data(**part: Any) -> dict[str, Any]:
    return {
        "defaultLimit": {"type": "BANDWIDTHLIMIT", "bandwidth": {**A_DAY, "dataAmount": 1, "dataUnit": "MB", **part}}
    }


def _without(limit: dict[str, Any], part: str, field: str) -> dict[str, Any]:
    kept = {key: value for key, value in limit["defaultLimit"][part].items() if key != field}
    return {"defaultLimit": {**limit["defaultLimit"], part: kept}}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"policyName": ""}, "policyName", "Gold, 10PerMin"),
        ({"policyName": None}, "policyName", "Gold, 10PerMin"),
        ({"policyName": "Gold plan"}, "policyName", "without spaces"),
        ({"policyName": "x" * 61}, "policyName", "1 to 60"),
        ({"displayName": "x" * 513}, "displayName", "at most 512"),
        ({"description": "x" * 1025}, "description", "at most 1024"),
        ({"defaultLimit": 50}, "defaultLimit", "for messages"),
        ({"permissions": ["subscriber"]}, "permissions", "name the roles"),
        ({"defaultLimit": {}}, "defaultLimit.type", "for messages"),
        ({"defaultLimit": {"type": "AIAPIQUOTALIMIT"}}, "defaultLimit.type", "for messages"),
        ({"defaultLimit": {"type": "REQUESTCOUNTLIMIT"}}, "defaultLimit.requestCount", "unitTime and requestCount"),
        ({"defaultLimit": {"type": "EVENTCOUNTLIMIT"}}, "defaultLimit.eventCount", "timeUnit, unitTime and eventCount"),
        ({"defaultLimit": {"type": "BANDWIDTHLIMIT"}}, "defaultLimit.bandwidth", "dataAmount and dataUnit"),
        (
            {"defaultLimit": {**_events()["defaultLimit"], **{"bandwidth": _data()["defaultLimit"]["bandwidth"]}}},
            "defaultLimit.bandwidth",
            "left out",
        ),
        ({"defaultLimit": {"type": "EVENTCOUNTLIMIT", "aiApiQuota": {"x": 1}}}, "defaultLimit.aiApiQuota", "Leave"),
        (_without(_events(), "eventCount", "timeUnit"), "defaultLimit.eventCount.timeUnit", "min, hour, days, months"),
        (_events(timeUnit="week"), "defaultLimit.eventCount.timeUnit", "min, hour, days, months"),
        (_events(timeUnit="sec"), "defaultLimit.eventCount.timeUnit", "min, hour, days, months"),
        (_events(unitTime=5), "defaultLimit.eventCount.unitTime", "send 1"),
        (_events(unitTime=0), "defaultLimit.eventCount.unitTime", "send 1"),
        (_without(_events(), "eventCount", "eventCount"), "defaultLimit.eventCount.eventCount", "from 1 to"),
        (_events(eventCount=0), "defaultLimit.eventCount.eventCount", "from 1 to"),
        (_events(eventCount=-1), "defaultLimit.eventCount.eventCount", "from 1 to"),
        (_events(eventCount=1.5), "defaultLimit.eventCount.eventCount", "from 1 to"),
        (_events(eventCount="many"), "defaultLimit.eventCount.eventCount", "from 1 to"),
        (_events(eventCount=(1 << 53) + 1), "defaultLimit.eventCount.eventCount", "from 1 to"),
        (_data(dataUnit="TB"), "defaultLimit.bandwidth.dataUnit", "B, KB, MB, GB"),
        (_data(dataAmount=0), "defaultLimit.bandwidth.dataAmount", "from 1 to"),
        (_data(dataAmount=(1 << 23) + 1, dataUnit="GB"), "defaultLimit.bandwidth.dataAmount", "at most 8388608 GB"),
        ({"rateLimitCount": -1}, "rateLimitCount", "messages a second"),
        ({"rateLimitCount": 1 << 31}, "rateLimitCount", "messages a second"),
        ({"rateLimitCount": "fast"}, "rateLimitCount", "messages a second"),
        ({"rateLimitCount": 600, "rateLimitTimeUnit": "min"}, "rateLimitTimeUnit", "send sec"),
        ({"burst": 10}, "burst", "belongs to a rate"),
        ({"rateLimitCount": 100, "burst": 99}, "burst", "100 messages or more"),
        ({"burst": 0, "rateLimitCount": 1}, "burst", "messages at once"),
        ({"connections": 0}, "connections", "open at the same time"),
        ({"connections": "1e3"}, "connections", "open at the same time"),
        ({"connectsPerMinute": -5}, "connectsPerMinute", "new connections a minute"),
        ({"messageBytes": 0}, "messageBytes", "largest message"),
        ({"applicationsPerOwner": 0}, "applicationsPerOwner", "that one person may subscribe"),
        ({"counted": "backend"}, "counted", "both"),
        ({"counted": None}, "counted", "both"),
        ({"overRate": "wait"}, "overRate", "delay"),
        ({"overQuota": "delay"}, "overQuota", "close"),
        ({"stopOnQuotaReach": False, "overQuota": "drop"}, "overQuota", "it is pass"),
        ({"stopOnQuotaReach": True, "overQuota": "pass"}, "overQuota", "close or drop"),
        ({"rateLimitCount": 5, "rateLimitTimeUnit": ""}, "rateLimitTimeUnit", "send sec"),
        ({"monetization": {"monetizationPlan": "FIXEDRATE", "properties": {"price": "1"}}}, "monetization", "billed"),
        ({"stopOnQuotaReach": "perhaps"}, "stopOnQuotaReach", "true or false"),
        ({"billingPlan": "BARTER"}, "billingPlan", "FREE or COMMERCIAL"),
        ({"requiresApproval": "perhaps"}, "requiresApproval", "true or false"),
        ({"uncompressed": "perhaps"}, "uncompressed", "true or false"),
        ({"permissions": {"permissionType": "DENY", "roles": ["creator"]}}, "permissions.permissionType", "ALLOW"),
        ({"permissions": {"permissionType": "ALLOW"}}, "permissions.roles", "name the roles"),
        (
            {"permissions": {"permissionType": "ALLOW", "roles": ["Internal/everyone"]}},
            "permissions.roles",
            "no role called Internal/everyone. The roles are creator, publisher",
        ),
        ({"customAttributes": [{"name": "colour"}]}, "customAttributes", "not supported"),
        ({"color": "red"}, "color", "not supported"),
    ],
)
def test_nonsense_is_refused_by_field_and_the_sentence_says_what_is_right(
    boss: Client, fields: dict[str, Any], field: str, words: str
) -> None:
    response = _post(boss, PLANS, {"policyName": "Copper", **fields})

    assert response.status_code == 400, response.json()
    assert set(_said(response)) == {field}
    assert words in _said(response)[field]
    assert not Plan.objects.filter(name__iexact="copper").exists()


@pytest.mark.parametrize("body", [[], '"Gold"', None, 7])
def test_a_body_that_is_no_plan_is_refused(boss: Client, body: Any) -> None:
    response = _post(boss, PLANS, body)

    assert (response.status_code, set(_said(response))) == (400, {"body"} if body is not None else {"policyName"})


@pytest.mark.parametrize("name", ["Gold", "GOLD"])
def test_a_name_that_is_taken_is_a_conflict(boss: Client, name: str) -> None:
    response = _post(boss, PLANS, {"policyName": name})

    assert response.status_code == 409
    assert "Choose another name" in _said(response)["policyName"]


def test_the_plans_are_listed_with_how_many_subscriptions_each_has(boss: Client, alice: User, carol: User) -> None:
    builders.subscription(builders.application(carol), builders.api(alice))
    listed = _get(boss, PLANS).json()

    counts = {plan["policyName"]: plan["subscriberCount"] for plan in listed["list"]}
    assert counts == {"Gold": 1, "Silver": 0, "Bronze": 0, "Unlimited": 0}
    assert _get(boss, f"{PLANS}/Gold").json()["subscriberCount"] == 1
    assert _get(boss, f"{PLANS}?limit=1&offset=3").json()["list"][0]["policyName"] == "Unlimited"


def test_what_was_read_can_be_sent_back_and_changes_nothing(boss: Client) -> None:
    body = _post(boss, PLANS, COPPER).json()
    rows = AuditEntry.objects.count()

    assert _put(boss, f"{PLANS}/Copper", body).json() == body
    assert AuditEntry.objects.count() == rows


def test_what_is_left_out_stays_and_null_takes_a_limit_away(boss: Client) -> None:
    _post(boss, PLANS, COPPER)
    body = _put(boss, f"{PLANS}/Copper", {"policyName": "Copper", "connections": 9}).json()
    assert (body["connections"], body["burst"], body["rateLimitCount"], body["billingPlan"]) == (9, 10, 5, "COMMERCIAL")

    limits = ("defaultLimit", "rateLimitCount", "burst", "connections", "connectsPerMinute", "messageBytes")
    limits += ("applicationsPerOwner",)
    nothing: dict[str, Any] = {**dict.fromkeys(limits), "permissions": None, "displayName": None}
    free = _put(boss, f"{PLANS}/Copper", {"policyName": "Copper", **nothing}).json()
    assert [free[limit] for limit in limits] == [NO_LIMIT, 0, None, None, None, None, None]
    assert ("permissions" in free, free["displayName"]) == (False, "Copper")
    assert Plan.objects.get(name="Copper").summary == "no limits"


def test_a_change_says_in_the_audit_log_what_it_changed(boss: Client) -> None:
    _put(boss, f"{PLANS}/Bronze", {"policyName": "Bronze", **_events(eventCount=6000)})

    row = AuditEntry.objects.get(verb="plan.updated")
    assert (row.kind, row.detail["plan"]) == ("plan", "Bronze")
    assert row.detail["changes"] == {"quota": [5000, 6000]}


def test_a_plan_is_not_renamed(boss: Client) -> None:
    response = _put(boss, f"{PLANS}/Gold", {"policyName": "Platinum"})

    assert response.status_code == 400
    assert "keeps its name, Gold" in _said(response)["policyName"]


def test_a_change_that_contradicts_what_stays_is_refused(boss: Client) -> None:
    response = _put(boss, f"{PLANS}/Gold", {"policyName": "Gold", "rateLimitCount": 200})

    assert (response.status_code, set(_said(response))) == (400, {"burst"})
    assert Plan.objects.get(name="Gold").rate == 100


def test_an_outdated_etag_changes_and_deletes_nothing(boss: Client) -> None:
    read = _get(boss, f"{PLANS}/Bronze")["ETag"]
    same = _put(boss, f"{PLANS}/Bronze", {"policyName": "Bronze", "connections": 11}, **{"If-Match": read})

    assert (same.status_code, same["ETag"] == read) == (200, False)
    late = _put(boss, f"{PLANS}/Bronze", {"policyName": "Bronze", "connections": 12}, **{"If-Match": read})
    assert late.status_code == _delete(boss, f"{PLANS}/Bronze", **{"If-Match": read}).status_code == 412
    assert Plan.objects.get(name="Bronze").connections == 11
    assert _delete(boss, f"{PLANS}/Bronze", **{"If-Match": f'"x", {same["ETag"]}'}).status_code == 200


def test_a_subscription_does_not_change_the_etag(boss: Client, alice: User, carol: User) -> None:
    before = _get(boss, f"{PLANS}/Gold")["ETag"]
    builders.subscription(builders.application(carol), builders.api(alice))

    assert _get(boss, f"{PLANS}/Gold")["ETag"] == before


def test_a_plan_in_use_is_not_deleted_and_the_answer_says_by_whom(boss: Client, alice: User, carol: User) -> None:
    builders.subscription(builders.application(carol), builders.api(alice))
    make_api(alice, name="Draft", context="/draft")
    response = _delete(boss, f"{PLANS}/Gold")

    assert response.status_code == 409
    assert response.json()["description"] == (
        "Gold is in use: Draft 1.0.0 and EchoWebSocket 1.0.0 are offered under it and 1 subscription has it. Take it "
        "from the APIs and give the subscriptions another plan first."
    )


def test_a_plan_that_nobody_uses_is_deleted(boss: Client) -> None:
    assert _delete(boss, f"{PLANS}/Bronze").status_code == 200
    assert _get(boss, f"{PLANS}/Bronze").status_code == 404
    assert _delete(boss, f"{PLANS}/Bronze").status_code == _put(boss, f"{PLANS}/Bronze", COPPER).status_code == 404


def test_apis_are_offered_under_a_new_plan_and_developers_subscribe_under_it(
    boss: Client, alice: User, carol: User
) -> None:
    _post(boss, PLANS, {**COPPER, "permissions": None})
    api = builders.api(alice, plans=("Copper",))

    assert builders.subscription(builders.application(carol), api, "Copper").state == "ON_HOLD"


# --- application plans ---------------------------------------------------------------------------------------


def _per_minute(count: Any, **part: Any) -> dict[str, Any]:
    event = {"timeUnit": "min", "unitTime": 1, "eventCount": count, **part}
    return {"defaultLimit": {"type": "EVENTCOUNTLIMIT", "eventCount": event}}


@pytest.fixture
def _application_plans(db: None) -> None:
    builders.ensure_application_plans()


@pytest.mark.usefixtures("_application_plans")
def test_an_application_plan_is_made_read_changed_and_deleted(boss: Client) -> None:
    made = _post(boss, APPLICATION_PLANS, {"policyName": "5PerMin", "description": "Few.", **_per_minute(5)})
    body = made.json()

    assert made.status_code == 201, body
    assert body == {
        "policyId": "5PerMin",
        "policyName": "5PerMin",
        "displayName": "5PerMin",
        "description": "Few.",
        "isDeployed": True,
        "type": "ApplicationThrottlePolicy",
        **_per_minute(5),
    }
    assert boss.get(made["Location"]).json() == body
    assert _put(boss, f"{APPLICATION_PLANS}/5PerMin", body).json() == body
    changed = _put(boss, f"{APPLICATION_PLANS}/5PerMin", {"policyName": "5PerMin", **_per_minute(6)}).json()
    assert (changed["defaultLimit"]["eventCount"]["eventCount"], changed["description"]) == (6, "Few.")
    free = _put(boss, f"{APPLICATION_PLANS}/5PerMin", {"policyName": "5PerMin", "defaultLimit": None}).json()
    assert free["defaultLimit"] == _per_minute(2_147_483_647)["defaultLimit"]
    assert _put(boss, f"{APPLICATION_PLANS}/5PerMin", free).json() == free
    assert [plan["policyName"] for plan in _get(boss, APPLICATION_PLANS).json()["list"]][2:] == [
        "10PerMin",
        "20PerMin",
        "50PerMin",
    ]
    assert _delete(boss, f"{APPLICATION_PLANS}/5PerMin").status_code == 200
    assert _get(boss, f"{APPLICATION_PLANS}/5PerMin").status_code == 404
    rows = AuditEntry.objects.filter(kind="applicationplan").order_by("id")
    assert [row.verb for row in rows] == [
        f"applicationplan.{deed}" for deed in ("created", "updated", "updated", "deleted")
    ]
    assert {row.detail["plan"] for row in rows} == {"5PerMin"}
    assert rows[1].detail["changes"] == {"per_minute": [5, 6]}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"policyName": "5 a minute"}, "policyName", "without spaces"),
        ({"displayName": "x" * 513}, "displayName", "at most 512"),
        (_per_minute(0), "defaultLimit.eventCount.eventCount", "from 1 to"),
        (_per_minute(5, timeUnit="days"), "defaultLimit.eventCount.timeUnit", "send min"),
        (_per_minute(5, unitTime=2), "defaultLimit.eventCount.unitTime", "send 1"),
        ({"defaultLimit": {"type": "EVENTCOUNTLIMIT"}}, "defaultLimit.eventCount", "Say how many messages"),
        (
            {"defaultLimit": {**_per_minute(5)["defaultLimit"], "type": "BANDWIDTHLIMIT"}},
            "defaultLimit.type",
            "count messages",
        ),
        ({"burstLimit": {"rateLimitCount": 5}}, "burstLimit", "not supported"),
        ({"connections": 5}, "connections", "not supported"),
    ],
)
def test_an_application_plan_that_makes_no_sense_is_refused_by_field(
    boss: Client, fields: dict[str, Any], field: str, words: str
) -> None:
    response = _post(boss, APPLICATION_PLANS, {"policyName": "5PerMin", **fields})

    assert response.status_code == 400, response.json()
    assert set(_said(response)) == {field}
    assert words in _said(response)[field]
    assert not ApplicationPlan.objects.filter(name="5PerMin").exists()


@pytest.mark.usefixtures("_application_plans")
def test_an_application_plan_keeps_its_name_and_its_name_is_its_own(boss: Client) -> None:
    assert _post(boss, APPLICATION_PLANS, {"policyName": "10PERMIN"}).status_code == 409
    response = _put(boss, f"{APPLICATION_PLANS}/10PerMin", {"policyName": "11PerMin"})
    assert (response.status_code, set(_said(response))) == (400, {"policyName"})


@pytest.mark.usefixtures("_application_plans")
def test_an_application_plan_in_use_and_the_default_stay(boss: Client, carol: User) -> None:
    small = ApplicationPlan.objects.get(name="10PerMin")
    for _ in range(2):
        builders.application(carol, plan=small)
    used = _delete(boss, f"{APPLICATION_PLANS}/10PerMin")
    default = _delete(boss, f"{APPLICATION_PLANS}/Unlimited")

    assert (used.status_code, default.status_code) == (409, 409)
    assert "10PerMin is in use: 2 applications have it." in used.json()["description"]
    assert "for which none was chosen" in default.json()["description"]
    assert ApplicationPlan.objects.count() == 4


# --- who -----------------------------------------------------------------------------------------------------


def test_a_service_account_with_the_admin_role_manages_plans(client: Client, account: Callable[..., Any]) -> None:
    headers = account(Role.ADMIN)
    made = client.post(f"{ADMIN}{PLANS}", COPPER, content_type="application/json", headers=headers)

    assert made.status_code == 201
    assert AuditEntry.objects.get(verb="plan.created").actor_name == "robot"


@pytest.mark.parametrize("path", [PLANS, f"{PLANS}/Gold", APPLICATION_PLANS, f"{APPLICATION_PLANS}/Unlimited"])
def test_others_are_told_which_role_it_takes(bob: User, signed_in: Callable[[User], Client], path: str) -> None:
    response = _get(signed_in(bob), path)

    assert (response.status_code, response.json()["description"]) == (
        403,
        "Managing plans needs the admin role. Ask an administrator.",
    )
