"""How an API presents itself, and to whom: the values, the audience, the categories."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.permissions import RoleRequired
from accounts.roles import Role
from core.errors import Invalid, NotAllowed
from core.values import BadValue
from publisher import operations, permissions, presentation, queries
from publisher.design import PARTS
from publisher.models import Api, Category
from tests.publisher.builders import LATER, NOW, give_role, make_api


@pytest.mark.parametrize(
    ("clean", "text", "sentence"),
    [
        (presentation.clean_display_name, "two\nlines", "one line"),
        (presentation.clean_display_name, "x" * 61, "at most 60"),
        (presentation.clean_owner, "x" * 121, "at most 120"),
        (presentation.clean_email, "dora", "name@example.com"),
        (presentation.clean_email, "dora@example.test, bob@example.test", "name@example.com"),
        (presentation.clean_link, "javascript:alert(1)", "begins with https://"),
        (presentation.clean_link, "git.example.com/chat", "Did you mean https://git.example.com/chat"),
        (presentation.clean_link, "https://[", "cannot be read"),
        (presentation.clean_link, "https://" + "x" * 500, "at most 500"),
        (presentation.clean_category_name, " ", "Give the category a name"),
        (presentation.clean_category_name, 'a"b', "cannot contain"),
        (PARTS["visibility"], "SECRET", "Choose one of"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_what_to_do(clean: Any, text: str, sentence: str) -> None:
    with pytest.raises(BadValue, match=sentence.replace("(", r"\(")):
        clean(text)


def test_text_of_any_script_is_taken() -> None:
    assert presentation.clean_display_name(" غرف الدردشة ") == "غرف الدردشة"
    assert presentation.clean_email("dörte@exämple.test") == "dörte@exämple.test"
    assert presentation.clean_properties([{"name": "équipe", "value": "支払い"}]) == [
        {"name": "équipe", "value": "支払い", "shown": False}
    ]


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ("team", "a list"),
        ([{"name": "", "value": "x"}], "Give each property a name"),
        ([{"name": "two words", "value": "x"}], "Did you mean two-words"),
        ([{"name": "a:b", "value": "x"}], "cannot contain :"),
        ([{"name": "team", "value": "a"}, {"name": "TEAM", "value": "b"}], "stands here twice"),
        ([{"name": "team", "value": "x" * 1001}], "at most 1000"),
        ([{"name": f"p{number}", "value": ""} for number in range(51)], "at most 50"),
    ],
)
def test_properties_are_bounded_and_each_has_a_name_of_its_own(properties: Any, sentence: str) -> None:
    with pytest.raises(BadValue, match=sentence):
        presentation.clean_properties(properties)


def test_roles_are_those_that_there_are_with_wso2s_prefix_or_without() -> None:
    assert presentation.clean_roles(["Internal/publisher", "creator"]) == ["creator", "publisher"]
    with pytest.raises(BadValue, match="no role called boss"):
        presentation.clean_roles(["boss"])


@pytest.mark.parametrize("part", ["visibility", "access_control"])
def test_an_audience_of_no_roles_is_refused_however_it_comes_about(alice: User, part: str) -> None:
    field = "visible_roles" if part == "visibility" else "access_control_roles"
    with pytest.raises(Invalid) as refusal:
        make_api(alice, **{part: "RESTRICTED"})
    assert list(refusal.value.fields) == [field]
    api = make_api(alice, **{part: "RESTRICTED", field: ["publisher"]})
    with pytest.raises(Invalid):
        operations.update_api(api=api, changes={field: []}, actor=alice, now=LATER)


def test_a_new_version_presents_itself_as_the_one_before(alice: User, admin: User) -> None:
    shelf = operations.create_category(name="Payments", actor=admin, now=NOW)
    given = {"display_name": "Echo", "support_link": "https://help.test", "visibility": "PRIVATE"}
    api = make_api(alice, categories=[shelf], properties=[{"name": "team", "value": "A"}], **given)
    copy = operations.create_version(api=api, version="2.0.0", actor=alice, now=LATER)
    assert {name: getattr(copy, name) for name in given} == given
    assert (copy.properties, list(copy.categories.all())) == (api.properties, [shelf])


# --- who finds it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "found_by"),
    [
        ({}, {"nobody", "carol", "alice", "bob", "oscar", "admin"}),
        (
            {"visibility": "RESTRICTED", "visible_roles": ["subscriber"]},
            {"carol", "alice", "bob", "oscar", "admin"},
        ),
        ({"visibility": "RESTRICTED", "visible_roles": ["observer"]}, {"alice", "bob", "oscar", "admin"}),
        ({"visibility": "PRIVATE", "visible_roles": ["subscriber"]}, {"alice", "bob", "oscar", "admin"}),
        (
            {"visibility": "PRIVATE", "access_control": "RESTRICTED", "access_control_roles": ["publisher"]},
            {"alice", "bob", "admin"},
        ),
        (
            {
                **{"visibility": "RESTRICTED", "visible_roles": ["subscriber"]},
                **{"access_control": "RESTRICTED", "access_control_roles": ["admin"]},
            },
            {"carol", "alice", "admin"},
        ),
    ],
)
def test_an_api_is_found_by_its_audience_and_its_team(
    alice: User, bob: User, carol: User, observer: User, admin: User, audience: Any, found_by: set[str]
) -> None:
    api = make_api(alice, **audience)
    people = {"nobody": AnonymousUser(), "alice": alice, "bob": bob, "carol": carol, "oscar": observer, "admin": admin}
    seen = {name for name, who in people.items() if Api.objects.filter(queries.visible_to(who), pk=api.pk).exists()}
    assert seen == found_by


# --- who may edit it -----------------------------------------------------------------------------------------


def test_a_guarded_api_is_edited_by_its_provider_administrators_and_creators_with_the_role(
    alice: User, bob: User, mallory: User, admin: User
) -> None:
    api = make_api(alice, access_control="RESTRICTED", access_control_roles=["publisher"])
    other = give_role(mallory, Role.CREATOR)
    assert [permissions.can_edit(who, api) for who in (alice, admin, other, bob)] == [True, True, False, False]
    assert permissions.can_edit(give_role(other, Role.PUBLISHER), api)
    with pytest.raises(permissions.EditorsChosen, match="alice"):
        operations.update_api(api=api, changes={"description": "Mine."}, actor=other, now=LATER)
    for refused in (permissions.require_version, permissions.require_delete, permissions.require_set_plans):
        with pytest.raises(NotAllowed):
            refused(other, api)


# --- categories ----------------------------------------------------------------------------------------------


def test_only_administrators_manage_categories(alice: User) -> None:
    with pytest.raises(RoleRequired):
        operations.create_category(name="Payments", actor=alice, now=NOW)


def test_a_category_has_a_name_of_its_own_in_any_case(admin: User) -> None:
    operations.create_category(name="Payments", actor=admin, now=NOW)
    with pytest.raises(operations.CategoryExists):
        operations.create_category(name="PAYMENTS", actor=admin, now=NOW)
    other = operations.create_category(name="Chat", actor=admin, now=NOW)
    with pytest.raises(operations.CategoryExists):
        operations.update_category(category=other, changes={"name": "payments"}, actor=admin, now=NOW)


def test_an_api_outlives_its_category_and_its_etag_tells(alice: User, admin: User) -> None:
    shelf = operations.create_category(name="Payments", actor=admin, now=NOW)
    api = make_api(alice, categories=[shelf])
    assert queries.get_category(shelf.pk).api_count == 1
    operations.delete_category(category=shelf, actor=admin, now=LATER)
    api.refresh_from_db()
    assert (list(api.categories.all()), api.updated_at, Category.objects.count()) == ([], LATER, 0)


def test_a_category_that_is_gone_is_refused_by_name(alice: User, admin: User) -> None:
    shelf = operations.create_category(name="Payments", actor=admin, now=NOW)
    Category.objects.all().delete()
    with pytest.raises(queries.UnknownCategory, match="Payments"):
        make_api(alice, categories=[shelf])
    with pytest.raises(queries.UnknownCategory, match="Nowhere"):
        queries.categories_named(["Nowhere"])


# --- searching -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"Chat", "Ticker"}),
        ("rooms", {"Chat"}),
        ('"people talk"', {"Chat"}),
        ("people money", set()),
        ("name:chat", {"Chat"}),
        ("name:كلام", {"Chat"}),
        ("NAME:CHAT", {"Chat"}),
        ("display-name:كلام", {"Chat"}),
        ("context:/stocks", {"Ticker"}),
        ("tags:money", {"Ticker"}),
        ("status:created", {"Chat", "Ticker"}),
        ("status:pre-released", set()),
        ("provider:alice tags:talk", {"Chat"}),
        ("api-category:social", {"Chat"}),
        ('api-category:"social"', {"Chat"}),
        ("api-category:soc", set()),
        ('description:"where people"', {"Chat"}),
        ("version:1.0", {"Chat", "Ticker"}),
    ],
)
def test_the_list_is_searched_by_words_and_by_field(alice: User, admin: User, text: str, found: set[str]) -> None:
    shelf = operations.create_category(name="Social", actor=admin, now=NOW)
    chat = {"description": "Rooms where people talk", "display_name": "كلام", "tags": ["talk"], "categories": [shelf]}
    make_api(alice, name="Chat", context="/chat", **chat)
    make_api(alice, name="Ticker", context="/stocks", tags=["money"])
    assert {api.name for api in queries.search_apis(alice, text=text)} == found


def test_a_field_that_cannot_be_searched_is_named(alice: User) -> None:
    with pytest.raises(Invalid, match=r"colour: cannot be searched for\. Possible: content:, name:"):
        queries.search_apis(alice, text="colour:red")
