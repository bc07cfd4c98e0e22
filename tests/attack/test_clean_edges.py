"""Text that is none, at every edge: refused in the form of that edge. Errors in JSON, and what caches may keep."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path, reverse

from accounts.models import User
from apimanager import urls
from tests.devportal import builders as subscribers
from tests.publisher.builders import plans
from tests.rest.conftest import DEVPORTAL, PUBLISHER

pytestmark = pytest.mark.django_db
HALF, NUL = "\ud800", "\0"
REGISTRATION = "/client-registration/v0.17/register"


@pytest.fixture
def signed_in(admin: User) -> Client:
    """The administrator's browser, in which a fault is an answer and no exception."""
    plans()
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    return client


def basic(text: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text).decode()}"}


@pytest.mark.parametrize("bad", [HALF, NUL, f"x{HALF}y", f"{NUL}x"])
@pytest.mark.parametrize(
    "place", ["name", "additionalPropertiesMap.x.value", "endpointConfig.a.b", "tags[0]", "unknown"]
)
def test_json_with_text_that_cannot_be_kept_is_refused_by_its_place(signed_in: Client, place: str, bad: str) -> None:
    body: dict[str, Any] = {"name": "Chat", "context": "/chat", "version": "1.0.0", "type": "WS"}
    inner: Any = bad
    for name in reversed(place.removesuffix("[0]").split(".")):
        inner = {name: [inner] if place.endswith("[0]") else inner}
    answer = signed_in.post(f"{PUBLISHER}/apis", json.dumps(body | inner), content_type="application/json")
    assert (answer.status_code, answer.json()["error"][0]["field"]) == (400, place)
    assert "cannot be kept" in answer.json()["description"]


@pytest.mark.parametrize("bad", [HALF, NUL])
def test_so_is_a_name_in_json(signed_in: Client, bad: str) -> None:
    body = json.dumps({"name": "Chat", bad: 1})
    answer = signed_in.post(f"{DEVPORTAL}/applications", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, 900400)


