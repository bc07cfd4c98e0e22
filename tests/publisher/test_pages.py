"""The pages, as each role meets them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, reverse

from accounts.models import User
from accounts.roles import Role
from publisher import impact, operations, queries
from publisher.endpoint_check import EndpointCheck
from publisher.lifecycle import State, allowed_actions
from publisher.models import Api
from publisher.urls import urlpatterns
from publisher.views import checks
from tests.publisher.builders import BACKEND, NOW, RUNTIME, give_role, in_state, make_api, plans

NEW = {"name": "EchoWebSocket", "context": "/echowebsocket", "version": "1.0.0"}
FULL = {**NEW, "endpoint": BACKEND, "plans": ["Gold", "Silver"]}


def browse(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(name: str, api: Api | None = None) -> str:
    return reverse(f"publisher:{name}", kwargs={"pk": api.pk} if api else None)


def text_of(response: Any) -> str:
    """What a person reads on the page, blanks made one."""
    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", response.content.decode().replace("<wbr>", ""), flags=re.S)
    words = re.sub(r"<[^>]+>", " ", body)
    return re.sub(r"\s+", " ", words.replace("&amp;", "&").replace("&#x27;", "'"))


@pytest.fixture
def creator_and_publisher(alice: User) -> User:
    return give_role(alice, Role.PUBLISHER)


# --- doors ---------------------------------------------------------------------------------------------------

PAGES = [
    *("api", "basic-info", "business-info", "properties", "endpoint", "runtime", "topics", "topic", "definition"),
    *("plans", "deployments", "comparison", "lifecycle", "violations"),
]
OTHERS = {"bulk-transitions", "previews"}  # tests/publisher/test_bulk.py, tests/publisher/test_presentation_pages.py
MEMBERS = ["alice", "bob", "observer", "admin"]
EXCHANGE = ["export", "import", "import-draft"]
POSTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "basic-info": ({}, {"alice", "admin"}),
    "business-info": ({"support_link": "https://help.test"}, {"alice", "admin"}),
    "properties": ({"name_0": "team", "value_0": "Payments"}, {"alice", "admin"}),
    "thumbnail": ({}, {"alice", "admin"}),
    "endpoint": ({}, {"alice", "admin"}),
    "runtime": ({**RUNTIME, "origins": "https://a.test"}, {"alice", "admin"}),
    "violation-deletions": ({}, {"alice", "bob", "admin"}),
    "topic-moves": ({"topic": "/rooms", "to": "up"}, {"alice", "admin"}),
    "topic-deletions": ({"topic": "/rooms"}, {"alice", "admin"}),
    "definition-edit": ({"text": "asyncapi: 3.0.0"}, {"alice", "admin"}),
    "plans": ({"plans": ["Gold"]}, {"alice", "bob", "admin"}),
    "deployments": ({}, {"bob", "admin"}),
    "revisions": ({}, {"alice", "bob", "admin"}),
    "undeployment": ({}, {"bob", "admin"}),
    "restorations": ({}, {"alice", "admin"}),
    "transitions": ({"action": "Publish", "seen": "CREATED"}, {"bob", "admin"}),
    "versions": ({"version": "2"}, {"alice", "admin"}),
    "deletion": ({}, {"alice", "admin"}),
}


def test_the_tables_of_this_file_name_every_address() -> None:
    named = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    others = {"home", "apis", "create", "create-from-definition", "field-checks", "endpoint-tests", "sample"}
    elsewhere = {"message", "definition-file", "revision-deletion", "default-version", "lifecycle-withdrawals"}
    named = {name for name in named if not re.match("(document|comment|scope)", name)}  # test_documents.py and others
    assert named == {*PAGES, *POSTS, *others, *elsewhere, *EXCHANGE, *OTHERS}


def test_visitors_are_sent_to_sign_in_and_come_back(alice: User) -> None:
    api, visitor = make_api(alice), browse(None)
    for name in [*PAGES, "versions", "deletion"]:
        response = visitor.get(address(name, api))
        assert response.status_code == 302, name
        assert response["Location"].startswith("/publisher/sign-in?next="), name


@pytest.mark.parametrize("person", MEMBERS)
def test_everybody_of_the_publisher_reads_every_page(admin: User, person: str, request: pytest.FixtureRequest) -> None:
    api, member = make_api(admin, publish=True), browse(request.getfixturevalue(person))
    assert {name: member.get(address(name, api)).status_code for name in PAGES} == dict.fromkeys(PAGES, 200)


def test_a_stranger_is_told_that_there_is_no_such_api(alice: User, mallory: User) -> None:
    api, stranger = make_api(alice), browse(mallory)
    for name in PAGES:
        assert stranger.get(address(name, api)).status_code == 404, name
    for name, (data, _) in POSTS.items():
        assert stranger.post(address(name, api), data).status_code == 404, name
        assert Api.objects.get().updated_at == NOW, name


@pytest.mark.parametrize("person", MEMBERS)
def test_a_member_without_the_right_is_refused_and_changes_nothing(
    alice: User, person: str, request: pytest.FixtureRequest
) -> None:
    api, member = make_api(alice), browse(request.getfixturevalue(person))
    for name, (data, allowed) in POSTS.items():
        if person not in allowed:
            assert member.post(address(name, api), data).status_code == 403, name
            assert Api.objects.get().updated_at == NOW, name
            assert (Api.objects.get().stage, api.revisions.count()) == (State.CREATED, 0), name


@pytest.mark.parametrize(
    ("name", "person"), [(name, person) for name, (_, allowed) in POSTS.items() for person in sorted(allowed)]
)
def test_a_member_with_the_right_is_not_refused(
    alice: User, name: str, person: str, request: pytest.FixtureRequest
) -> None:
    member = browse(request.getfixturevalue(person))
    assert member.post(address(name, make_api(alice)), POSTS[name][0]).status_code != 403


@pytest.mark.parametrize("name", ["apis", "create"])
def test_the_list_and_the_form_are_for_those_who_work_here(mallory: User, name: str) -> None:
    assert browse(mallory).get(address(name)).status_code == 403
    assert browse(None).get(address(name)).status_code == 302


@pytest.mark.parametrize(("person", "status"), [("alice", 200), ("bob", 403), ("observer", 403), ("admin", 200)])
def test_only_creators_open_the_form(person: str, status: int, request: pytest.FixtureRequest) -> None:
    assert browse(request.getfixturevalue(person)).get(address("create")).status_code == status


@pytest.mark.parametrize("name", ["api", "lifecycle"])
def test_an_api_that_is_gone_is_not_found(alice: User, name: str) -> None:
    page = reverse(f"publisher:{name}", kwargs={"pk": uuid.uuid4()})
    assert browse(alice).get(page).status_code == 404


@pytest.mark.parametrize("name", ["transitions", "revisions", "undeployment", "restorations", "endpoint-tests"])
def test_what_changes_something_is_never_a_get(admin: User, name: str) -> None:
    api = None if name == "endpoint-tests" else make_api(admin)
    assert browse(admin).get(address(name, api)).status_code == 405


# --- the list ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/publisher/", "/publisher"])
def test_the_portal_opens_on_the_list(alice: User, path: str) -> None:
    assert browse(alice).get(path, follow=True).redirect_chain[-1][0] == "/publisher/apis"


@pytest.mark.parametrize(("person", "offered"), [("alice", True), ("admin", True), ("bob", False), ("observer", False)])
def test_create_api_is_shown_to_creators_only(person: str, offered: bool, request: pytest.FixtureRequest) -> None:
    page = text_of(browse(request.getfixturevalue(person)).get(address("apis")))
    assert ("CREATE API" in page) is offered
    assert ("Design a New WebSocket API" in page) is offered
    assert ("Create your first API" in page) is offered


def test_the_list_finds_filters_and_keeps_both_in_its_links(alice: User) -> None:
    make_api(alice)
    in_state(make_api(alice, name="Chat", context="/chat"), State.BLOCKED)
    client = browse(alice)
    assert "EchoWebSocket" in text_of(client.get("/publisher/apis"))
    found = client.get("/publisher/apis?q=chat&state=BLOCKED")
    assert "Chat" in text_of(found)
    assert "EchoWebSocket" not in text_of(found)
    assert "q=chat&amp;state=BLOCKED" in found.content.decode()
    assert "No API matches" in text_of(client.get("/publisher/apis?q=chat&state=CREATED"))
    assert client.get("/publisher/apis?state=nonsense&sort=nonsense&page=nonsense").status_code == 200


def test_a_long_list_has_pages(alice: User) -> None:
    for number in range(25):
        make_api(alice, name=f"Api {number}", context=f"/a{number}")
    page = text_of(browse(alice).get("/publisher/apis?sort=name&page=2"))
    assert "25–25 of 25 APIs" in page


# --- create --------------------------------------------------------------------------------------------------


def test_create_leads_to_the_overview_of_the_new_api(alice: User) -> None:
    plans("Gold")
    response = browse(alice).post(address("create"), NEW, follow=True)
    api = Api.objects.get()
    assert response.redirect_chain == [(address("api", api), 302)]
    assert "EchoWebSocket 1.0.0 is created." in text_of(response)
    assert api.stage is State.CREATED


def test_create_and_publish_is_offered_to_publishers_and_publishes(alice: User, creator_and_publisher: User) -> None:
    plans("Gold")
    client = browse(creator_and_publisher)
    assert "CREATE & PUBLISH" in text_of(client.get(address("create")))
    response = client.post(address("create"), {**FULL, "publish": "1"}, follow=True)
    assert "EchoWebSocket 1.0.0 is published." in text_of(response)
    assert Api.objects.get().stage is State.PUBLISHED


def test_a_plain_creator_is_neither_offered_nor_allowed_to_publish(alice: User) -> None:
    plans("Gold")
    client = browse(alice)
    page = client.get(address("create")).content.decode()
    assert 'name="publish"' not in page
    assert client.post(address("create"), {**FULL, "publish": "1"}).status_code == 403
    assert not Api.objects.exists()


def test_create_and_publish_without_endpoint_or_plan_says_so_at_the_fields(admin: User) -> None:
    plans("Gold")
    response = browse(admin).post(address("create"), {**NEW, "publish": "1"})
    assert response.status_code == 400
    page = text_of(response)
    assert "Give the endpoint that calls are passed on to." in page
    assert "Choose at least one business plan" in page
    assert not Api.objects.exists()


def test_what_was_typed_survives_a_refusal(alice: User) -> None:
    plans("Gold")
    response = browse(alice).post(address("create"), {**FULL, "context": "/echo websocket", "plans": ["Gold"]})
    assert response.status_code == 400
    body = response.content.decode()
    assert 'value="/echo websocket"' in body
    assert f'value="{BACKEND}"' in body
    assert re.search(r'value="Gold"[^>]* checked', body)
    assert not re.search(r'value="Silver"[^>]* checked', body)
    assert "A context cannot contain a space. Did you mean /echo-websocket ?" in text_of(response)


def test_markup_in_a_name_is_shown_as_text(alice: User) -> None:
    response = browse(alice).post(address("create"), {**NEW, "name": "<b>x</b>", "context": '/"><script>alert(1)'})
    assert "<script>alert" not in response.content.decode()
    assert "<b>x</b>" not in response.content.decode()


def test_a_name_that_is_taken_is_said_at_its_field_with_409(alice: User) -> None:
    make_api(alice)
    response = browse(alice).post(address("create"), NEW)
    assert response.status_code == 409
    assert "There is an API called EchoWebSocket already." in text_of(response)
    assert "EchoWebSocket answers at /echowebsocket already." in text_of(response)


@pytest.mark.parametrize(
    ("field", "value", "verdict"),
    [
        ("context", "/echo websocket", "A context cannot contain a space. Did you mean /echo-websocket ?"),
        ("context", "/ECHOWEBSOCKET", "EchoWebSocket answers at /echowebsocket already."),
        ("context", "/free", ""),
        ("name", "echowebsocket", "There is an API called EchoWebSocket already."),
        ("version", "..", "A version cannot be made of dots alone."),
        ("endpoint", "http://h", "A WebSocket endpoint begins with ws://"),
        ("endpoint", "ws://h", ""),
    ],
)
def test_a_field_is_judged_while_one_types(alice: User, field: str, value: str, verdict: str) -> None:
    make_api(alice)
    said = text_of(browse(alice).get(address("field-checks"), {"field": field, "value": value})).strip()
    assert said.startswith(verdict)
    assert bool(said) is bool(verdict)


@pytest.mark.parametrize(
    ("context", "version", "verdict"),
    [
        ("/echowebsocket/1.0.0", "1.0.0", "EchoWebSocket 1.0.0 answers at /echowebsocket/1.0.0 and below."),
        ("/EchoWebSocket/1/rooms", "2", "EchoWebSocket 1.0.0 answers at /echowebsocket/1.0.0 and below."),
        ("/echowebsocket/{version}/rooms", "1.0.0", "EchoWebSocket 1.0.0 answers"),
        ("/echowebsocket/{version}/rooms", "2.0.0", ""),
        ("/echowebsocket/{version}/rooms", "", "EchoWebSocket 1.0.0 answers"),
        ("/echowebsocket/{version}/rooms", "..", "EchoWebSocket 1.0.0 answers"),
        ("/echowebsocket/2.0.0", "1.0.0", ""),
    ],
)
def test_a_context_inside_another_apis_addresses_is_named_while_one_types(
    alice: User, context: str, version: str, verdict: str
) -> None:
    make_api(alice)
    typed = {"field": "context", "value": context, "version": version}
    said = text_of(browse(alice).get(address("field-checks"), typed)).strip()
    assert said.startswith(verdict)
    assert bool(said) is bool(verdict)
    created = browse(alice).post(address("create"), {**NEW, "name": "Another", "context": context, "version": version})
    assert (said in text_of(created)) if said and version.strip(".") else True


def test_an_unknown_field_is_not_judged(alice: User) -> None:
    assert browse(alice).get(address("field-checks"), {"field": "nonsense"}).status_code == 400


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"test": "endpoint", "endpoint": "http://h"}, "begins with ws://"),
        ({"test": "endpoint"}, "Give the address of a WebSocket backend"),
        ({"test": "endpoint", "endpoint": "ws://nowhere.invalid/聊"}, "· sent as ws://nowhere.invalid/%E8%81%8A"),
        ({"test": "sandbox_url", "sandbox_url": "ws://nowhere.invalid"}, "No host is called nowhere.invalid"),
        ({"test": "nonsense", "endpoint": "ws://nowhere.invalid"}, "No host is called nowhere.invalid"),
        (
            {"test": "production_url", "production_url": "ws://nowhere.invalid", "connect_timeout": "-1"},
            "Connect timeout must be between",
        ),
    ],
)
def test_the_test_button_answers_with_a_sentence(alice: User, data: dict[str, str], sentence: str) -> None:
    response = browse(alice).post(address("endpoint-tests"), data)
    assert (response.status_code, sentence in text_of(response)) == (200, True)


@pytest.fixture
def counts_nothing_yet() -> Iterator[None]:
    """Numbers of attempts are this test's own."""
    cache.clear()
    yield
    cache.clear()


