"""The pages of AsyncAPI definitions in both portals: read, edited, imported, downloaded, created from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from core.values import BadValue
from publisher import definitions, fetching, operations
from publisher.asyncapi.source import SOURCE_BYTES
from publisher.models import Api
from tests.publisher.builders import LATER, give_role, make_api
from tests.publisher.test_asyncapi import FOREIGN_3, complaints
from tests.publisher.test_pages import browse, text_of
from tests.publisher.test_topic_pages import page
from tests.publisher.test_topics import PLAIN, ROOM


@pytest.fixture
def api(alice: User) -> Api:
    return make_api(alice, topics=[PLAIN, ROOM], description="Talk.")


@pytest.fixture
def served(admin: User) -> Api:
    return make_api(admin, topics=[PLAIN, ROOM], publish=True)


def source_of(api: Api) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(definitions.as_text(definitions.of_design(api)))
    return document


def sent(api: Api, document: Any, **more: str) -> dict[str, Any]:
    text = document if isinstance(document, str) else yaml.safe_dump(document)
    return {"text": text, "seen": api.updated_at.isoformat(), **more}


# --- reading -------------------------------------------------------------------------------------------------


def test_people_read_the_handshake_the_topics_and_their_messages(api: Api, alice: User) -> None:
    text = unescape(text_of(browse(alice).get(page("definition", api))))
    for words in ("Authorization: Bearer", "/rooms/{id}", "Which room.", "↑ You send", "say", '"text": "hello"'):
        assert words in text


@pytest.mark.parametrize("version", ["3.0", "2.6"])
@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_the_definition_is_downloaded_in_each_form(api: Api, alice: User, version: str, kind: str) -> None:
    response = browse(alice).get(page("definition-file", api, version=version, format=kind))
    document = (yaml.safe_load if kind == "yaml" else json.loads)(response.content)
    assert complaints(document, version) == []
    assert response["Content-Disposition"] == f'attachment; filename="EchoWebSocket-1.0.0.asyncapi.{kind}"'
    assert browse(alice).get(page("definition-file", api, version="9", format=kind)).status_code == 404


def test_a_source_of_hostile_text_is_shown_as_text(alice: User) -> None:
    api = make_api(alice, description="<script>alert(1)</script>")
    for query in ({}, {"format": "json"}):
        body = browse(alice).get(page("definition", api, **query)).content.decode()
        assert "<script>alert" not in body
        assert "tok-" in body


def test_the_developer_portal_shows_what_is_served_to_whoever_may_see_the_api(served: Api, admin: User) -> None:
    changed = operations.delete_topic(api=served, target="/rooms", actor=admin, now=LATER)
    operations.update_api(
        api=changed, changes={"topics": [{**ROOM, "mapping": "/secret/{id}"}]}, actor=admin, now=LATER
    )
    visitor = browse(None)
    shown = visitor.get(reverse("devportal:definition", kwargs={"pk": served.pk}))
    assert "/rooms/{id}" in text_of(shown)
    document = yaml.safe_load(visitor.get(reverse("devportal:definition-file", kwargs={"pk": served.pk})).content)
    assert document["channels"].keys() == {"rooms", "rooms_id"}
    deployed = operations.deploy_revision(api=Api.objects.get(), actor=admin, now=LATER)
    body = visitor.get(reverse("devportal:definition-file", kwargs={"pk": deployed.pk})).content.decode()
    assert "secret" not in body
    operations.undeploy(api=deployed, actor=admin, now=LATER)
    assert "Nothing is served now" in text_of(visitor.get(reverse("devportal:definition", kwargs={"pk": served.pk})))


def test_a_draft_has_no_definition_in_the_developer_portal(api: Api) -> None:
    for name in ("definition", "definition-file"):
        assert browse(None).get(reverse(f"devportal:{name}", kwargs={"pk": api.pk})).status_code == 404


# --- editing -------------------------------------------------------------------------------------------------


def test_what_will_change_is_shown_before_it_is_taken_over(api: Api, alice: User) -> None:
    client, document = browse(alice), source_of(api)
    document["info"]["description"] = "New."
    document["info"]["title"] = "Another"
    del document["channels"]["rooms"]
    document["operations"] = {k: v for k, v in document["operations"].items() if "rooms_id" in k}
    response = client.post(page("definition-edit", api), sent(api, document))
    text = unescape(text_of(response))
    for words in ("What will change", "changed The description", "removed /rooms", "name stays EchoWebSocket"):
        assert words in text
    assert Api.objects.get().topics == [PLAIN, ROOM]
    kept = client.post(page("definition-edit", api), sent(api, document, take="1", keep="on"))
    assert kept.status_code == 302
    row = Api.objects.get()
    assert (row.description, [each["target"] for each in row.topics]) == ("New.", ["/rooms/{id}", "/rooms"])
    client.post(page("definition-edit", row), sent(row, document, take="1"))
    assert [each["target"] for each in Api.objects.get().topics] == ["/rooms/{id}"]


def test_taking_over_what_is_there_changes_nothing(api: Api, alice: User) -> None:
    client = browse(alice)
    response = client.post(page("definition-edit", api), sent(api, source_of(api)))
    assert "Nothing: the design says all of this already." in text_of(response)


def test_what_the_public_is_not_told_survives_its_own_document(api: Api, alice: User) -> None:
    mapped = operations.update_api(api=api, changes={"topics": [{**ROOM, "mapping": "/v2"}]}, actor=alice, now=LATER)
    document = source_of(mapped)
    for operation in document["operations"].values():
        del operation["x-uri-mapping"]
    client = browse(alice)
    client.post(page("definition-edit", api), sent(mapped, document, take="1"))
    assert Api.objects.get().topics[0]["mapping"] == "/v2"


def test_a_foreign_definition_comes_back_with_what_the_design_has_no_place_for(api: Api, alice: User) -> None:
    client = browse(alice)
    response = client.post(page("definition-edit", api), sent(api, FOREIGN_3, take="1"))
    assert response.status_code == 302, text_of(response)
    document = source_of(Api.objects.get())
    assert document["info"]["x-team"] == "rooms"
    assert document["channels"]["room"]["bindings"] == {"ws": {"method": "GET"}}
    assert complaints(document, "3.0") == []


def test_problems_are_shown_with_their_lines_and_the_text_is_kept(api: Api, alice: User) -> None:
    text = "asyncapi: 3.0.0\ninfo: {title: A, version: '1'}\nchannels:\n  a:\n    address: /a/*/b\n"
    response = browse(alice).post(page("definition-edit", api), sent(api, text, take="1"))
    assert response.status_code == 400
    shown = unescape(text_of(response))
    assert "Line 5:" in shown
    assert "whole last segment" in shown
    assert "address: /a/*/b" in unescape(response.content.decode())
    assert Api.objects.get().topics == [PLAIN, ROOM]


def test_a_file_is_read_and_previewed_even_when_it_was_to_be_taken_over(api: Api, alice: User) -> None:
    file = SimpleUploadedFile("a.yaml", yaml.safe_dump(FOREIGN_3).encode())
    response = browse(alice).post(page("definition-edit", api), {**sent(api, ""), "take": "1", "file": file})
    assert "What will change" in text_of(response)
    assert "Foreign chat" in unescape(response.content.decode())
    for content, said in ((b"\xff\xfe\x00", "no text in UTF-8"), (b"x" * (SOURCE_BYTES + 1), "at most 512 KiB")):
        file = SimpleUploadedFile("a.yaml", content)
        response = browse(alice).post(page("definition-edit", api), {**sent(api, ""), "file": file})
        assert response.status_code == 400
        assert said in text_of(response)


def test_who_saves_after_somebody_else_sees_what_would_change_now(api: Api, alice: User) -> None:
    document = source_of(api)
    document["info"]["description"] = "Mine."
    late = sent(api, document, take="1")
    operations.update_api(api=api, changes={"description": "Theirs."}, actor=alice, now=LATER)
    response = browse(alice).post(page("definition-edit", api), late)
    assert response.status_code == 409
    assert "changed the description after you opened it" in text_of(response)
    assert "What will change" in text_of(response)
    again = sent(Api.objects.get(), document, take="1")
    assert browse(alice).post(page("definition-edit", api), again).status_code == 302
    assert Api.objects.get().description == "Mine."


# --- creating ------------------------------------------------------------------------------------------------


def test_an_api_is_created_from_a_definition(alice: User) -> None:
    client = browse(alice)
    address = reverse("publisher:create-from-definition")
    response = client.post(address, {"text": yaml.safe_dump(FOREIGN_3)})
    form = response.context["form"]
    assert {name: form[name].value() for name in ("name", "context", "version", "endpoint")} == {
        "name": "Foreign chat",
        "context": "/foreign-chat",
        "version": "7",
        "endpoint": "wss://eu.example.com:8443/v1",
    }
    fields = {field.html_name: field.value() for field in form if field.value()}
    response = client.post(address, {**fields, "context": "/a b"})
    assert response.status_code == 400
    assert "Foreign chat" in unescape(response.content.decode())
    response = client.post(address, {**fields, "endpoint": "ws://localhost:9900/chat"})
    assert response.status_code == 302, text_of(response)
    api = Api.objects.get()
    assert [each["target"] for each in api.topics] == ["/rooms/{id}"]
    assert (api.tags, api.definition["root"]) == (["chat"], {"id": "urn:example:chat"})


def test_a_definition_that_cannot_be_read_makes_no_api(alice: User) -> None:
    address = reverse("publisher:create-from-definition")
    response = browse(alice).post(address, {"text": "openapi: 3.0.0"})
    assert response.status_code == 400
    assert "This describes an HTTP API" in text_of(response)
    sent = {"text": "openapi: 3.0.0", "name": "A", "context": "/a", "version": "1"}
    assert browse(alice).post(address, sent).status_code == 400
    assert not Api.objects.exists()


# --- what breaks ---------------------------------------------------------------------------------------------


def test_breaking_changes_are_listed_before_deploying_and_kept_with_the_revision(served: Api, admin: User) -> None:
    client = browse(admin)
    assert "will break" not in text_of(client.get(page("deployments", served)))
    operations.delete_topic(api=served, target="/rooms", actor=admin, now=LATER)
    assert "The topic /rooms is removed." in text_of(client.get(page("deployments", served)))
    operations.deploy_revision(api=Api.objects.get(), actor=admin, now=LATER)
    revision = Api.objects.get().deployed_revision
    assert revision is not None
    assert revision.breaking == ["The topic /rooms is removed."]
    text = text_of(client.get(page("deployments", served)))
    assert "breaks clients of the one before" in text
    assert "will break" not in text


def test_a_revision_of_former_times_is_restored_and_compared(served: Api, admin: User) -> None:
    revision = served.deployed_revision
    assert revision is not None
    for key in ("definition", "description", "tags"):
        del revision.snapshot[key]
    revision.save()
    client = browse(admin)
    assert "differs from what is deployed" not in text_of(client.get(page("deployments", served)))
    assert client.get(reverse("devportal:definition", kwargs={"pk": served.pk})).status_code == 200
    operations.delete_topic(api=Api.objects.get(), target="/rooms", actor=admin, now=LATER)
    operations.restore_revision(api=Api.objects.get(), revision=revision, actor=admin, now=LATER)
    assert Api.objects.get().topics == [PLAIN, ROOM]


# --- addresses -----------------------------------------------------------------------------------------------


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies = {"/ok": b"asyncapi: 3.0.0", "/large": b"x" * (SOURCE_BYTES + 9), "/binary": b"\xff\xfe"}
        self.send_response(302 if self.path in {"/away", "/round"} else 200 if self.path in bodies else 404)
        if self.path == "/away":
            self.send_header("Location", "http://169.254.169.254/latest")
        if self.path == "/round":
            self.send_header("Location", "/round")
        self.end_headers()
        self.wfile.write(bodies.get(self.path, b""))

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_definition_is_fetched_from_an_address_and_only_so_often(elsewhere: str, alice: User) -> None:
    assert fetching.fetch(f"{elsewhere}/ok", user=alice) == "asyncapi: 3.0.0"
    for _ in range(fetching.MOST_FETCHES - 1):
        with pytest.raises(BadValue, match="begins with https"):
            fetching.fetch("", user=alice)
    with pytest.raises(BadValue, match="within a minute"):
        fetching.fetch(f"{elsewhere}/ok", user=alice)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nothing", "answered 404"),
        ("/large", "more than 512 KiB"),
        ("/binary", "no text in UTF-8"),
        ("/round", "too often"),
        ("/away", "169.254.169.254|metadata|link-local|not"),
    ],
)
def test_what_cannot_be_fetched_is_said(elsewhere: str, alice: User, path: str, said: str) -> None:
    with pytest.raises(BadValue, match=said):
        fetching.fetch(f"{elsewhere}{path}", user=alice)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a/b",
        "file:///etc/passwd",
        "http://",
        "http://a b/",
        "http://user:secret@localhost/",
        "http://[::",
        "//h",
    ],
)
def test_an_address_that_cannot_be_dialled_is_refused(alice: User, url: str) -> None:
    with pytest.raises(BadValue):
        fetching.fetch(url, user=alice)


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://10.0.0.1/", "http://[::ffff:169.254.169.254]/"])
def test_the_address_rules_of_backends_hold(alice: User, url: str) -> None:
    with pytest.raises(BadValue):
        fetching.fetch(url, user=alice)


def test_an_address_that_is_refused_is_said_at_its_field(api: Api, alice: User) -> None:
    client = browse(give_role(alice, Role.PUBLISHER))
    response = client.post(page("definition-edit", api), {**sent(api, ""), "url": "http://169.254.169.254/a"})
    assert response.status_code == 400
    assert "url" in response.context["form"].errors
