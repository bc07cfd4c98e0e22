"""Scopes: of one API or shared, who gets them, and what their pages say."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import RoleRequired
from core.errors import Invalid
from core.values import BadValue
from publisher import scope_terms, scoping
from publisher.models import Api, Scope
from publisher.operations import create_version, update_api
from publisher.operations import scopes as operations
from tests.publisher.builders import LATER, NOW, make_api


def describe(api: Api | None, actor: User, name: str = "chat:write", **fields: Any) -> Scope:
    return operations.create_scope(api=api, fields={"name": name, **fields}, actor=actor, now=NOW)


def asking_for(api: Api, *scopes: str) -> Api:
    """The API with a topic that names these scopes."""
    topics = [{"target": "/rooms/{id}", "verbs": ["publish"], "scopes": list(scopes)}]
    return update_api(api=api, changes={"topics": topics}, actor=api.provider, now=LATER)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a\\b", "räume", "x" * 256, "default", "openid", "apim:api_view"])
def test_what_no_token_can_carry_is_no_scope(name: str) -> None:
    with pytest.raises(BadValue):
        scope_terms.clean_name(name)


def test_somebody_gets_what_their_roles_allow_in_every_definition() -> None:
    definitions = {"write": [["creator"], ["publisher", "creator"]], "read": [[]], "both": [["creator"], ["publisher"]]}

    def granted(*held: str) -> list[str]:
        return scope_terms.granted(["default", "write", "read", "both", "unknown"], definitions, held)

    assert granted("subscriber") == ["default", "read", "unknown"]
    assert granted("creator") == ["default", "write", "read", "unknown"]
    assert granted("admin") == ["default", "write", "read", "both", "unknown"]


def test_a_scope_has_one_meaning(alice: User, admin: User) -> None:
    api, other = make_api(alice), make_api(alice, name="Other", context="/other")
    describe(api, alice)
    describe(None, admin, "shared")

    for place, name in ((api, "chat:write"), (other, "chat:write"), (other, "shared"), (None, "shared")):
        with pytest.raises(operations.ScopeExists):
            describe(place, admin, name)
    with pytest.raises(operations.ScopeExists):
        describe(None, admin, "chat:write")


def test_a_new_version_has_the_scopes_of_the_one_before_it(alice: User) -> None:
    api = make_api(alice)
    describe(api, alice, roles=["creator"])

    copy = create_version(api=api, version="2.0.0", actor=alice, now=LATER)

    assert list(copy.scopes.values_list("name", "roles")) == [("chat:write", ["creator"])]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"roles": ["king"]}, "roles"), ({"roles": "creator"}, "roles"), ({"description": "x" * 513}, "description")],
)
def test_what_is_wrong_with_a_scope_is_said_at_its_field(alice: User, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        describe(make_api(alice), alice, **fields)
    assert list(refused.value.fields) == [field]


def test_creators_describe_the_scopes_of_an_api_and_administrators_the_shared_ones(
    alice: User, bob: User, admin: User
) -> None:
    api = make_api(alice)

    for place, actor in ((api, bob), (None, alice), (None, bob)):
        with pytest.raises(RoleRequired):
            describe(place, actor)
    assert describe(None, admin)


def test_the_name_of_a_scope_stays(alice: User) -> None:
    scope = describe(make_api(alice), alice)

    with pytest.raises(Invalid, match="The name stays"):
        operations.update_scope(scope=scope, changes={"name": "other"}, actor=alice, now=LATER)


def test_the_second_of_two_who_change_a_scope_is_told(alice: User) -> None:
    scope = describe(make_api(alice), alice)
    operations.update_scope(scope=scope, changes={"roles": ["creator"]}, seen=NOW, actor=alice, now=LATER)

    with pytest.raises(operations.ScopeChanged):
        operations.update_scope(scope=scope, changes={"roles": []}, seen=NOW, actor=alice, now=LATER)


def test_a_scope_that_a_topic_names_stays(alice: User, admin: User) -> None:
    local_api = make_api(alice)
    local, shared = describe(local_api, alice), describe(None, admin, "shared")
    asking_for(local_api, "chat:write", "shared")

    for scope in (local, shared):
        with pytest.raises(operations.ScopeInUse, match=r"EchoWebSocket 1\.0\.0"):
            operations.delete_scope(scope=scope, actor=admin, now=LATER)
    asking_for(local_api, "shared:not")
    for scope in (local, shared):
        operations.delete_scope(scope=scope, actor=admin, now=LATER)
    assert not Scope.objects.exists()


def test_the_page_says_which_scopes_topics_ask_for_that_nobody_has_described(alice: User, observer: User) -> None:
    api = make_api(alice)
    describe(api, alice, display_name="Write in rooms", roles=["creator"])
    api = asking_for(api, "chat:write", "chat:read", "default")

    assert [(use.name, bool(use.definition), use.topics) for use in scoping.uses_of(api)] == [
        ("chat:read", False, ("/rooms/{id}",)),
        ("chat:write", True, ("/rooms/{id}",)),
    ]
    address = reverse("publisher:scopes", args=[api.pk])
    page = signed_in(alice).get(address).content.decode()
    assert "Topics ask for a scope that nobody has described" in page
    assert f"{reverse('publisher:scope-create', args=[api.pk])}?name=chat%3Aread" in page
    assert "needs the creator role" in signed_in(observer).get(address).content.decode()


def test_alice_describes_a_scope_on_the_page(alice: User) -> None:
    api, browser = make_api(alice), signed_in(alice)
    create = reverse("publisher:scope-create", args=[api.pk])
    assert b'value="chat:read"' in browser.get(f"{create}?name=chat:read").content

    refused = browser.post(create, {"name": "chat read", "description": "kept"})
    assert refused.status_code == 400
    assert b"kept" in refused.content
    assert browser.post(create, {"name": "chat:read", "roles": ["subscriber", "creator"]}).status_code == 302
    scope = Scope.objects.get()
    assert scope.roles == ["creator", "subscriber"]

    page = reverse("publisher:scope", args=[api.pk, scope.pk])
    seen = scope.updated_at.isoformat()
    assert browser.post(page, {"seen": seen, "description": "Read rooms"}).status_code == 302
    changed = Scope.objects.get()
    assert (changed.name, changed.description, changed.roles) == ("chat:read", "Read rooms", [])
    stale = browser.post(page, {"seen": seen, "description": "Mine"})
    assert stale.status_code == 409
    assert b"Somebody changed this scope" in stale.content


def test_an_administrator_keeps_the_shared_scopes(alice: User, admin: User) -> None:
    browser = signed_in(admin)
    assert browser.post(reverse("publisher-admin:scope-create"), {"name": "shared"}).status_code == 302
    scope = Scope.objects.get()
    asking_for(make_api(alice), "shared")

    browser.post(reverse("publisher-admin:scope-deletions", args=[scope.pk]))

    assert Scope.objects.exists()
    assert b"Topics of EchoWebSocket 1.0.0 ask for shared" in browser.get(reverse("publisher-admin:scopes")).content
