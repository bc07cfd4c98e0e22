"""Which keys may call an API, and how large a message may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.errors import Invalid
from publisher import operations, snapshots
from publisher.models import Api
from tests.publisher.builders import LATER, as_posted, make_api
from tests.rest.conftest import PUBLISHER

pytestmark = pytest.mark.django_db


def test_the_runtime_page_saves_keys_and_size(client: Client, alice: User) -> None:
    api = make_api(alice)
    client.force_login(alice)
    page = reverse("publisher:runtime", args=[api.pk])
    drawn = as_posted(client.get(page).context["form"].initial)
    assert client.post(page, {**drawn, "key_types": ["SANDBOX"], "message_bytes": "65536"}).status_code == 302
    api.refresh_from_db()
    assert (api.key_types, api.message_bytes) == (["SANDBOX"], 65536)
    drawn = as_posted(client.get(page).context["form"].initial)
    assert client.post(page, {**drawn, "message_bytes": ""}).status_code == 302
    api.refresh_from_db()
    assert (api.key_types, api.message_bytes) == (["SANDBOX"], 0)


@pytest.mark.parametrize(
    ("typed", "field", "word"),
    [
        ({"key_types": []}, "key_types", "production, sandbox or both"),
        ({"message_bytes": "-1"}, "message_bytes", "greater than or equal to 0"),
        ({"message_bytes": "64 KiB"}, "message_bytes", "whole number"),
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
    "changes", [{"key_types": []}, {"key_types": ["BETA"]}, {"key_types": "SANDBOX"}, {"message_bytes": -1}]
)
def test_an_operation_refuses_the_same(alice: User, changes: dict[str, Any]) -> None:
    api = make_api(alice)
    with pytest.raises(Invalid) as refused:
        operations.update_api(api=api, changes=changes, actor=alice, now=LATER)
    assert refused.value.fields.keys() == changes.keys()


def test_rest_has_both_and_a_revision_keeps_them(client: Client, admin: User) -> None:
    api = make_api(admin, publish=True)
    client.force_login(admin)
    body = client.get(f"{PUBLISHER}/apis/{api.pk}").json()
    assert (body["keyTypes"], body["messageBytes"]) == (["PRODUCTION", "SANDBOX"], 0)
    changed = {**body, "keyTypes": ["PRODUCTION"], "messageBytes": 1000}
    put = client.put(f"{PUBLISHER}/apis/{api.pk}", json.dumps(changed), "application/json")
    assert put.status_code == 200, put.content
    row = Api.objects.get()
    assert snapshots.differences(row) == ["largest message", "keys that may call"]
    assert row.deployed_revision
    back = operations.restore_revision(api=row, revision=row.deployed_revision, actor=admin, now=LATER)
    assert (back.key_types, back.message_bytes) == (["PRODUCTION", "SANDBOX"], 0)
