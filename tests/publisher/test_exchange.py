"""Export → delete → import: the same API, and clashes told before anything is lost."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from accounts.models import User
from core.errors import Invalid
from publisher import archives, design, exchange, operations, queries
from publisher.design import PARTS
from publisher.document_terms import Upload
from publisher.exchange import Section
from publisher.mock import OFF
from publisher.models import Api, ImportDraft
from publisher.operations.documents import create_document, move_document
from publisher.operations.scopes import create_scope
from tests.publisher.builders import BACKEND, LATER, NOW, make_api, plans
from tests.publisher.test_pages import browse, text_of

RICH: dict[str, Any] = {
    "description": "Чат.\nZweite Zeile",
    "tags": ["chat", "你好"],
    "topics": [
        {"target": "/rooms/{id}", "verbs": ["subscribe", "publish"], "mapping": "/v2/{id}", "scopes": ["chat"]},
        {"target": "/news", "verbs": ["subscribe"], "mapping": "", "scopes": []},
    ],
    "origins": ["https://app.example.com"],
    "query_token": False,
    "is_default_version": True,
}


def rich(creator: User) -> Api:
    api = make_api(creator)
    options = {**api.endpoint_options, "retries": 2, "idle_timeout": 90, "headers": {"X-Client": "gateway"}}
    sandbox = {"url": "ws://localhost:9901/s", "failover": ["ws://localhost:9902/s"]}
    changes = {**RICH, "endpoint_options": options, "sandbox": sandbox}
    return operations.update_api(api=api, changes=changes, actor=creator, now=NOW)


def import_new(content: bytes, actor: User, **names: str) -> Api:
    imported = operations.read_document(content)
    offered = queries.plans_named(imported.plans)
    return operations.import_new(imported=imported, plans=offered, names=names, actor=actor, now=LATER)


@pytest.mark.parametrize(
    "form", [archives.to_yaml, lambda document: archives.to_zip(document, "x")], ids=["yaml", "zip"]
)
def test_export_delete_import_gives_the_same_document(alice: User, form: Any) -> None:
    api = rich(alice)
    before = operations.document_of(api)
    operations.delete_api(api=api, actor=alice, now=NOW)
    again = import_new(form(before), alice)
    assert operations.document_of(again) == before
    assert (again.state, again.provider) == ("CREATED", alice)


EVERYTHING: dict[str, Any] = {
    **RICH,
    "context": "/all/{version}",
    "display_name": "Der Chat für alle",
    "visibility": "RESTRICTED",
    "visible_roles": ["subscriber"],
    "access_control": "RESTRICTED",
    "access_control_roles": ["creator"],
    "business_owner": "Börse",
    "business_owner_email": "b@example.test",
    "technical_owner": "تقنية",
    "technical_owner_email": "t@example.test",
    "source_link": "https://git.example.test/a",
    "chat_link": "https://chat.example.test",
    "support_link": "https://help.example.test",
    "properties": [{"name": "team", "value": "A: 'b' #c\n- d", "shown": True}],
    "production": {"url": "ws://localhost:9901/p", "failover": []},
    "sandbox": {"url": "ws://localhost:9901/s", "failover": ["ws://localhost:9902/s"]},
    "endpoint_options": {
        **{"connect_timeout": 1.5, "idle_timeout": 90.0, "ping_interval": 7.0, "retries": 2, "retry_delay": 0.25},
        **{"suspend_after": 4, "suspend_initial": 2.5, "suspend_factor": 3.0, "suspend_maximum": 60.0},
        **{"prevent_suspension": True, "verify_tls": False, "headers": {"X-Client": "Tor"}},
        **{"host": "b.example.test", "server_name": "s.example.test", "maximum_duration": 3600.0},
    },
    "definition": {"version": "3.0", "info": {"x-a": [1, None, True, 0.5, "yes"]}},
    "mock": {**OFF, "is_on": True, "echo": True, "every": 0.5, "in_turn": ["a"], "script": ["pause 1", "repeat"]},
    "first_plan": "Gold",
    "message_bytes": 65536,
    "frame_bytes": 4096,
    "key_types": ["SANDBOX"],
    "key_managers": ["Resident Key Manager"],
    "payload_validation": "report",
    "message_rate": 7,
    "over_rate": "drop",
    "byte_quota": 1048576,
    "byte_period": "day",
    "over_byte_quota": "drop",
    "redacted": ["/card/number"],
}


@pytest.mark.parametrize(
    "form", [archives.to_yaml, lambda document: archives.to_zip(document, "x")], ids=["yaml", "zip"]
)
def test_export_and_import_give_the_same_api_in_every_field(admin: User, form: Any) -> None:
    shelf = operations.create_category(name="Börse", actor=admin, now=NOW)
    usual = make_api(admin, name="Usual", context="/usual", endpoint="")
    unset = [part for part in PARTS if EVERYTHING.get(part) in (None, getattr(usual, part))]
    assert not unset, "Give these another value than the usual one here, so that they are seen to come along."
    fields = {part: value for part, value in EVERYTHING.items() if part not in ("context", "is_default_version")}
    api = make_api(admin, context=EVERYTHING["context"], endpoint="", categories=[shelf], **fields)
    api = operations.update_api(api=api, changes={"is_default_version": True}, actor=admin, now=NOW)
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "PNG")
    operations.set_thumbnail(api=api, content=picture.getvalue(), actor=admin, now=NOW)
    create_scope(api=api, fields={"name": "chat", "display_name": "Чат", "roles": ["creator"]}, actor=admin, now=NOW)
    written = {"name": "Guide", "summary": "S", "content": "# Ü\n\n    code\n"}
    create_document(api=api, fields=written, actor=admin, now=NOW)
    file = Upload("Namen.txt", "Straße".encode())
    create_document(api=api, fields={"name": "File", "visibility": "PRIVATE"}, upload=file, actor=admin, now=NOW)
    before = operations.document_of(api)
    assert {part for part in PARTS if before["api"][part] != getattr(usual, part)} >= {*PARTS} - {"endpoint_options"}
    assert before.keys() >= {"categories", "thumbnail", "scopes", "documents"}
    operations.delete_api(api=api, actor=admin, now=NOW)
    assert operations.document_of(import_new(form(before), admin)) == before


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DRAWN = st.fixed_dictionaries(
    {},
    optional={
        "description": TEXT,
        "display_name": TEXT,
        "business_owner": TEXT,
        "tags": st.lists(TEXT, max_size=3),
        "properties": st.lists(
            st.fixed_dictionaries({"name": TEXT, "value": TEXT, "shown": st.booleans()}), max_size=3
        ),
        "topics": st.lists(st.fixed_dictionaries({"target": TEXT, "description": TEXT}), max_size=2),
        "mock": st.fixed_dictionaries({"is_on": st.booleans(), "on_connect": st.lists(TEXT, max_size=2)}),
        "definition": st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3),
        "message_bytes": st.integers(0, 2**40),
        "query_token": st.booleans(),
    },
)


@given(DRAWN)
def test_whatever_a_design_may_hold_comes_back_out_of_a_file_as_it_was(drawn: dict[str, Any]) -> None:
    stored = {}
    for part, value in drawn.items():
        with suppress(Invalid):
            stored |= design.read({part: value}, PARTS)
    document = {"format": archives.FORMAT, "format_version": archives.FORMAT_VERSION, "api": stored}
    for content in (archives.to_yaml(document), archives.to_zip(document, "x")):
        assert design.read(archives.read(content)["api"], PARTS) == stored


def test_every_part_of_the_design_is_in_an_export(alice: User) -> None:
    assert operations.document_of(rich(alice))["api"].keys() == {"name", *PARTS} | {"version"}


def test_secrets_are_left_out_and_named(alice: User) -> None:
    api = make_api(alice)
    options = {**api.endpoint_options, "secret_headers": {"X-Key": "hunter2"}}
    api = operations.update_api(api=api, changes={"endpoint_options": options}, actor=alice, now=NOW)
    document = operations.document_of(api)
    content = archives.to_yaml(document)
    assert b"hunter2" not in content
    assert b"gAAAA" not in content
    assert document["missing"] == ["endpoint_options.secret_headers.X-Key"]
    imported = operations.read_document(content)
    over = operations.import_over(imported=imported, plans=api.plans.all(), api=api, actor=alice, now=LATER)
    assert over.endpoint_options == api.endpoint_options  # what the API has, it keeps
    operations.delete_api(api=api, actor=alice, now=NOW)
    assert import_new(content, alice).endpoint_options["secret_headers"] == {}


def test_a_section_of_another_room_comes_along(alice: User, section: dict[str, Any]) -> None:
    api = make_api(alice)
    section[str(api.pk)] = [{"name": "Guide", "content": b"\x00pdf"}]
    content = archives.to_zip(operations.document_of(api), "x")
    operations.delete_api(api=api, actor=alice, now=NOW)
    again = import_new(content, alice)
    assert section[str(again.pk)] == [{"name": "Guide", "content": b"\x00pdf"}]


@pytest.fixture
def section(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A section `guides` that keeps what it holds in the dictionary."""
    kept: dict[str, Any] = {}

    def restore(*, api: Api, content: Any, actor: User, now: Any) -> None:
        kept[str(api.pk)] = content

    monkeypatch.setattr(exchange, "registered", {})
    exchange.register(Section("guides", lambda api: kept.get(str(api.pk)), lambda content: None, restore))
    return kept


