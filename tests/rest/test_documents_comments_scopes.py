"""Documents, comments and scopes over REST, in both portals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from publisher.models import Api, Comment, Document
from tests.devportal import builders
from tests.rest.conftest import DEVPORTAL, PUBLISHER

SignedIn = Callable[[User], Client]


@pytest.fixture
def api(alice: User) -> Api:
    """A published API."""
    return builders.api(alice)


def ask(client: Client, method: str, address: str, body: Any = None, **headers: str) -> Any:
    return getattr(client, method)(address, body, content_type="application/json", headers=headers)


GUIDE = {
    "name": "Guide",
    "type": "HOWTO",
    "sourceType": "MARKDOWN",
    "visibility": "API_LEVEL",
    "inlineContent": "# Begin",
    "summary": "How to begin",
}


def test_a_document_is_written_read_changed_and_deleted(api: Api, alice: User, signed_in: SignedIn) -> None:
    client, documents = signed_in(alice), f"{PUBLISHER}/apis/{api.pk}/documents"

    made = ask(client, "post", documents, GUIDE)
    assert made.status_code == 201
    assert {**made.json(), **GUIDE} == made.json()
    assert made.json()["createdBy"] == "alice"
    address = made["Location"]
    read = client.get(address)
    assert read.json() == made.json()
    changed = ask(client, "put", address, {**read.json(), "summary": "New"}, If_Match=read["ETag"])
    assert (changed.status_code, changed.json()["summary"]) == (200, "New")
    assert ask(client, "put", address, GUIDE, If_Match=read["ETag"]).status_code == 412
    assert client.post(f"{documents}/validate?name=GUIDE").status_code == 200
    assert client.post(f"{documents}/validate?name=Free").status_code == 404
    assert client.delete(address).status_code == 200
    assert client.get(documents).json()["count"] == 0


def test_documents_are_paged(api: Api, alice: User, signed_in: SignedIn) -> None:
    client, documents = signed_in(alice), f"{PUBLISHER}/apis/{api.pk}/documents"
    for number in range(3):
        ask(client, "post", documents, {**GUIDE, "name": f"Guide {number}"})

    page = client.get(f"{documents}?limit=2&offset=1").json()

    assert [each["name"] for each in page["list"]] == ["Guide 1", "Guide 2"]
    assert page["pagination"]["total"] == 3


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "SWAGGER_DOC"}, "type"),
        ({"type": "OTHER"}, "otherTypeName"),
        ({"sourceType": "URL", "sourceUrl": "javascript:alert(1)"}, "sourceUrl"),
        ({"name": "x" * 61}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_said_by_wso2_s_names(
    api: Api, alice: User, signed_in: SignedIn, fields: dict[str, str], field: str
) -> None:
    refused = ask(signed_in(alice), "post", f"{PUBLISHER}/apis/{api.pk}/documents", {**GUIDE, **fields})

    assert refused.status_code == 400
    assert [each["field"] for each in refused.json()["error"]] == [field]


def test_content_goes_to_a_document_of_its_kind_and_comes_back(api: Api, alice: User, signed_in: SignedIn) -> None:
    client, documents = signed_in(alice), f"{PUBLISHER}/apis/{api.pk}/documents"
    made = {
        kind: ask(client, "post", documents, {**GUIDE, "name": kind, "sourceType": kind, **more})["Location"]
        for kind, more in (("INLINE", {}), ("FILE", {}), ("URL", {"sourceUrl": "https://a.test/guide"}))
    }

    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("guide.pdf", b"%PDF-1.7", "text/html")

    assert client.post(f"{made['FILE']}/content", {"file": file()}).json()["fileName"] == "guide.pdf"
    assert client.post(f"{made['INLINE']}/content", {"inlineContent": "New"}).status_code == 200
    for kind, sent in (("INLINE", {"file": file()}), ("FILE", {"inlineContent": "x"}), ("URL", {"inlineContent": "x"})):
        assert client.post(f"{made[kind]}/content", sent).status_code == 400

    got = {kind: client.get(f"{address}/content", headers={"Accept": "image/png"}) for kind, address in made.items()}
    assert (got["INLINE"].content, got["INLINE"]["Content-Type"]) == (b"New", "text/plain; charset=utf-8")
    assert (got["FILE"].content, got["FILE"]["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    assert got["FILE"]["Content-Disposition"].startswith("attachment")
    assert (got["URL"].status_code, got["URL"]["Location"]) == (303, "https://a.test/guide")
    listed = client.get(f"{DEVPORTAL}/apis/{api.pk}/documents").json()["list"]
    assert [each["sourceType"] for each in listed] == ["INLINE", "FILE", "URL"]


def test_who_reads_a_document_is_as_it_says(api: Api, alice: User, carol: User, signed_in: SignedIn) -> None:
    documents = f"{PUBLISHER}/apis/{api.pk}/documents"
    for visibility in ("API_LEVEL", "PRIVATE", "OWNER_ONLY"):
        ask(signed_in(alice), "post", documents, {**GUIDE, "name": visibility, "visibility": visibility})
    ask(signed_in(alice), "post", documents, {**GUIDE, "name": "No file yet", "sourceType": "FILE"})

    def read_by(client: Client) -> list[str]:
        return [each["name"] for each in client.get(f"{DEVPORTAL}/apis/{api.pk}/documents").json()["list"]]

    assert read_by(Client()) == ["API_LEVEL"]
    assert read_by(signed_in(carol)) == ["API_LEVEL", "PRIVATE"]
    secret = Document.objects.get(name="OWNER_ONLY").pk
    for name in ("", "/content"):
        assert signed_in(carol).get(f"{DEVPORTAL}/apis/{api.pk}/documents/{secret}{name}").status_code == 404


def test_a_thread_goes_through_both_portals(api: Api, bob: User, carol: User, signed_in: SignedIn) -> None:
    here, there = f"{DEVPORTAL}/apis/{api.pk}/comments", f"{PUBLISHER}/apis/{api.pk}/comments"
    asked = ask(signed_in(carol), "post", here, {"content": "How long?"})
    assert (asked.status_code, asked.json()["entryPoint"], asked.json()["category"]) == (201, "devPortal", "general")
    thread = asked.json()["id"]

    answer = ask(signed_in(bob), "post", f"{there}?replyTo={thread}", {"content": "An hour."})
    assert (answer.json()["parentCommentId"], answer.json()["entryPoint"]) == (thread, "publisher")
    (listed,) = Client().get(here).json()["list"]
    assert [each["content"] for each in listed["replies"]["list"]] == ["An hour."]
    assert Client().get(f"{here}/{thread}/replies?limit=1").json()["pagination"]["total"] == 1
    nested = ask(signed_in(bob), "post", f"{there}?replyTo={answer.json()['id']}", {"content": "And?"})
    assert (nested.status_code, nested.json()["error"][0]["field"]) == (400, "replyTo")

    changed = ask(signed_in(carol), "patch", f"{here}/{thread}", {"content": "How long is it?"})
    assert changed.json()["content"] == "How long is it?"
    assert "updatedTime" in changed.json()
    assert signed_in(bob).delete(f"{there}/{thread}").status_code == 200
    assert not Comment.objects.exists()


def test_the_eleventh_comment_in_a_minute_is_refused_with_429(api: Api, carol: User, signed_in: SignedIn) -> None:
    client, here = signed_in(carol), f"{DEVPORTAL}/apis/{api.pk}/comments"
    answers = [ask(client, "post", here, {"content": "Hello"}) for _ in range(11)]

    assert [each.status_code for each in answers] == [201] * 10 + [429]
    assert answers[-1]["Retry-After"] == "60"


@pytest.mark.parametrize("reply_to", ["nonsense", "6d8d9f1c-0000-4000-8000-000000000000"])
def test_an_answer_to_nothing_is_not_found(api: Api, carol: User, signed_in: SignedIn, reply_to: str) -> None:
    here = f"{DEVPORTAL}/apis/{api.pk}/comments?replyTo={reply_to}"

    assert ask(signed_in(carol), "post", here, {"content": "Hello"}).status_code == 404


def test_shared_scopes_are_the_administrator_s(api: Api, alice: User, admin: User, signed_in: SignedIn) -> None:
    client, scopes = signed_in(admin), f"{PUBLISHER}/scopes"
    made = ask(client, "post", scopes, {"name": "shared", "displayName": "All", "bindings": ["publisher", "creator"]})
    assert made.json()["bindings"] == ["creator", "publisher"]
    address = f"{scopes}/{made.json()['id']}"

    assert (
        ask(client, "put", address, {"name": "shared", "bindings": ["king"]}).json()["error"][0]["field"] == "bindings"
    )
    changed = ask(client, "put", address, {"name": "shared", "bindings": []}, If_Match=made["ETag"])
    assert (changed.status_code, changed.json()["displayName"]) == (200, "All")
    assert ask(client, "put", address, {"name": "shared"}, If_Match=made["ETag"]).status_code == 412
    Api.objects.filter(pk=api.pk).update(topics=[{"target": "/a", "verbs": ["publish"], "scopes": ["shared"]}])
    assert signed_in(alice).get(f"{address}/usage").json()["usedApiList"] == [
        {"name": api.name, "context": api.context, "version": api.version, "provider": "alice"}
    ]
    assert client.delete(address).status_code == 409
    assert signed_in(alice).get(scopes).json()["count"] == 1


def test_scopes_of_an_api_are_its_creators(api: Api, alice: User, signed_in: SignedIn) -> None:
    client, scopes = signed_in(alice), f"{PUBLISHER}/apis/{api.pk}/scopes"
    made = ask(client, "post", scopes, {"name": "rooms:write", "bindings": ["creator"]})
    assert made.status_code == 201

    shown = client.get(f"{PUBLISHER}/apis/{api.pk}")
    assert shown.json()["scopes"] == [{"scope": made.json(), "shared": False}]
    assert ask(client, "put", f"{PUBLISHER}/apis/{api.pk}", shown.json()).status_code == 200
    refused = ask(client, "put", f"{PUBLISHER}/apis/{api.pk}", {**shown.json(), "scopes": [{"scope": {"name": "x"}}]})
    assert "/apis/{apiId}/scopes" in refused.json()["description"]
    (seen,) = Client().get(f"{DEVPORTAL}/apis/{api.pk}").json()["scopes"]
    assert (seen["key"], seen["roles"]) == ("rooms:write", ["creator"])
    again = ask(client, "post", scopes, {"name": "rooms:write"})
    assert (again.status_code, again.json()["error"][0]["field"]) == (409, "name")
    assert client.delete(f"{scopes}/{made.json()['id']}").status_code == 200