@pytest.mark.usefixtures("counts_nothing_yet")
def test_the_test_button_is_no_way_to_scan_a_network(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[str] = []
    monkeypatch.setattr(checks, "try_endpoint", lambda url, options: dialled.append(url) or EndpointCheck(True, "ok"))
    hers = browse(alice)
    for port in range(checks.MOST_TESTS):
        hers.post(address("endpoint-tests"), {"test": "endpoint", "endpoint": f"ws://h:{port + 1}"})
    response = hers.post(address("endpoint-tests"), {"test": "endpoint", "endpoint": "ws://h:1000"})
    assert "Wait 1 minute, then try again." in text_of(response)
    assert len(dialled) == checks.MOST_TESTS
    theirs = browse(give_role(bob, Role.CREATOR))
    assert "ok" in text_of(theirs.post(address("endpoint-tests"), {"test": "endpoint", "endpoint": "ws://h"}))


def test_only_creators_make_the_server_dial(bob: User) -> None:
    response = browse(bob).post(address("endpoint-tests"), {"test": "endpoint", "endpoint": "ws://nowhere.invalid"})
    assert response.status_code == 403


# --- overview ------------------------------------------------------------------------------------------------


def test_the_overview_of_a_draft_says_what_is_missing(alice: User) -> None:
    page = text_of(browse(alice).get(address("api", make_api(alice, endpoint="", plans=[]))))
    assert "not given yet" in page
    assert "none chosen yet" in page
    assert "Next: Give the address of the backend" in page
    assert "The gateway answers here once the API is published." in page
    assert "View in Developer Portal" not in page


def test_the_overview_of_a_published_api_says_where_it_answers(admin: User) -> None:
    api = make_api(admin, publish=True)
    api = operations.update_api(api=api, changes={"is_default_version": True}, actor=admin, now=NOW)
    operations.deploy_revision(api=api, actor=admin, now=NOW)
    answer = browse(admin).get(address("api", api))
    page, copied = text_of(answer), re.findall(r'data-copy="([^"]+)"', answer.content.decode())
    assert copied == ["ws://localhost:9099/echowebsocket/1.0.0", "wss://localhost:8099/echowebsocket/1.0.0"]
    assert "Also answers at /echowebsocket/1.0 /echowebsocket (default version)" in page
    assert "Next:" not in page
    assert "Revision 2 deployed" in page


def test_the_overview_says_when_the_design_differs_from_what_is_deployed(admin: User) -> None:
    api = make_api(admin, publish=True)
    operations.update_api(api=api, changes={"production": {"url": "ws://new"}, "sandbox": {}}, actor=admin, now=NOW)
    page = text_of(browse(admin).get(address("api", api)))
    assert "The design differs from what is deployed: production endpoint, sandbox endpoint." in page


def test_topics_are_shown_only_when_declared(admin: User) -> None:
    api = make_api(admin)
    assert "All about them" not in text_of(browse(admin).get(address("api", api)))
    Api.objects.update(topics=[{"target": "/rooms/{id}", "verbs": ["publish"], "mapping": "", "scopes": ["chat"]}])
    page = text_of(browse(admin).get(address("api", api)))
    assert "/rooms/{id}" in page
    assert "1 topic" in page


def test_an_observer_is_offered_nothing_to_change(admin: User, observer: User) -> None:
    api = make_api(admin, publish=True)
    client = browse(observer)
    for name in PAGES:
        body = client.get(address(name, api)).content.decode()
        main = body[body.index("<main") : body.index("</main>")]
        main = re.sub(r'<form[^>]*method="get".*?</form>', "", main, flags=re.S)  # which only choose what is shown
        assert 'type="submit"' not in main
        assert not re.search(r">\s*(Save|PUBLISH|Undeploy|Deploy new revision|Restore|New version|Delete)\s*<", main)


# --- changing the design -------------------------------------------------------------------------------------


def basic_info(api: Api, **changed: Any) -> dict[str, Any]:
    stored = {"seen": api.updated_at.isoformat(), "description": api.description, "tags": "", "context": api.context}
    stored |= {"display_name": "", "visibility": "PUBLIC", "access_control": "NONE"}
    return {**stored, **changed}


def test_basic_info_is_saved(alice: User) -> None:
    api = make_api(alice)
    data = basic_info(api, description="Echoes.", tags="chat, echo", is_default_version="on", context="/echo")
    response = browse(alice).post(address("basic-info", api), data, follow=True)
    assert "Basic info is saved." in text_of(response)
    api.refresh_from_db()
    assert (api.description, api.tags, api.is_default_version, api.context) == (
        "Echoes.",
        ["chat", "echo"],
        True,
        "/echo",
    )


def test_the_context_is_no_field_once_it_is_fixed(admin: User) -> None:
    api = make_api(admin, publish=True)
    client = browse(admin)
    assert 'name="context"' not in client.get(address("basic-info", api)).content.decode()
    client.post(address("basic-info", api), basic_info(api, context="/else"))
    api.refresh_from_db()
    assert api.context == "/echowebsocket"


def test_two_tabs_meet_in_a_conflict_that_loses_nothing(alice: User, admin: User) -> None:
    api = make_api(alice)
    mine = basic_info(api, description="Mine.")
    operations.update_api(api=api, changes={"description": "Theirs."}, actor=admin, now=NOW + timedelta(minutes=1))
    client = browse(alice)
    response = client.post(address("basic-info", api), mine)
    assert response.status_code == 409
    assert "admin changed the description after you opened it." in text_of(response)
    body = response.content.decode()
    assert "Mine." in body
    assert "What is stored now" in text_of(response)
    assert "Theirs." in text_of(response)
    assert body.count("<dt>") == 1, "only what differs is shown"
    again = re.search(r'name="seen" value="([^"]+)"', body)
    assert again is not None
    assert client.post(address("basic-info", api), {**mine, "seen": again[1]}).status_code == 302
    api.refresh_from_db()
    assert api.description == "Mine."


def test_a_missing_or_garbled_guard_is_a_refusal_and_never_a_blind_save(alice: User) -> None:
    api = make_api(alice)
    for seen in ("", "nonsense", "2026-13-45T99:99"):
        response = browse(alice).post(address("basic-info", api), basic_info(api, seen=seen, description="x"))
        assert response.status_code == 400
        assert "Open the page again" in text_of(response)
    api.refresh_from_db()
    assert api.description == ""


def drawn(client: Client, name: str, api: Api) -> dict[str, Any]:
    """What a browser would send for a page as it was drawn."""
    form = client.get(address(name, api)).context["form"]
    stored = {name: form.initial[name] for name in form.fields}
    return {name: value for name, value in stored.items() if value is not False and value != ""}


@pytest.mark.parametrize(
    ("page", "theirs", "mine"),
    [
        ("basic-info", {"description": "Theirs."}, {"tags": "mine"}),
        ("endpoint", {"production_url": "ws://theirs:1"}, {"production_failover": "ws://mine:1"}),
        ("endpoint", {"retries": "3"}, {"headers": "X-Mine: 1"}),
        ("runtime", {"origins": "https://theirs.test"}, {"query_token": ""}),
    ],
)
def test_two_people_on_one_page_both_save_what_they_changed(
    alice: User, admin: User, page: str, theirs: dict[str, str], mine: dict[str, str]
) -> None:
    api = make_api(alice)
    hers, his = browse(alice), browse(admin)
    first, second = drawn(his, page, api), drawn(hers, page, api)
    assert his.post(address(page, api), {**first, **theirs}).status_code == 302
    assert hers.post(address(page, api), {**second, **mine}).status_code == 302
    now = drawn(hers, page, api)
    for name, value in {**theirs, **mine}.items():
        assert str(now.get(name, "")).removesuffix(".0") == value, name


def test_two_people_on_two_pages_both_save(alice: User, admin: User) -> None:
    api = make_api(alice)
    hers, his = browse(alice), browse(admin)
    plans, basic = drawn(his, "plans", api), drawn(hers, "basic-info", api)
    assert his.post(address("plans", api), {**plans, "plans": ["Bronze"]}).status_code == 302
    assert hers.post(address("basic-info", api), {**basic, "description": "Mine."}).status_code == 302
    api.refresh_from_db()
    assert (api.description, [plan.name for plan in api.plans.all()]) == ("Mine.", ["Bronze"])


def test_a_real_conflict_names_both_texts_and_the_save_after_it_loses_nothing_else(alice: User, admin: User) -> None:
    api = make_api(alice)
    hers, his = browse(alice), browse(admin)
    first, second = drawn(his, "basic-info", api), drawn(hers, "basic-info", api)
    his.post(address("basic-info", api), {**first, "description": "Theirs.", "tags": "theirs"})
    mine = {**second, "description": "Mine."}
    refused = hers.post(address("basic-info", api), mine)
    assert refused.status_code == 409
    assert "admin changed the description after you opened it." in text_of(refused)
    assert "Theirs." in text_of(refused)
    assert "Mine." in refused.content.decode()
    assert refused.content.decode().count("<dt>") == 1, "tags do not conflict"
    guards = {name: refused.context["form"][name].value() for name in ("seen", "base")}
    assert hers.post(address("basic-info", api), {**mine, **guards}).status_code == 302
    api.refresh_from_db()
    assert (api.description, api.tags) == ("Mine.", ["theirs"])


def test_a_base_that_is_no_base_is_refused(alice: User) -> None:
    api = make_api(alice)
    for base in ("nonsense", "[]", "[" * 3000, "x" * 5000):
        response = browse(alice).post(address("basic-info", api), basic_info(api, base=base, description="x"))
        assert response.status_code == 400
        assert "Open the page again" in text_of(response)


def endpoint_data(api: Api, client: Client) -> dict[str, Any]:
    """What a browser would send for the endpoint page as it stands."""
    form = client.get(address("endpoint", api)).context["form"]
    return {name: value for name, value in form.initial.items() if value is not False and value != ""}


def test_the_endpoint_page_saves_addresses_and_advanced_configuration(alice: User) -> None:
    api = make_api(alice)
    client = browse(alice)
    data = {
        **endpoint_data(api, client),
        "production_failover": "ws://b:1\n\n wss://c:2 \n",
        "sandbox_url": "",
        "connect_timeout": "2.5",
        "retries": "3",
        "headers": "X-Key: a: b\nAuthorization: Basic x",
        "prevent_suspension": "on",
        "pass_refusals": "on",
        "signed_identity": "on",
    }
    del data["verify_tls"]
    assert client.post(address("endpoint", api), data).status_code == 302
    api.refresh_from_db()
    assert api.production == {"url": BACKEND, "failover": ["ws://b:1", "wss://c:2"]}
    assert api.sandbox == {}
    options = api.endpoint_options
    assert (options["connect_timeout"], options["retries"], options["verify_tls"]) == (2.5, 3, False)
    assert options["headers"] == {"X-Key": "a: b", "Authorization": "Basic x"}
    assert options["prevent_suspension"] is True
    assert options["pass_refusals"] is True
    assert options["signed_identity"] is True
    assert options["suspend_factor"] == 2


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"production_failover": "b:1"}, "Did you mean ws://b:1?"),
        ({"retries": "99"}, "Retries must be between 0 and 10."),
        ({"retries": "many"}, "Enter a number."),
        ({"suspend_maximum": "0.5"}, "cannot be shorter than the first one"),
        ({"headers": "no colon"}, "This line has no colon: no colon"),
        ({"headers": "Host: h"}, "The gateway itself sets Host"),
        ({"headers": "X-A: 1\nx-a: 2"}, "x-a stands here twice"),
        ({"ca_certificate": "junk"}, "not a certificate in PEM form"),
    ],
)
def test_each_bad_endpoint_field_says_what_is_wrong_and_opens_the_advanced_part(
    alice: User, wrong: dict[str, str], sentence: str
) -> None:
    api = make_api(alice)
    client = browse(alice)
    response = client.post(address("endpoint", api), {**endpoint_data(api, client), **wrong})
    assert response.status_code == 400
    assert sentence in text_of(response)
    is_open = re.search(r"<details[^>]* open", response.content.decode()) is not None
    assert is_open is ("production_failover" not in wrong)