def test_a_clash_is_refused_with_a_sentence(alice: User) -> None:
    content = archives.to_yaml(operations.document_of(rich(alice)))
    with pytest.raises(operations.AlreadyExists) as refusal:
        import_new(content, alice)
    assert refusal.value.fields.keys() == {"name", "context"}
    assert import_new(content, alice, name="Other", context="/other").tags == RICH["tags"]


def test_a_new_version_takes_the_design_of_the_file(alice: User) -> None:
    api = rich(alice)
    imported = operations.read_document(archives.to_yaml(operations.document_of(api)))
    operations.update_api(api=api, changes={"topics": [], "tags": []}, actor=alice, now=NOW)
    made = operations.import_version(
        imported=imported, plans=plans("Bronze"), api=api, version="2.0.0", actor=alice, now=LATER
    )
    assert (made.version, made.context, made.topics) == ("2.0.0", api.context, RICH["topics"])
    assert [plan.name for plan in made.plans.all()] == ["Bronze"]
    assert not made.is_default_version


def test_a_change_is_previewed_in_words_and_refused_if_the_api_moved_on(alice: User) -> None:
    api = rich(alice)
    imported = operations.read_document(archives.to_yaml(operations.document_of(api)))
    assert operations.preview(imported, api) == []
    changed = operations.update_api(api=api, changes={"topics": [], "query_token": True}, actor=alice, now=LATER)
    said = [(each.field, each.after) for each in operations.preview(imported, changed)]
    assert ("Tokens in the address", "no") in said
    with pytest.raises(operations.ChangedMeanwhile):
        operations.import_over(
            imported=imported, plans=api.plans.all(), api=changed, seen=api.updated_at, actor=alice, now=LATER
        )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": 1.0}, "Write version in quotes"),
        ({"topics": [{"target": 5}]}, "topic"),
        ({"topics": 5}, "Topics is not written as"),
        ({"tags": {"a": 1}}, "."),
        ({"origins": 7}, "."),
        ({"is_default_version": "no"}, "Default version is not written as"),
        ({"endpoint_options": []}, "."),
        ({"endpoint_options": {"retries": "many"}}, "."),
        ({"production": {"url": ["x"]}}, "Addresses are text"),
        ({"production": []}, "Production endpoint is not written as"),
        ({"description": 5}, "."),
        ({"nonsense": 5}, "does not know what nonsense is"),
    ],
    ids=str,
)
def test_a_part_of_another_shape_is_refused_with_a_sentence(alice: User, change: Any, sentence: str) -> None:
    document = operations.document_of(make_api(alice))
    document["api"] = {**document["api"], **change}
    with pytest.raises(Invalid, match=sentence):
        operations.read_document(archives.to_yaml(document))


