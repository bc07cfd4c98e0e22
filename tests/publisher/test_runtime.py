"""Which keys may call an API, and how large a message may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.errors import Invalid
from publisher import operations, runtime, snapshots
from publisher.models import Api
from tests.publisher.builders import LATER, as_posted, make_api
from tests.rest.conftest import PUBLISHER

pytestmark = pytest.mark.django_db


def test_the_runtime_page_saves_keys_and_size(client: Client, alice: User) -> None:
    api = make_api(alice)
    client.force_login(alice)
    page = reverse("publisher:runtime", args=[api.pk])
    drawn = as_posted(client.get(page).context["form"].initial)
    limits = {"message_bytes": "64", "message_bytes_unit": "KiB", "frame_bytes": "1.5", "frame_bytes_unit": "KiB"}
    rates = {"message_rate": "20", "byte_quota": "1", "byte_quota_unit": "GiB", "byte_period": "hour"}
    typed = {**drawn, **limits, **rates, "key_types": ["SANDBOX"], "payload_validation": "report"}
    assert client.post(page, typed).status_code == 302
    api.refresh_from_db()
    assert (api.key_types, api.message_bytes, api.frame_bytes) == (["SANDBOX"], 65536, 1536)
    assert (api.message_rate, api.byte_quota, api.byte_period) == (20, 1 << 30, "hour")
    assert (api.payload_validation, api.key_managers, api.over_rate) == ("report", ["all"], "delay")
    drawn = as_posted(client.get(page).context["form"].initial)
    assert client.post(page, {**drawn, "message_bytes": ""}).status_code == 302
    api.refresh_from_db()
    assert (api.key_types, api.message_bytes) == (["SANDBOX"], 0)


@pytest.mark.parametrize(
    ("typed", "field", "word"),
    [
        ({"key_types": []}, "key_types", "production, sandbox or both"),
        ({"key_managers": []}, "key_managers", "whose tokens"),
        ({"key_managers": ["Okta"]}, "key_managers", "not one of the available choices"),
        ({"payload_validation": "strict"}, "payload_validation", "not one of the available choices"),
        ({"message_bytes": "-1"}, "message_bytes", "between 1 byte and 1024 GiB, or 0"),
        ({"message_bytes": "2000", "message_bytes_unit": "GiB"}, "message_bytes", "between 1 byte and 1024 GiB"),
        ({"message_bytes": "64 KiB"}, "message_bytes", "choose its unit, for example 64 KiB"),
        ({"frame_bytes": "64", "frame_bytes_unit": "XiB"}, "frame_bytes", "choose its unit"),
        ({"frame_bytes": "0.3", "frame_bytes_unit": "KiB"}, "frame_bytes", "whole number of bytes"),
        ({"message_rate": "-1"}, "message_rate", "greater than or equal to 0"),
        ({"over_byte_quota": "delay"}, "over_byte_quota", "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    client: Client, alice: User, typed: dict[str, Any], field: str, word: str
) -> None:
    api = make_api(alice)
    client.force_login(alice)
    page = reverse("publisher:runtime", args=[api.pk])
    drawn = as_posted(client.get(page).context["form"].initial)
    answer = client.post(page, {**drawn, **typed})
    assert answer.status_code == 400
    assert word in answer.context["form"].errors[field][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"key_types": []},
        {"key_types": ["BETA"]},
        {"key_types": "SANDBOX"},
        {"message_bytes": -1},
        {"frame_bytes": True},
        {"key_managers": ["Okta"]},
        {"payload_validation": "strict"},
        {"message_rate": 2**31},
        {"over_rate": ["delay"]},
        {"byte_period": "week"},
        {"over_byte_quota": "delay"},
        {"redacted": ["card"]},
        {"redacted": ["/card~2"]},
        {"redacted": "/card"},
    ],
)
def test_an_operation_refuses_the_same(alice: User, changes: dict[str, Any]) -> None:
    api = make_api(alice)
    with pytest.raises(Invalid) as refused:
        operations.update_api(api=api, changes=changes, actor=alice, now=LATER)
    assert refused.value.fields.keys() == changes.keys()


def test_rest_has_them_all_and_a_revision_keeps_them(client: Client, admin: User) -> None:
    api = make_api(admin, publish=True)
    client.force_login(admin)
    body = client.get(f"{PUBLISHER}/apis/{api.pk}").json()
    changes = {
        "keyTypes": ["PRODUCTION"],
        "messageBytes": 1000,
        "frameBytes": 500,
        "keyManagers": {"Resident Key Manager": True},
        "payloadValidation": "REPORT",
        "maxTps": {"production": 20, "productionTimeUnit": "SECOND", "sandbox": 20, "sandboxTimeUnit": "SECOND"},
        "rateExceeded": "drop",
        "byteQuota": 1 << 20,
        "byteQuotaTimeUnit": "day",
        "byteQuotaExceeded": "drop",
        "redactedFields": ["/card/number", "/items/*/price"],
    }
    assert {name: body[name] for name in changes} == {
        "keyTypes": ["PRODUCTION", "SANDBOX"],
        "messageBytes": 0,
        "frameBytes": 0,
        "keyManagers": {"all": True},
        "payloadValidation": "OFF",
        "maxTps": {},
        "rateExceeded": "delay",
        "byteQuota": 0,
        "byteQuotaTimeUnit": "minute",
        "byteQuotaExceeded": "close",
        "redactedFields": [],
    }
    put = client.put(f"{PUBLISHER}/apis/{api.pk}", json.dumps({**body, **changes}), "application/json")
    assert put.status_code == 200, put.content
    assert {name: put.json()[name] for name in changes} == changes
    row = Api.objects.get()
    assert snapshots.differences(row) == list(runtime.WORDS.values())
    assert row.deployed_revision
    back = operations.restore_revision(api=row, revision=row.deployed_revision, actor=admin, now=LATER)
    assert {name: getattr(back, name) for name in runtime.WORDS} == runtime.defaults()


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ("off", {"enableSchemaValidation": True}, "enforce"),
        ("report", {"enableSchemaValidation": True}, "enforce"),
        ("enforce", {"enableSchemaValidation": False}, "off"),
        ("report", {"enableSchemaValidation": False}, "report"),  # as it was read
        ("off", {"payloadValidation": "ENFORCE"}, "enforce"),
        ("enforce", {"payloadValidation": "REPORT"}, "report"),
    ],
)
def test_schemas_are_enforced_in_the_words_of_wso2_too(
    client: Client, admin: User, before: str, sent: dict[str, Any], after: str
) -> None:
    api = operations.update_api(api=make_api(admin), changes={"payload_validation": before}, actor=admin, now=LATER)
    client.force_login(admin)
    body = client.get(f"{PUBLISHER}/apis/{api.pk}").json()
    assert body["enableSchemaValidation"] is (before == "enforce")
    put = client.put(f"{PUBLISHER}/apis/{api.pk}", json.dumps({**body, **sent}), "application/json")
    assert put.status_code == 200, put.content
    assert put.json()["payloadValidation"] == after.upper()


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ({"maxTps": {"production": 20, "sandbox": 10}}, "sandbox"),
        ({"maxTps": {"production": 20, "productionTimeUnit": "MINUTE"}}, "productionTimeUnit"),
        ({"keyManagers": ["Okta"]}, "keyManagers"),
        ({"payloadValidation": "strict"}, "payloadValidation"),
    ],
)
def test_rest_says_what_it_cannot_take(client: Client, admin: User, sent: dict[str, Any], name: str) -> None:
    api = make_api(admin)
    client.force_login(admin)
    body = client.get(f"{PUBLISHER}/apis/{api.pk}").json()
    put = client.put(f"{PUBLISHER}/apis/{api.pk}", json.dumps({**body, **sent}), "application/json")
    assert put.status_code == 400
    assert name in put.content.decode()