def test_every_bad_endpoint_field_is_named_at_once(alice: User) -> None:
    api = make_api(alice)
    client = browse(alice)
    wrong = {"production_url": "http://a", "headers": "no colon", "retries": "99", "connect_timeout": "-1"}
    words = text_of(client.post(address("endpoint", api), {**endpoint_data(api, client), **wrong}))
    for sentence in ("begins with ws://", "no colon: no colon", "Retries must be", "Connect timeout must be"):
        assert sentence in words


def test_plans_are_attached_and_the_last_one_of_a_published_api_stays(admin: User) -> None:
    api = make_api(admin, publish=True)
    client = browse(admin)
    page = address("plans", api)
    assert client.post(page, {"seen": api.updated_at.isoformat(), "plans": ["Bronze"]}).status_code == 302
    api.refresh_from_db()
    assert [plan.name for plan in api.plans.all()] == ["Bronze"]
    refused = client.post(page, {"seen": api.updated_at.isoformat()})
    assert (refused.status_code, "keeps at least one plan" in text_of(refused)) == (400, True)


def test_a_publisher_reads_the_endpoint_in_closed_fields(admin: User, bob: User) -> None:
    body = browse(bob).get(address("endpoint", make_api(admin))).content.decode()
    inputs = re.findall(r'<(?:input|textarea)[^>]*name="(?!q"|seen|csrf|theme|next)[^"]+"[^>]*>', body)
    assert len(inputs) > 10
    assert all("disabled" in each for each in inputs)
    assert "Changing it needs the creator role." in body