def test_who_may_not_edit_imports_nothing(alice: User, bob: User) -> None:
    api = make_api(alice)
    content = archives.to_yaml(operations.document_of(api))
    with pytest.raises(Exception, match="role"):
        operations.keep_upload(content=content, actor=bob, now=NOW)
    with pytest.raises(Exception, match="role"):
        operations.import_over(imported=operations.read_document(content), plans=[], api=api, actor=bob, now=NOW)


# --- the pages -----------------------------------------------------------------------------------------------


def upload(user: User, content: bytes, name: str = "api.yaml") -> Any:
    return browse(user).post(reverse("publisher:import"), {"file": SimpleUploadedFile(name, content)})


def test_a_person_exports_deletes_and_imports(alice: User) -> None:
    api = rich(alice)
    export = browse(alice).get(reverse("publisher:export", args=[api.pk]))
    assert export["Content-Disposition"] == 'attachment; filename="EchoWebSocket-1.0.0.zip"'
    operations.delete_api(api=api, actor=alice, now=NOW)
    page = upload(alice, export.content)
    assert "A new API" in text_of(browse(alice).get(page.url))
    body = {"mode": "new", "name": "EchoWebSocket", "context": "/echowebsocket", "version": "1.0.0"}
    done = browse(alice).post(page.url, body)
    again = Api.objects.get()
    assert done.url == reverse("publisher:api", args=[again.pk])
    assert (again.topics, ImportDraft.objects.count()) == (RICH["topics"], 0)


