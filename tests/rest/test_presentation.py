"""How an API presents itself, over REST: WSO2's fields, its picture, categories, and who finds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import User
from devportal.models import Subscription
from publisher import operations
from publisher.lifecycle import Action
from publisher.models import Api
from tests.devportal import builders
from tests.publisher.builders import LATER, NOW, make_api, picture
from tests.rest.conftest import DEVPORTAL, PUBLISHER

pytestmark = pytest.mark.usefixtures("default_plans")

BODY: dict[str, Any] = {"name": "EchoWebSocket", "context": "/echowebsocket", "version": "1.0.0"}
PRESENTATION: dict[str, Any] = {
    "displayName": "غرف الدردشة",
    "description": "**Rooms**",
    "tags": ["chat"],
    "categories": ["Payments"],
    "visibility": "RESTRICTED",
    "visibleRoles": ["subscriber"],
    "accessControl": "RESTRICTED",
    "accessControlRoles": ["publisher"],
    "businessInformation": {
        "businessOwner": "Dora",
        "businessOwnerEmail": "dora@example.test",
        "technicalOwner": "",
        "technicalOwnerEmail": "ops@example.test",
    },
    "links": {"source": "https://git.test/x", "chat": "", "support": "https://help.test"},
    "additionalProperties": [{"name": "team", "value": "A", "display": True}, {"name": "cost", "value": "9"}],
}


def _published(api: Api, admin: User) -> Api:
    return operations.transition_api(api=api, action=Action.PUBLISH, actor=admin, now=NOW)


def test_every_field_is_kept_read_back_and_sent_again(
    alice: User, admin: User, signed_in: Callable[[User], Client]
) -> None:
    operations.create_category(name="Payments", actor=admin, now=NOW)
    client = signed_in(alice)
    made = client.post(f"{PUBLISHER}/apis", {**BODY, **PRESENTATION}, content_type="application/json")
    assert made.status_code == 201, made.json()
    expected = {**PRESENTATION, "additionalProperties": [{"display": False, **each} for each in PROPERTIES]}
    assert {name: made.json()[name] for name in expected} == expected
    address = f"{PUBLISHER}/apis/{made.json()['id']}"
    again = client.put(address, made.json(), content_type="application/json", headers={"If-Match": made["ETag"]})
    assert (again.status_code, again["ETag"]) == (200, made["ETag"])
    changed = client.put(address, {**BODY, "links": {"chat": "https://chat.test"}}, content_type="application/json")
    assert changed.json()["links"] == {**PRESENTATION["links"], "chat": "https://chat.test"}
    named = client.put(address, {**BODY, "displayName": "EchoWebSocket"}, content_type="application/json")
    assert named.json()["displayName"] == "EchoWebSocket"
    assert Api.objects.get().display_name == ""


PROPERTIES = PRESENTATION["additionalProperties"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"visibility": "SECRET"}, "visibility"),
        ({"visibility": "RESTRICTED", "visibleRoles": ["boss"]}, "visibleRoles"),
        ({"accessControl": "RESTRICTED"}, "accessControlRoles"),
        ({"categories": ["Nowhere"]}, "categories"),
        ({"businessInformation": {"businessOwnerEmail": "dora"}}, "businessInformation.businessOwnerEmail"),
        ({"businessInformation": {"phone": "1"}}, "businessInformation.phone"),
        ({"links": {"chat": "javascript:alert(1)"}}, "links.chat"),
        ({"additionalProperties": [{"name": "two words", "value": ""}]}, "additionalProperties"),
        ({"displayName": "x" * 61}, "displayName"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(
    alice: User, signed_in: Callable[[User], Client], changes: dict[str, Any], field: str
) -> None:
    answer = signed_in(alice).post(f"{PUBLISHER}/apis", {**BODY, **changes}, content_type="application/json")
    assert answer.status_code == 400, answer.json()
    assert field in [each["field"] for each in answer.json()["error"]]


def _put_picture(client: Client, api: Api, content: bytes | None, **headers: str) -> Any:
    parts = {} if content is None else {"file": SimpleUploadedFile("a", content)}
    address = f"{PUBLISHER}/apis/{api.pk}/thumbnail"
    return client.put(address, encode_multipart(BOUNDARY, parts), content_type=MULTIPART_CONTENT, headers=headers)


def test_a_picture_is_put_read_in_both_portals_and_taken_away(
    alice: User, admin: User, signed_in: Callable[[User], Client]
) -> None:
    api, client = _published(make_api(alice), admin), signed_in(alice)
    put = _put_picture(client, api, picture())
    assert (put.status_code, put.json()["mediaType"]) == (200, "image/webp")
    for who, base in ((client, PUBLISHER), (Client(), DEVPORTAL)):
        shown = who.get(f"{base}/apis/{api.pk}/thumbnail", headers={"Accept": "image/*"})
        assert (shown.status_code, shown["Content-Type"], shown["ETag"]) == (200, "image/webp", put["ETag"])
        assert who.get(f"{base}/apis/{api.pk}").json()["hasThumbnail"] is True
    assert _put_picture(client, api, picture("JPEG"), **{"If-Match": '"old"'}).status_code == 412
    refused = _put_picture(client, api, b"<svg/>")
    assert (refused.status_code, refused.json()["error"][0]["field"]) == (400, "file")
    assert _put_picture(client, api, None).status_code == 400
    assert client.delete(f"{PUBLISHER}/apis/{api.pk}/thumbnail").status_code == 200
    assert client.get(f"{PUBLISHER}/apis/{api.pk}/thumbnail").status_code == 404


def test_the_developer_portal_tells_what_is_to_be_told(alice: User, admin: User) -> None:
    shelf = operations.create_category(name="Payments", actor=admin, now=NOW)
    properties = [{"name": "team", "value": "A", "shown": True}, {"name": "cost", "value": "9", "shown": False}]
    given = {"display_name": "Echo", "business_owner": "Dora", "support_link": "https://help.test"}
    api = _published(make_api(alice, categories=[shelf], properties=properties, **given), admin)
    found = Client().get(f"{DEVPORTAL}/apis/{api.pk}").json()
    assert found["additionalProperties"] == [{"name": "team", "value": "A", "display": True}]
    assert (found["displayName"], found["categories"]) == ("Echo", ["Payments"])
    assert (found["businessInformation"]["businessOwner"], found["links"]["support"]) == ("Dora", "https://help.test")
    listed = Client().get(f"{DEVPORTAL}/api-categories").json()
    assert [(each["name"], each["numberOfAPIs"]) for each in listed["list"]] == [("Payments", 1)]
    assert Client().get(f"{DEVPORTAL}/apis?query=api-category:payments").json()["count"] == 1


@pytest.mark.parametrize(
    "audience", [{"visibility": "PRIVATE"}, {"visibility": "RESTRICTED", "visible_roles": ["creator"]}]
)
def test_strangers_find_it_nowhere_and_cannot_subscribe(
    alice: User, carol: User, admin: User, signed_in: Callable[[User], Client], audience: dict[str, Any]
) -> None:
    shelf = operations.create_category(name="Payments", actor=admin, now=NOW)
    api = _published(make_api(alice, categories=[shelf], **audience), admin)
    application, client = builders.application(carol), signed_in(carol)
    for path in (f"/apis/{api.pk}", f"/apis/{api.pk}/thumbnail", f"/apis/{api.pk}/subscription-policies"):
        assert client.get(DEVPORTAL + path).status_code == 404
    assert client.get(f"{DEVPORTAL}/apis?query=name:echo").json()["count"] == 0
    assert client.get(f"{DEVPORTAL}/api-categories").json()["count"] == 0
    body = {"applicationId": str(application.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}
    answer = client.post(f"{DEVPORTAL}/subscriptions", body, content_type="application/json")
    assert (answer.status_code, Subscription.objects.count()) == (404, 0)


def test_who_is_subscribed_goes_on_seeing_it_and_subscribes_nothing_new(
    alice: User, carol: User, admin: User, signed_in: Callable[[User], Client]
) -> None:
    api = _published(make_api(alice), admin)
    builders.subscription(builders.application(carol), api)
    operations.update_api(api=api, changes={"visibility": "PRIVATE"}, actor=alice, now=LATER)
    client, other = signed_in(carol), builders.application(carol, name="Other")
    assert client.get(f"{DEVPORTAL}/apis/{api.pk}").status_code == 200
    assert client.get(f"{DEVPORTAL}/apis").json()["count"] == 1
    body = {"applicationId": str(other.pk), "apiId": str(api.pk), "throttlingPolicy": "Gold"}
    assert client.post(f"{DEVPORTAL}/subscriptions", body, content_type="application/json").status_code == 404


def test_categories_are_managed_over_rest(admin: User, signed_in: Callable[[User], Client]) -> None:
    client, base = signed_in(admin), "/api/am/admin/v4/api-categories"
    made = client.post(base, {"name": "Payments", "description": "Money"}, content_type="application/json")
    assert (made.status_code, made.json()["numberOfAPIs"]) == (201, 0)
    assert client.post(base, {"name": "PAYMENTS"}, content_type="application/json").status_code == 409
    assert client.post(base, {"name": 'a"b'}, content_type="application/json").status_code == 400
    address = made["Location"]
    stale = client.put(address, {"name": "X"}, content_type="application/json", headers={"If-Match": '"old"'})
    assert stale.status_code == 412
    changed = client.put(
        address, {"name": "Finance"}, content_type="application/json", headers={"If-Match": made["ETag"]}
    )
    assert (changed.json()["name"], changed.json()["description"]) == ("Finance", "Money")
    assert client.delete(address).status_code == 200
    assert client.get(address).status_code == 404
