"""What administrators want to know of each application: defined, asked for on pages and over REST, and forgotten."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from core.errors import Conflict, Invalid
from devportal.models import Application, ApplicationAttribute
from devportal.operations import attributes as operations
from tests.devportal import builders
from tests.devportal.builders import NOW

pytestmark = pytest.mark.django_db
PAGE = {"name": "Chat", "plan": "Unlimited", "token_type": "JWT"}


def define(admin: User, name: str, **switches: bool) -> ApplicationAttribute:
    given = {"is_required": False, "is_hidden": False, **switches}
    return operations.define_attribute(name=name, description="Who pays.", **given, actor=admin, now=NOW)


def test_what_is_asked_for_stands_on_the_form_and_has_to_be_filled_in(client: Client, admin: User, carol: User) -> None:
    asked, hidden = define(admin, "Kostenstelle", is_required=True), define(admin, "Ticket", is_hidden=True)
    builders.ensure_application_plans()
    client.force_login(carol)
    form = client.get("/devportal/applications/create", secure=True).content.decode()
    assert "Kostenstelle" in form
    assert "Who pays." in form
    assert "Ticket" not in form

    missing = client.post("/devportal/applications/create", PAGE, secure=True)
    assert missing.status_code == 400
    assert "Kostenstelle is asked for by your administrators." in missing.content.decode()
    client.post("/devportal/applications/create", {**PAGE, f"attribute_{asked.pk}": "4711"}, secure=True)

    app = Application.objects.get()
    assert app.attributes == {"Kostenstelle": "4711"}
    assert "4711" in client.get(f"/devportal/applications/{app.pk}", secure=True).content.decode()
    Application.objects.update(attributes={"Kostenstelle": "4711", hidden.name: "ABC-1"})
    edit = f"/devportal/applications/{app.pk}/edit"
    assert 'value="4711"' in client.get(edit, secure=True).content.decode()
    client.post(edit, {**PAGE, f"attribute_{asked.pk}": "4712"}, secure=True)
    app.refresh_from_db()
    assert app.attributes == {"Kostenstelle": "4712", "Ticket": "ABC-1"}


def test_the_same_goes_over_rest(client: Client, admin: User, carol: User) -> None:
    define(admin, "Cost centre", is_required=True)
    builders.ensure_application_plans()
    client.force_login(carol)
    base = "/api/am/devportal/v3"
    (listed,) = client.get(f"{base}/settings/application-attributes", secure=True).json()["list"]
    assert (listed["attribute"], listed["required"], listed["hidden"]) == ("Cost centre", "true", "false")

    def post(**body: object) -> tuple[int, object]:
        answer = client.post(f"{base}/applications", {"name": "Chat", **body}, "application/json", secure=True)
        return answer.status_code, answer.json().get("attributes")

    assert [post(**body)[0] for body in ({}, {"attributes": {"Cost centre": " "}}, {"attributes": {"x": "y"}})] == [
        400,
        400,
        400,
    ]
    assert post(attributes={"Cost centre": "4711"}) == (201, {"Cost centre": "4711"})
    app = Application.objects.get()
    kept = client.put(f"{base}/applications/{app.pk}", {"name": "Chat 2"}, "application/json", secure=True).json()
    assert (kept["name"], kept["attributes"]) == ("Chat 2", {"Cost centre": "4711"})


def test_an_attribute_that_is_deleted_takes_its_answers_along(client: Client, admin: User, carol: User) -> None:
    row = define(admin, "Team")
    app = builders.application(carol, attributes={"Team": "Wetter"})
    client.force_login(admin)
    page = f"/admin/application-attributes/{row.pk}"
    assert "1 application" in client.get(page, secure=True).content.decode()
    client.post(page, {"description": "Who builds it.", "is_required": "on"}, secure=True)
    row.refresh_from_db()
    assert (row.name, row.description, row.is_required) == ("Team", "Who builds it.", True)

    client.post(f"{page}/deletions", secure=True)

    app.refresh_from_db()
    assert app.attributes == {}
    assert client.get(page, secure=True).status_code == 404


def test_what_cannot_be_an_attribute_is_said(client: Client, admin: User) -> None:
    define(admin, "Team")
    with pytest.raises(Conflict, match="called TEAM already"):
        define(admin, "TEAM")
    with pytest.raises(Invalid, match="choose one of the two"):
        define(admin, "Secret", is_required=True, is_hidden=True)
    client.force_login(admin)
    both = {"name": "Secret", "is_required": "on", "is_hidden": "on"}
    answer = client.post("/admin/application-attributes", both, secure=True)
    assert answer.status_code == 400
    assert "choose one of the two" in answer.content.decode()


def test_administrators_define_what_is_asked_over_rest_too(client: Client, admin: User, carol: User) -> None:
    rules, json = "/api/am/admin/v4/application-attributes", "application/json"
    client.force_login(admin)
    made = client.post(rules, {"name": "Kostenstelle", "required": True}, json, secure=True)
    rule = made.json()
    assert (made.status_code, rule["required"], rule["hidden"], rule["applications"]) == (201, True, False, 0)
    assert client.get(made["Location"], secure=True).json() == rule
    assert client.post(rules, {"name": "kostenstelle"}, json, secure=True).status_code == 409
    assert client.get(rules, secure=True).json()["count"] == 1

    def put(body: dict[str, object], seen: str = "*") -> int:
        return client.put(made["Location"], body, json, secure=True, headers={"If-Match": seen}).status_code

    assert put({**rule, "description": "Wer zahlt.", "required": False}, made["ETag"]) == 200
    assert put({**rule, "description": "Late"}, made["ETag"]) == 412
    assert put({"name": "Other"}) == 400
    both = client.post(rules, {"name": "x", "required": True, "hidden": True}, json, secure=True)
    assert (both.status_code, both.json()["error"][0]["field"]) == (400, "hidden")
    assert ApplicationAttribute.objects.get().description == "Wer zahlt."
    assert client.delete(made["Location"], secure=True).status_code == 200
    assert client.get(made["Location"], secure=True).status_code == 404


def test_try_it_over_rest_asks_too(client: Client, admin: User, carol: User) -> None:
    builders.ensure_application_plans()
    define(admin, "Kostenstelle", is_required=True)
    start = f"/api/am/devportal/v3/apis/{builders.api(admin).pk}/start"
    client.force_login(carol)
    refused = client.post(start, {}, "application/json", secure=True)
    assert (refused.status_code, refused.json()["error"][0]["field"]) == (400, "attributes")
    given = {"attributes": {"Kostenstelle": "4711"}}
    assert client.post(start, given, "application/json", secure=True).status_code == 201
    assert Application.objects.get().attributes == {"Kostenstelle": "4711"}