ADDRESSES = [
    f"{PUBLISHER}/apis?query=%00",
    f"{PUBLISHER}/apis?query=name:%00",
    f"{DEVPORTAL}/applications?query=a%00b",
    f"{DEVPORTAL}/apis/%00",
    f"{DEVPORTAL}/%00",
    "/api/am/gateway/v1/connections?user=%00",
    "/publisher/apis?q=%00",
    "/publisher/apis?tag=%00",
    "/devportal/apis?q=%00&tag=%00",
    "/devportal/apis/%00",
    "/devportal/sign-in?next=%00",
    "/admin/users?q=%00",
    "/oauth2/authorize?client_id=%00&response_type=code",
    "/%00",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_nul_in_an_address_is_refused(signed_in: Client, address: str) -> None:
    answer = signed_in.get(address)
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("application/json" if address.startswith("/api/") else "text/html")


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "raw_unicode_escape", "latin-1", "idna"])
@pytest.mark.parametrize("path", [f"{PUBLISHER}/apis", "/publisher/apis", "/oauth2/authorize"])
def test_text_in_another_charset_is_refused(signed_in: Client, path: str, charset: str) -> None:
    answer = signed_in.get(f"{path}?q=\\ud800+2AA-", headers={"Content-Type": f"text/plain; charset={charset}"})
    assert answer.status_code == 400
    answer = signed_in.post(f"{path}?q=1", b"{}", content_type=f"application/json; charset={charset}")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "body", [b"username=a%00b&password=c", b"username=a\0&password=c", b"username=a&password=%00", b"%00=1"]
)
def test_nul_in_a_form_is_refused(signed_in: Client, body: bytes) -> None:
    form = "application/x-www-form-urlencoded"
    assert signed_in.post("/devportal/sign-in", body, content_type=form).status_code == 400
    for endpoint in ("token", "revoke", "introspect"):
        answer = signed_in.post(
            f"/oauth2/{endpoint}", b"grant_type=client_credentials&token=x&" + body, content_type=form
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_nul_in_a_form_of_several_parts_is_no_fault(signed_in: Client) -> None:
    for values in ({"username": "a\0b", "password": "c"}, {"name\0": "x"}):
        assert signed_in.post("/devportal/sign-in", values).status_code < 500
        assert signed_in.post(reverse("devportal:application-create"), {"name": "a\0", **values}).status_code < 500


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe:x", b"a\0b:x", b"a:\xff", b"%00:x", b"%ED%A0%80:%00", b"a:\0", b"\xc3(:\xc3("]
)
def test_credentials_that_are_no_text_are_refused(signed_in: Client, raw: bytes) -> None:
    form = {"grant_type": "client_credentials", "token": "x"}
    for endpoint in ("token", "revoke", "introspect"):
        answer = signed_in.post(f"/oauth2/{endpoint}", form, headers=basic(raw))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), endpoint
    anonymous = Client(raise_request_exception=False)
    answer = anonymous.post(REGISTRATION, "{}", content_type="application/json", headers=basic(raw))
    assert (answer.status_code, answer.json()["code"]) == (401, 900901)
    assert anonymous.get(f"{PUBLISHER}/apis", headers=basic(raw)).json()["code"] == 900902


def test_a_cookie_with_nul_is_none(signed_in: Client) -> None:
    page = Client(raise_request_exception=False).get(
        "/devportal/apis", headers={"Cookie": '__Host-apim-session="aaaaaaaaaaaaaaaa\\000"; theme="\\000"'}
    )
    assert page.status_code == 200


# --- one form of errors ---------------------------------------------------------------------------------------


def broken(request: HttpRequest) -> None:
    raise {"500": RuntimeError, "400": SuspiciousOperation, "403": PermissionDenied}[request.GET["status"]]


class Faulty:
    """An address under REST whose view is not one of REST, among the usual ones."""

    handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
    urlpatterns = [path("api/am/broken", broken), path("broken", broken), *urls.urlpatterns]


@pytest.mark.parametrize("status", ["400", "403", "500"])
def test_whatever_goes_wrong_under_rest_is_said_in_json(
    client: Client, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.raise_request_exception = False
    with override_settings(ROOT_URLCONF=Faulty), caplog.at_level(logging.CRITICAL, "django"):
        answer = client.get("/api/am/broken", {"status": status})
        page = client.get("/broken", {"status": status})
    body = answer.json()
    assert (answer.status_code, body["code"], set(body)) == (
        int(status),
        int(f"900{status}"),
        {"code", "message", "description", "moreInfo", "error"},
    )
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (int(status), "text/html")


@pytest.mark.parametrize("path", ["/api/am/nothing", "/client-registration/v0.17/nothing", f"{PUBLISHER}/apis/"])
def test_an_address_that_is_none_and_a_host_that_is_none_are_said_in_json(client: Client, path: str) -> None:
    assert client.get(path).json()["code"] == 900404
    elsewhere = client.get(path, headers={"Host": "elsewhere.example"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (400, 900400)
    assert "text/html" in client.get("/nothing")["Content-Type"]


# --- what is kept ---------------------------------------------------------------------------------------------


def test_what_somebody_signed_in_sees_is_kept_by_no_cache(signed_in: Client, admin: User, client: Client) -> None:
    subscribers.application(admin)
    pages = ["/publisher/apis", "/devportal/applications", "/devportal/apis", "/admin/users", "/publisher/account"]
    for each in [*pages, f"{PUBLISHER}/apis", f"{DEVPORTAL}/applications", "/nothing", "/publisher/apis/none"]:
        kept = signed_in.get(each)["Cache-Control"]
        assert {"no-store", "private"} <= {part.strip() for part in kept.split(",")}, each
    assert (
        client.get(f"{PUBLISHER}/apis", headers={"Authorization": "Bearer x"})["Cache-Control"] == "no-store, private"
    )
    assert not client.get("/devportal/apis").has_header("Cache-Control")


def test_static_pages_of_others_carry_the_same_policy_as_ours(client: Client) -> None:
    page = "drf_spectacular_sidecar/swagger-ui-dist/oauth2-redirect.html"
    assert finders.find(page)
    answer = client.get(f"/static/{page}")
    b"".join(answer)
    theirs, ours = (each["Content-Security-Policy"].split("; ") for each in (answer, client.get("/devportal/apis")))
    assert sorted(theirs) == sorted(ours)


def test_the_plan_asked_for_is_documented_as_it_is_answered(client: Client) -> None:
    import yaml

    described = yaml.safe_load(client.get("/api/am/devportal/v3/openapi.yaml").content)["components"]["schemas"]
    field = described["SubscriptionDocument"]["properties"]["requestedThrottlingPolicy"]
    assert field["type"] == "string"
    assert not field.get("writeOnly")