def test_the_page_shows_what_a_change_would_change_and_keeps_what_was_typed(alice: User) -> None:
    api = rich(alice)
    content = archives.to_yaml(operations.document_of(api))
    operations.update_api(api=api, changes={"production": {"url": "ws://localhost:1"}}, actor=alice, now=LATER)
    page = upload(alice, content).url
    assert f"Address ws://localhost:1 {BACKEND}" in text_of(browse(alice).get(page))
    body = {"mode": "new", "name": "EchoWebSocket", "context": "/neu", "version": "1.0.0"}
    refused = browse(alice).post(page, body)
    assert (refused.status_code, 'value="/neu"' in refused.content.decode()) == (409, True)
    assert browse(alice).post(page, {**body, "mode": "over"}).status_code == 302
    assert Api.objects.get().production["url"] == BACKEND


def test_plans_that_do_not_exist_here_are_left_out_only_when_that_is_said(alice: User) -> None:
    document = operations.document_of(make_api(alice, name="Other", context="/other"))
    document["plans"] = ["Gold", "Platinum"]
    Api.objects.all().delete()
    page = upload(alice, archives.to_yaml(document)).url
    assert "There is no Platinum here." in text_of(browse(alice).get(page))
    body = {"mode": "new", "name": "Other", "context": "/other", "version": "1.0.0"}
    assert browse(alice).post(page, body).status_code == 400
    assert browse(alice).post(page, {**body, "without_plans": "on"}).status_code == 302
    assert [plan.name for plan in Api.objects.get().plans.all()] == ["Gold"]


def test_a_bad_file_is_refused_at_once_and_an_upload_is_its_owners(alice: User, admin: User) -> None:
    assert upload(alice, b"hello").status_code == 400
    page = upload(alice, archives.to_yaml(operations.document_of(make_api(alice)))).url
    assert browse(admin).get(page).status_code == 404