# --- deployments ---------------------------------------------------------------------------------------------


def test_a_publisher_deploys_goes_back_and_undeploys(admin: User, bob: User) -> None:
    api = make_api(admin, publish=True)
    client = browse(bob)
    same = client.post(address("deployments", api), {"description": "Second"})
    assert (same.status_code, "Nothing differs from revision 1" in text_of(same)) == (409, True)
    assert api.revisions.count() == 1
    operations.update_api(api=api, changes={"production": {"url": "ws://other/"}, "sandbox": {}}, actor=admin, now=NOW)
    done = client.post(address("deployments", api), {"description": "Second"}, follow=True)
    assert "Revision 2 is deployed." in text_of(done)
    first = queries.revisions_of(api).get(number=1)
    client.post(address("deployments", api), {"revision": str(first.pk)})
    api.refresh_from_db()
    assert api.deployed_revision == first
    again = client.post(address("deployments", api), {"revision": str(first.pk)})
    assert (again.status_code, "Revision 1 is deployed already." in text_of(again)) == (409, True)
    assert "off the gateway" in text_of(client.post(address("undeployment", api), follow=True))
    assert client.post(address("undeployment", api)).status_code == 409


def test_a_creator_makes_and_restores_revisions(alice: User) -> None:
    api = make_api(alice)
    client = browse(alice)
    client.post(address("revisions", api), {"description": "First"})
    assert "same as the design" in text_of(client.get(address("deployments", api)))
    same = client.post(address("restorations", api), {"revision": str(queries.revisions_of(api).get().pk)}, follow=True)
    assert "Nothing differs: the design is what it was in revision 1" in text_of(same)
    operations.update_api(api=api, changes={"production": {}, "sandbox": {}}, actor=alice, now=NOW)
    revision = queries.revisions_of(api).get()
    done = client.post(address("restorations", api), {"revision": str(revision.pk)}, follow=True)
    assert "The design is what it was in revision 1." in text_of(done)
    api.refresh_from_db()
    assert api.production["url"] == BACKEND


