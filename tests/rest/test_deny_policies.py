"""Deny policies over HTTP, with WSO2's paths and names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.operations import sign_up
from devportal.models import DenyPolicy
from tests.devportal import builders
from tests.publisher.builders import NOW

POLICIES, POLICY = "/api/am/admin/v4/throttling/deny-policies", "/api/am/admin/v4/throttling/deny-policy"


@pytest.fixture
def administrator(admin: User, signed_in: Callable[[User], Client]) -> Client:
    """The administrator's session."""
    return signed_in(admin)


def _post(client: Client, body: Any) -> Any:
    return client.post(POLICIES, body, content_type="application/json")


def _patch(client: Client, policy: str, body: Any) -> Any:
    return client.patch(f"{POLICY}/{policy}", body, content_type="application/json")


def test_a_policy_lives_its_life(administrator: Client, carol: User) -> None:
    made = _post(administrator, {"conditionType": "USER", "conditionValue": "carol"})
    body = made.json()
    assert made.status_code == 201
    assert body == {
        "conditionId": body["conditionId"],
        "conditionType": "USER",
        "conditionValue": "carol",
        "conditionStatus": True,
    }
    assert made["Location"] == f"{POLICY}/{body['conditionId']}"
    assert administrator.get(made["Location"]).json() == body
    off = _patch(administrator, body["conditionId"], {"conditionStatus": False})
    assert (off.status_code, off.json()["conditionStatus"]) == (200, False)
    assert _patch(administrator, body["conditionId"], {"conditionStatus": False}).status_code == 200
    assert administrator.get(POLICIES).json()["count"] == 1
    assert administrator.delete(made["Location"]).status_code == 200
    assert administrator.delete(made["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("IP", {"fixedIp": "192.0.2.7", "invert": False}, None),
        ("IP", "192.0.2.7", {"fixedIp": "192.0.2.7", "invert": False}),
        ("IP", {"fixedIp": "2001:DB8::7", "invert": True}, {"fixedIp": "2001:db8::7", "invert": True}),
        ("IPRANGE", {"startingIp": "192.0.2.1", "endingIp": "192.0.2.9", "invert": False}, None),
        (
            "IPRANGE",
            {"startingIp": "::1", "endingIp": "::9"},
            {"startingIp": "::1", "endingIp": "::9", "invert": False},
        ),
        ("IPRANGE", "192.0.2.0/24", {"startingIp": "192.0.2.0", "endingIp": "192.0.2.255", "invert": False}),
    ],
)
def test_addresses_come_and_go_in_wso2s_shape(administrator: Client, kind: str, value: Any, shown: Any) -> None:
    made = _post(administrator, {"conditionType": kind, "conditionValue": value})
    assert (made.status_code, made.json()["conditionValue"]) == (201, shown or value)


def test_an_api_and_an_application_are_named_as_wso2_names_them(
    administrator: Client, alice: User, carol: User
) -> None:
    builders.api(alice)
    builders.application(carol, "Chat client")
    for kind, value in (("API", "/echowebsocket/1.0.0"), ("APPLICATION", "carol:Chat client")):
        assert _post(administrator, {"conditionType": kind, "conditionValue": value}).status_code == 201
    found = administrator.get(POLICIES, {"query": "conditionType:API"}).json()["list"]
    assert [each["conditionValue"] for each in found] == ["/echowebsocket/1.0.0"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "conditionType"),
        ({"conditionType": "USER"}, "conditionValue"),
        ({"conditionType": "COLOUR", "conditionValue": "red"}, "conditionType"),
        ({"conditionType": "USER", "conditionValue": "nobody"}, "conditionValue"),
        ({"conditionType": "USER", "conditionValue": {"name": "carol"}}, "conditionValue"),
        ({"conditionType": "USER", "conditionValue": 7}, "conditionValue"),
        ({"conditionType": "IP", "conditionValue": "192.0.2.0/24"}, "conditionValue"),
        ({"conditionType": "IP", "conditionValue": {"fixedIp": "192.0.2.300"}}, "conditionValue"),
        ({"conditionType": "IP", "conditionValue": {"fixedIp": 7}}, "conditionValue"),
        ({"conditionType": "IP", "conditionValue": {"fixedIp": "192.0.2.7", "invert": "no"}}, "conditionValue"),
        ({"conditionType": "IPRANGE", "conditionValue": {"fixedIp": "192.0.2.7"}}, "conditionValue"),
        (
            {"conditionType": "IPRANGE", "conditionValue": {"startingIp": "192.0.2.9", "endingIp": "192.0.2.1"}},
            "conditionValue",
        ),
        ({"conditionType": "IP", "conditionValue": "192.0.2.7", "conditionStatus": "perhaps"}, "conditionStatus"),
        ({"conditionType": "IP", "conditionValue": "192.0.2.7", "colour": "red"}, "colour"),
    ],
)
def test_a_malformed_condition_is_refused_by_field_with_what_is_right(
    administrator: Client, body: dict[str, Any], field: str
) -> None:
    answer = _post(administrator, body)
    assert answer.status_code == 400, answer.json()
    assert field in [each["field"] for each in answer.json()["error"]]
    assert not DenyPolicy.objects.exists()


def test_the_same_condition_twice_is_a_conflict(administrator: Client) -> None:
    body = {"conditionType": "IP", "conditionValue": "192.0.2.7"}
    assert [_post(administrator, body).status_code for _ in range(2)] == [201, 409]


def test_the_status_of_another_policy_is_not_set_by_mistake(administrator: Client) -> None:
    ids = [
        _post(administrator, {"conditionType": "IP", "conditionValue": f"192.0.2.{number}"}).json()["conditionId"]
        for number in (1, 2)
    ]
    answer = _patch(administrator, ids[0], {"conditionId": ids[1], "conditionStatus": False})
    assert answer.status_code == 400
    assert DenyPolicy.objects.filter(is_active=True).count() == 2


def test_policies_are_found_by_names_in_any_case(administrator: Client) -> None:
    builders.application(sign_up(username="Zoë", password="a wholly different phrase", now=NOW), name="Ökostrom")
    _post(administrator, {"conditionType": "USER", "conditionValue": "zoë"})
    _post(administrator, {"conditionType": "APPLICATION", "conditionValue": "ZOË:ÖKOSTROM"})

    def found(query: str) -> list[str]:
        return sorted(row["conditionValue"] for row in administrator.get(POLICIES, {"query": query}).json()["list"])

    assert found("ZOË") == ["Zoë", "Zoë:Ökostrom"]
    assert found("conditionValue:öKO") == ["Zoë:Ökostrom"]
