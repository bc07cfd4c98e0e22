"""What APIs are found by: in any script and case, by everything that is said of them, and only by who may read it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from accounts.permissions import Viewer
from core import full_text
from core.audit import record
from devportal.queries import catalogue_for, listed_for, shelves, shelves_for
from devportal.queries import places_of as places_shown
from publisher import operations, queries
from publisher.document_terms import Upload
from publisher.models import Api, Document, SearchText
from publisher.operations import search_texts
from publisher.searchable import PIECE
from tests.publisher.builders import LATER, NOW, make_api

pytestmark = pytest.mark.django_db
CHAT = [
    {"target": "/rooms/{id}", "verbs": ["publish"], "messages": {"publish": [{"name": "say", "summary": "Speaks"}]}}
]


@pytest.fixture
def api(admin: User) -> Api:
    return make_api(admin, publish=True)


def found(viewer: Viewer, text: str) -> list[str]:
    return [api.name for api in catalogue_for(viewer, text=text)]


def document(api: Api, admin: User, upload: Upload | None = None, **fields: Any) -> Document:
    return operations.documents.create_document(
        api=api, fields={"name": "Guide", **fields}, upload=upload, actor=admin, now=NOW
    )


def change(api: Api, admin: User, **changes: Any) -> None:
    operations.update_api(api=api, changes=changes, actor=admin, now=LATER)


# --- words ---------------------------------------------------------------------------------------------------


FOUND = [
    ("Weather of HARBOURS", "arbour"),
    ("Ελλάδα ΚΑΙΡΟΣ", "καιρος"),
    ("Погода в Москве", "МОСКВЕ"),
    ("東京の天気予報を配信します", "天気"),
    ("東京の天気予報を配信します", "報"),
    ("พยากรณ์อากาศ", "อากาศ"),
    ("حالة الطقس", "الطقس"),
    ("날씨와교통", "교통"),
    ("Ｆｕｌｌ width", "full"),
    ("Große Straße", "STRASSE"),
    ("prices in € 🚢", "🚢"),
    ("100 % sure\\ly o'clock", "sure\\ly"),
    ("100 % sure", "100 %"),
    ('it\'s "said"', "it's"),
    ("a\n\nline ends", '"a line ends"'),
    ("ends with it", "it"),
]


def test_words_are_found_in_any_script_and_case_wherever_they_stand(api: Api, admin: User) -> None:
    make_api(admin, name="Other", context="/other", publish=True)
    for said, word in FOUND:
        change(api, admin, description=said)
        text = f'"{word}"' if " " in word and '"' not in word else word
        assert found(AnonymousUser(), text) == ["EchoWebSocket"], (said, word)


def test_what_nobody_wrote_is_found_nowhere(api: Api) -> None:
    for word in ["_", "*", "echo*", "\0", "ec%t", "'", "\\", "xyz", "ze", "z", "\ud800", "echowebsocketz"]:
        assert found(AnonymousUser(), word) == [], word


def test_a_phrase_is_found_where_a_long_text_is_cut(api: Api, admin: User) -> None:
    document(api, admin, content=f"{'x' * (PIECE - 20)} weather of all harbours {'y ' * 100}")
    assert SearchText.objects.filter(document__isnull=False, part=1).count() == 2
    assert found(AnonymousUser(), '"weather of all harbours"') == ["EchoWebSocket"]


# --- who finds what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visibility", "finders"),
    [("API_LEVEL", {"nobody", "carol", "bob"}), ("PRIVATE", {"carol", "bob"}), ("OWNER_ONLY", {"bob"})],
)
def test_a_document_is_found_by_those_who_may_read_it(
    api: Api, admin: User, carol: User, bob: User, visibility: str, finders: set[str]
) -> None:
    document(api, admin, name="Harbour guide", content="All about moorings.", visibility=visibility)
    for word in ("moorings", "harbour guide"):
        hits = {name for name, who in (("nobody", AnonymousUser()), ("carol", carol)) if found(who, word)}
        hits |= {"bob"} if queries.search_apis(bob, text=word).exists() else set()
        assert hits == finders, word


def test_an_api_for_some_roles_is_found_by_no_word_of_it_by_others(api: Api, admin: User, carol: User) -> None:
    document(api, admin, content="moorings")
    change(api, admin, visibility="RESTRICTED", visible_roles=["publisher"])
    assert found(carol, "moorings") == found(AnonymousUser(), "echo") == []
    assert found(admin, "moorings") == ["EchoWebSocket"]


def test_topics_are_found_as_they_are_served_and_by_the_publisher_as_they_are_designed(
    api: Api, admin: User, carol: User
) -> None:
    change(api, admin, topics=CHAT)
    assert found(carol, "speaks") == []
    assert queries.search_apis(admin, text="speaks").exists()
    api = operations.deploy_revision(api=Api.objects.get(pk=api.pk), actor=admin, now=LATER)
    assert found(carol, "speaks") == found(carol, "rooms/{id}") == ["EchoWebSocket"]
    operations.undeploy(api=api, actor=admin, now=LATER)
    assert found(carol, "speaks") == []


def test_the_text_of_a_file_is_found_while_the_document_has_it(api: Api, admin: User, carol: User) -> None:
    row = document(api, admin, upload=Upload("notes.md", "Über Häfen".encode()))
    picture = document(api, admin, name="Picture", upload=Upload("a.png", b"\x89PNG\r\n\x1a\nhaven"))
    assert found(carol, "häfen") == ["EchoWebSocket"]
    assert found(carol, "haven") == []
    link = {"source": "URL", "url": "https://example.com/x"}
    operations.documents.update_document(document=row, changes=link, actor=admin, now=LATER)
    assert found(carol, "häfen") == []
    operations.documents.delete_document(document=picture, actor=admin, now=LATER)
    assert found(carol, "picture") == []


# --- order ---------------------------------------------------------------------------------------------------


def test_what_is_called_so_comes_before_what_speaks_of_it(
    admin: User, carol: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = make_api(admin, name="Alpha", context="/a", publish=True)
    document(told, admin, content="About chat.")
    make_api(admin, name="Beta", context="/b", description="Like a chat.", publish=True)
    make_api(admin, name="Gamma", context="/c", tags=["chat"], publish=True)
    make_api(admin, name="MyChat", context="/d", publish=True)
    make_api(admin, name="ChatRooms", context="/e", publish=True)
    make_api(admin, name="Chat", context="/f", publish=True)
    order = [api.name for api in shelves_for(carol, text="CHAT")]
    assert order == ["Chat", "ChatRooms", "MyChat", "Gamma", "Beta", "Alpha"]
    assert [api.name for api in shelves_for(carol, text="chat", sort="name")] == sorted(order)
    assert places_shown(carol, shelves_for(carol, text="chat"), "chat") == {told.pk: "the document Guide"}
    monkeypatch.setattr(shelves, "MOST_SHOWN", 3)  # more than that are put in order by names and tags alone
    listed = [api.name for api in listed_for(carol, "CHAT")]
    assert listed == ["Chat", "ChatRooms", "MyChat", "Gamma", "Alpha", "Beta"]


def test_of_more_than_anybody_leafs_through_the_first_are_shown_with_their_tags(
    admin: User, carol: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Alpha", "Beta", "Gamma", "Delta"):
        make_api(admin, name=name, context=f"/{name}", tags=[name.lower()], description="Chat.", publish=True)
    hidden = make_api(admin, name="Chat", context="/chat", tags=["hidden"], publish=True)
    hidden.visibility, hidden.visible_roles = "RESTRICTED", ["publisher"]
    hidden.save()
    monkeypatch.setattr(shelves, "MOST_SHOWN", 3)
    client.force_login(carol)
    page = client.get("/devportal/apis?q=chat").context
    assert [api.name for api, *_ in page["cards"]] == ["Alpha", "Beta", "Delta"]
    assert sorted(tag for tag, *_ in page["tags"]) == ["alpha", "beta", "delta"]
    assert page["is_cut"]
    assert "More than" in client.get("/devportal/apis?q=chat").content.decode()
    found = shelves_for(carol, text="chat", tag="gamma")
    assert [api.name for api in found] == ["Gamma"]
    assert not found.is_cut
    client.force_login(admin)
    assert [api.name for api, *_ in client.get("/devportal/apis?q=chat").context["cards"]] == ["Chat", "Alpha", "Beta"]


# --- how it is kept ------------------------------------------------------------------------------------------


def test_the_texts_are_kept_in_the_transaction_of_the_change(api: Api, admin: User, carol: User) -> None:
    with transaction.atomic():
        change(api, admin, description="moorings")
        assert found(carol, "moorings") == ["EchoWebSocket"]
        transaction.set_rollback(True)
    assert found(carol, "moorings") == []
    before = set(SearchText.objects.values_list("pk", flat=True))
    change(api, admin, description="moorings")
    assert before < set(SearchText.objects.values_list("pk", flat=True))  # what is as it was is not written again


def test_the_index_is_made_anew_where_the_database_lost_it(api: Api, admin: User, carol: User) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            connection.check_constraints()  # none of them may be waiting
            cursor.execute("ALTER TABLE publisher_searchtext DROP COLUMN triples")
        else:
            cursor.execute("DROP TRIGGER publisher_searchtext_added")  # as a table that is built anew does
    full_text.ensure_index(SearchText, "default")
    assert found(carol, "websocket") == ["EchoWebSocket"]
    change(api, admin, description="moorings")
    assert found(carol, "moorings") == ["EchoWebSocket"]


def test_what_is_missing_is_completed_and_what_is_wrong_rebuilt(api: Api, admin: User, carol: User) -> None:
    document(api, admin, content="moorings")
    SearchText.objects.all().delete()
    assert found(carol, "echo") == []
    search_texts.complete()
    assert found(carol, "moorings") == ["EchoWebSocket"]
    Api.objects.filter(pk=api.pk).update(description="changed by hand")
    assert found(carol, "hand") == []
    assert search_texts.rebuild() == 1
    assert found(carol, "hand") == found(carol, "moorings") == ["EchoWebSocket"]


def test_other_rows_of_the_log_leave_the_texts_alone(api: Api, admin: User) -> None:
    Api.objects.filter(pk=api.pk).update(description="changed by hand")
    with transaction.atomic():
        record(actor=admin, verb="api.transitioned", kind="api", object_id=api.pk, now=NOW)
    assert not queries.search_apis(admin, text="hand").exists()