@pytest.mark.parametrize("name", ["deployments", "restorations"])
@pytest.mark.parametrize("revision", ["nonsense", str(uuid.UUID(int=7))])
def test_a_revision_that_is_not_there_is_not_found(admin: User, name: str, revision: str) -> None:
    assert browse(admin).post(address(name, make_api(admin)), {"revision": revision}).status_code == 404


def test_a_description_that_is_too_long_is_refused_with_a_sentence(admin: User) -> None:
    api = make_api(admin)
    for name in ("deployments", "revisions"):
        response = browse(admin).post(address(name, api), {"description": "x" * 256})
        assert (response.status_code, "at most 255 characters" in text_of(response)) == (400, True)


# --- lifecycle -----------------------------------------------------------------------------------------------


def test_publish_on_the_lifecycle_page_publishes(alice: User, bob: User) -> None:
    api = make_api(alice)
    client = browse(bob)
    page = text_of(client.get(address("lifecycle", api)))
    assert "PUBLISH" in page
    assert "Deprecate old versions after publishing the API" in page
    done = client.post(address("transitions", api), {"action": "Publish", "seen": "CREATED"}, follow=True)
    assert "EchoWebSocket 1.0.0 is Published now." in text_of(done)
    assert "Created → Published" in text_of(done)


@pytest.mark.parametrize("state", list(State))
def test_the_buttons_are_the_actions_of_the_table(alice: User, bob: User, state: State) -> None:
    api = in_state(make_api(alice), state)
    body = browse(bob).get(address("lifecycle", api)).content.decode()
    offered = re.findall(r'name="action" value="([^"]+)"', body)
    assert sorted(offered) == sorted(action.value for action in allowed_actions(state))