def test_few_uploads_are_kept_of_each_and_none_for_long(alice: User) -> None:
    content = archives.to_yaml(operations.document_of(make_api(alice)))
    for _ in range(7):
        operations.keep_upload(content=content, actor=alice, now=NOW)
    assert ImportDraft.objects.count() == operations.exchange.KEPT_EACH
    operations.keep_upload(content=content, actor=alice, now=NOW + 2 * operations.exchange.KEPT_FOR)
    assert ImportDraft.objects.count() == 1


# --- what an export holds beside the design ------------------------------------------------------------------


def test_categories_and_the_picture_come_along(alice: User, admin: User) -> None:
    category = operations.create_category(name="Märkte", actor=admin, now=NOW)
    api = operations.update_api(api=rich(alice), changes={"categories": [category]}, actor=alice, now=NOW)
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")
    operations.set_thumbnail(api=api, content=picture.getvalue(), actor=alice, now=NOW)
    content = archives.to_zip(operations.document_of(api), "x")
    operations.delete_api(api=api, actor=alice, now=NOW)
    again = import_new(content, alice)
    assert ([each.name for each in again.categories.all()], bool(again.thumbnail)) == (["Märkte"], True)
    operations.delete_category(category=category, actor=admin, now=NOW)
    with pytest.raises(Invalid, match="Märkte"):
        operations.read_document(content)


@pytest.mark.parametrize(
    "section",
    [
        {"categories": 5},
        {"categories": [5]},
        {"thumbnail": b"x"},
        {"thumbnail": 5},
        {"scopes": [{"name": ""}]},
        {"documents": [{"name": "a", "file": 5}]},
    ],
)
def test_a_section_of_another_shape_is_refused(alice: User, section: Any) -> None:
    document = operations.document_of(make_api(alice)) | section
    with pytest.raises(Invalid):
        operations.read_document(archives.to_yaml(document))


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_scope_that_is_somebody_elses_here_is_told_before_anything_is_made(
    alice: User, admin: User, is_shared: bool
) -> None:
    api = rich(alice)
    create_scope(api=api, fields={"name": "speak"}, actor=alice, now=NOW)
    content = archives.to_zip(operations.document_of(api), "x")
    if is_shared:
        operations.delete_api(api=api, actor=alice, now=NOW)
        create_scope(api=None, fields={"name": "speak"}, actor=admin, now=NOW)
    with pytest.raises(Invalid, match=r"describes a scope speak, and .* one of this name here"):
        import_new(content, alice, name="Copy", context="/copy")
    assert not Api.objects.filter(name="Copy").exists()


def test_scopes_and_documents_come_along_in_their_order(alice: User) -> None:
    api = rich(alice)
    create_scope(api=api, fields={"name": "speak", "roles": ["subscriber"]}, actor=alice, now=NOW)
    for fields, upload in (
        ({"name": "Anfang", "content": "# Los"}, None),
        ({"name": "Manual"}, Upload("manual.json", b"[1]")),
        ({"name": "Forum", "source": "URL", "url": "https://forum.test/"}, None),
    ):
        create_document(api=api, fields=fields, upload=upload, actor=alice, now=NOW)
    content = archives.to_zip(operations.document_of(api), "x")
    operations.delete_api(api=api, actor=alice, now=NOW)
    again = import_new(content, alice)
    assert archives.to_zip(operations.document_of(again), "x") == content
    later = create_document(api=again, fields={"name": "Later", "content": "x"}, actor=alice, now=NOW)
    move_document(document=later, by=-3, actor=alice, now=NOW)
    operations.import_over(
        imported=operations.read_document(content),
        plans=again.plans.all(),
        api=again,
        seen=again.updated_at,
        actor=alice,
        now=LATER,
    )
    assert archives.to_zip(operations.document_of(again), "x") == content
