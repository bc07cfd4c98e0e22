"""What may be read, and by whom."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from core.errors import Invalid
from devportal import queries as developers
from publisher import operations, queries
from publisher.bootstrap import ensure_default_plans
from publisher.lifecycle import Action, State
from publisher.models import Plan
from tests.publisher.builders import LATER, NOW, in_state, make_api


def test_everybody_of_the_publisher_sees_every_api_and_strangers_none(
    alice: User, bob: User, observer: User, admin: User, carol: User
) -> None:
    api = make_api(alice)
    for person in (alice, bob, observer, admin):
        assert queries.get_api_for(person, api.pk) == api
    for stranger in (carol, AnonymousUser()):
        assert not queries.apis_for(stranger).exists()
        with pytest.raises(queries.ApiNotFound):
            queries.get_api_for(stranger, api.pk)


@pytest.mark.parametrize("pk", [uuid.UUID(int=7), "nonsense"])
def test_an_api_that_is_not_there_is_not_found(alice: User, pk: object) -> None:
    with pytest.raises(queries.ApiNotFound):
        queries.get_api_for(alice, pk)
    with pytest.raises(queries.RevisionNotFound):
        queries.get_revision_of(make_api(alice), pk)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"EchoWebSocket", "Chat"}),
        ("echo", {"EchoWebSocket"}),
        ("ROOMS", {"Chat"}),
        ("talk", {"Chat"}),
        ("friendly", {"Chat"}),
        ("chat friendly", {"Chat"}),
        ("chat echo", set()),
        ("%", set()),
    ],
)
def test_every_word_must_be_found_somewhere(alice: User, text: str, found: set[str]) -> None:
    make_api(alice)
    make_api(alice, name="Chat", context="/rooms", tags=["talk"], description="A friendly place.")
    assert {api.name for api in queries.search_apis(alice, text=text)} == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("team:payments", {"EchoWebSocket"}),
        ("TEAM:PAY", {"EchoWebSocket"}),
        ('team:"core & more"', {"EchoWebSocket"}),
        ("команда:Платежи", {"Chat"}),
        ("team:", set()),
        ("team:.*", set()),
        ("team:news", {"Chat"}),
        ("team:secret", set()),
        ("echo team:payments", {"EchoWebSocket"}),
        ("chat team:payments", set()),
    ],
)
def test_a_property_is_searched_by_its_name_within_its_value(alice: User, text: str, found: set[str]) -> None:
    held = [("team", "Payments\n core & more"), ("cost.centre", "secret")]
    other = [("команда", "ПЛАТЕЖИ"), ("team", "news (old)")]
    for name, pairs in (("EchoWebSocket", held), ("Chat", other)):
        properties = [{"name": key, "value": value, "shown": False} for key, value in pairs]
        make_api(alice, name=name, context=f"/{name.lower()}", properties=properties)
    found = found or ({"EchoWebSocket", "Chat"} if text == "team:" else set())
    assert {api.name for api in queries.search_apis(alice, text=text)} == found


def test_the_portal_searches_shown_properties_only_and_what_nobody_has_is_no_field(alice: User, carol: User) -> None:
    properties = [{"name": name, "value": "x", "shown": shown} for name, shown in (("open", True), ("hidden", False))]
    api = in_state(make_api(alice, properties=properties), State.PUBLISHED)
    assert list(developers.catalogue_for(carol, text="open:x")) == [api]
    with pytest.raises(Invalid, match="hidden: cannot be searched for"):
        developers.catalogue_for(carol, text="hidden:x")
    assert list(queries.search_apis(alice, text="hidden:x")) == [api]
    with pytest.raises(Invalid, match="nobody: cannot"):
        queries.search_apis(alice, text="nobody:x")


def test_the_list_is_filtered_by_state_and_sorted(alice: User) -> None:
    first = make_api(alice)
    second = in_state(make_api(alice, name="Chat", context="/rooms"), State.BLOCKED)
    assert list(queries.search_apis(alice, text="status:blocked")) == [second]
    assert list(queries.search_apis(alice, sort="name")) == [second, first]
    assert list(queries.search_apis(alice, sort="-name")) == [first, second]
    assert set(queries.search_apis(alice, sort="nonsense")) == {first, second}


def test_plans_stand_with_the_largest_first_and_the_unlimited_last(db: None) -> None:
    ensure_default_plans()
    assert [plan.name for plan in queries.all_plans()] == ["Gold", "Silver", "Bronze", "Unlimited"]
    gold = queries.all_plans()[0]
    assert (gold.quota, gold.quota_unit, gold.quota_period, gold.rate, gold.connections) == (
        50_000,
        "messages",
        "day",
        100,
        100,
    )


def test_default_plans_are_made_once_and_a_deleted_one_stays_deleted(db: None) -> None:
    ensure_default_plans()
    Plan.objects.filter(name="Gold").delete()
    ensure_default_plans()
    assert Plan.objects.count() == 3


def test_a_plan_that_does_not_exist_is_named(db: None) -> None:
    ensure_default_plans()
    with pytest.raises(queries.UnknownPlan, match="no business plan called Copper"):
        queries.plans_named(["Gold", "Copper"])


def test_versions_stand_newest_first(alice: User) -> None:
    api = make_api(alice, version="1.2")
    for version in ("1.10", "1.9"):
        operations.create_version(api=api, version=version, actor=alice, now=NOW)
    assert [each.version for each in queries.versions_of(api)] == ["1.10", "1.9", "1.2"]


def test_the_history_is_the_making_and_every_step(admin: User) -> None:
    api = make_api(admin, publish=True)
    operations.update_api(api=api, changes={"description": "x"}, actor=admin, now=NOW)
    operations.transition_api(api=api, action=Action.BLOCK, actor=admin, now=NOW)
    history = [row.detail.get("to") for row in queries.lifecycle_history(api)]
    assert history == ["BLOCKED", "PUBLISHED", None]
    assert queries.changes_of(api)[1].verb == "api.updated"


def test_of_two_versions_deployed_as_the_default_the_one_deployed_last_answers_at_the_context(admin: User) -> None:
    one = make_api(admin)
    one = operations.update_api(api=one, changes={"is_default_version": True}, actor=admin, now=NOW)
    one = operations.deploy_revision(api=one, actor=admin, now=NOW)
    assert queries.default_version_of(one) is None
    one = operations.transition_api(api=one, action=Action.PUBLISH, actor=admin, now=NOW)
    assert queries.default_version_of(one) == one
    two = operations.create_version(api=one, version="2", make_default=True, actor=admin, now=NOW)
    assert queries.default_version_of(two) == one
    two = operations.transition_api(api=two, action=Action.PUBLISH, actor=admin, now=LATER)
    assert queries.default_version_of(one) == two
    operations.undeploy(api=two, actor=admin, now=LATER)
    assert queries.default_version_of(one) == one