def test_the_page_says_what_is_missing_before_it_can_be_published(alice: User, bob: User) -> None:
    api = make_api(alice, endpoint="", plans=[])
    client = browse(bob)
    page = client.get(address("lifecycle", api))
    assert "Before it can be published" in text_of(page)
    assert len(re.findall(r"<button\b[^>]*\sdisabled\s", page.content.decode())) >= 2
    refused = client.post(address("transitions", api), {"action": "Publish", "seen": "CREATED"})
    assert (refused.status_code, "The API cannot be published yet." in text_of(refused)) == (400, True)


def test_a_creator_sees_the_lifecycle_but_no_buttons(alice: User) -> None:
    body = browse(alice).get(address("lifecycle", make_api(alice))).content.decode()
    assert 'name="action"' not in body
    assert "needs the publisher role" in body


def test_a_step_that_the_table_does_not_have_is_a_conflict_on_the_page(alice: User, bob: User) -> None:
    response = browse(bob).post(
        address("transitions", make_api(alice)), {"action": "Retire", "seen": "CREATED", "confirmation": NEW["name"]}
    )
    assert (response.status_code, "cannot take 'Retire'" in text_of(response)) == (409, True)


@pytest.mark.parametrize("action", ["", "Explode"])
def test_an_action_that_does_not_exist_is_refused(alice: User, bob: User, action: str) -> None:
    assert browse(bob).post(address("transitions", make_api(alice)), {"action": action}).status_code == 400


def test_check_items_are_carried_out(admin: User) -> None:
    one = make_api(admin, publish=True)
    two = operations.create_version(api=one, version="2", actor=admin, now=NOW)
    sent = {"action": "Publish", "seen": "CREATED", "deprecate_old_versions": "on"}
    browse(admin).post(address("transitions", two), sent)
    one.refresh_from_db()
    assert one.stage is State.DEPRECATED


def test_retiring_asks_for_the_name(admin: User) -> None:
    api = in_state(make_api(admin, publish=True), State.DEPRECATED)
    client = browse(admin)
    retire = {"action": "Retire", "seen": "DEPRECATED"}
    refused = client.post(address("transitions", api), {**retire, "confirmation": "echo"})
    assert (refused.status_code, "Type EchoWebSocket exactly" in text_of(refused)) == (400, True)
    assert client.post(address("transitions", api), {**retire, "confirmation": api.name}).status_code == 302


@pytest.mark.parametrize("action", ["Deprecate", "Block"])
def test_a_step_is_refused_when_the_api_has_moved_since_it_was_seen(admin: User, action: str) -> None:
    api = make_api(admin, publish=True)
    client = browse(admin)
    stale = client.get(address("lifecycle", api)).content.decode()
    assert stale.count('name="seen" value="PUBLISHED"') == len(allowed_actions(State.PUBLISHED))
    client.post(address("transitions", api), {"action": "Block", "seen": "PUBLISHED"})
    refused = client.post(address("transitions", api), {"action": action, "seen": "PUBLISHED"})
    assert refused.status_code == 409
    assert "is Blocked by now; you saw it Published. Nothing was done" in text_of(refused)
    assert 'name="seen" value="BLOCKED"' in refused.content.decode()
    api.refresh_from_db()
    assert api.stage is State.BLOCKED


def test_a_step_that_does_not_say_what_was_seen_is_not_taken(admin: User) -> None:
    api = make_api(admin, publish=True)
    refused = browse(admin).post(address("transitions", api), {"action": "Block"})
    assert (refused.status_code, "which state you saw" in text_of(refused)) == (400, True)


def test_consequences_are_told_in_the_figures_of_the_rooms_above(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(impact.registered, "applications", [lambda api: 9])
    monkeypatch.setitem(impact.registered, "live", [lambda by, api_id, different="pk": {"1": 100, "2": 20, "3": 8}])
    api = make_api(admin, publish=True)
    page = text_of(browse(admin).get(address("lifecycle", api)))
    assert "closes 128 live connections of 3 applications (code 4006)." in page
    assert "the 9 applications subscribed keep working." in page


# --- versions and deletion -----------------------------------------------------------------------------------


def test_a_new_version_leads_to_its_overview(alice: User) -> None:
    api = make_api(alice)
    client = browse(alice)
    assert "There is 1.0.0." in text_of(client.get(address("versions", api)))
    done = client.post(address("versions", api), {"version": "2.0", "make_default": "on"}, follow=True)
    assert "EchoWebSocket 2.0 is created with the design of 1.0.0." in text_of(done)
    taken = client.post(address("versions", api), {"version": "2.0"})
    assert (taken.status_code, "exists already" in text_of(taken)) == (409, True)


def subscribed(count: int) -> Any:
    return [lambda api: count]


def test_deleting_a_design_needs_no_word(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(impact.registered, "applications", subscribed(0))
    client = browse(alice)
    api = make_api(alice)
    assert 'name="confirmation"' not in client.get(address("deletion", api)).content.decode()
    done = client.post(address("deletion", api), follow=True)
    assert "EchoWebSocket 1.0.0 is deleted." in text_of(done)
    assert not Api.objects.exists()


def test_deleting_what_is_subscribed_to_asks_for_the_name(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(impact.registered, "applications", subscribed(9))
    client = browse(admin)
    api = make_api(admin, publish=True)
    assert "9 applications lose their subscriptions." in text_of(client.get(address("deletion", api)))
    refused: HttpResponse = client.post(address("deletion", api), {"confirmation": "echowebsocket"})
    assert (refused.status_code, "Type EchoWebSocket exactly" in text_of(refused)) == (400, True)
    assert client.post(address("deletion", api), {"confirmation": "EchoWebSocket"}).status_code == 302
    assert not Api.objects.exists()
