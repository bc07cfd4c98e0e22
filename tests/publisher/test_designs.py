"""Operations on the design: create, copy, change, delete."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.permissions import RoleRequired
from accounts.roles import Role
from core.errors import Invalid
from core.models import AuditEntry
from publisher import operations, queries
from publisher.endpoint import HIDDEN
from publisher.lifecycle import State
from publisher.models import Api
from publisher.queries import ApiNotFound
from tests.publisher.builders import BACKEND, LATER, NOW, give_role, in_state, make_api, plans, verbs


def test_a_creator_designs_an_api(alice: User) -> None:
    api = make_api(alice, context="echowebsocket/", description=" Echoes. ", tags=["chat", "chat"])
    assert (api.name, api.context, api.version) == ("EchoWebSocket", "/echowebsocket", "1.0.0")
    assert (api.provider, api.stage, api.created_at, api.updated_at) == (alice, State.CREATED, NOW, NOW)
    assert (api.description, api.tags) == ("Echoes.", ["chat"])
    assert api.production == api.sandbox == {"url": BACKEND, "failover": []}
    assert api.endpoint_options["connect_timeout"] == 5
    assert sorted(plan.name for plan in api.plans.all()) == ["Gold", "Silver"]
    assert api.deployed_revision is None
    assert verbs(api) == ["api.created"]


def test_endpoint_and_plans_may_come_later(alice: User) -> None:
    api = make_api(alice, endpoint=" ", plans=[])
    assert (api.production, api.sandbox, api.plans.count()) == ({}, {}, 0)


def test_create_and_publish_makes_deploys_and_publishes_at_once(admin: User) -> None:
    api = make_api(admin, publish=True)
    assert (api.stage, api.published_at) == (State.PUBLISHED, NOW)
    assert api.deployed_revision is not None
    assert (api.deployed_revision.number, api.deployed_at) == (1, NOW)
    assert verbs(api) == ["api.created", "api.revision_created", "api.deployed", "api.transitioned"]


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ({"endpoint": ""}, ["endpoint"]),
        ({"plans": []}, ["plans"]),
        ({"endpoint": "", "plans": []}, ["endpoint", "plans"]),
    ],
)
def test_create_and_publish_says_all_that_is_missing_and_leaves_nothing(
    admin: User, left_out: dict[str, object], missing: list[str]
) -> None:
    with pytest.raises(operations.NotReadyToPublish) as refusal:
        make_api(admin, publish=True, **left_out)
    assert refusal.value.missing == missing == list(refusal.value.fields)
    assert not Api.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_plain_creator_can_not_create_and_publish(alice: User) -> None:
    with pytest.raises(RoleRequired, match="Publishing an API needs the publisher role"):
        make_api(alice, publish=True)
    assert not Api.objects.exists()


def test_all_bad_fields_are_named_at_once(alice: User) -> None:
    with pytest.raises(Invalid) as refusal:
        make_api(alice, name="", context="/a b", version="..", endpoint="http://x")
    assert set(refusal.value.fields) == {"name", "context", "version", "endpoint"}
    assert refusal.value.fields["context"] == "A context cannot contain a space. Did you mean /a-b?"


@pytest.mark.parametrize(
    ("given", "clashes", "code"),
    [
        ({"name": "ECHOwebsocket", "context": "/other"}, ["name"], 900250),
        ({"name": "ECHOwebsocket", "context": "/other", "version": "2"}, ["name"], 900250),
        ({"name": "Other", "context": "/EchoWebSocket"}, ["context"], 900251),
        ({"name": "Other", "context": "/echowebsocket/{version}", "version": "2"}, ["context"], 900251),
        ({}, ["name", "context"], 900250),
    ],
)
def test_a_name_or_context_that_is_taken_is_refused(
    alice: User, given: dict[str, str], clashes: list[str], code: int
) -> None:
    make_api(alice)
    with pytest.raises(operations.AlreadyExists) as refusal:
        make_api(alice, **given)
    assert (list(refusal.value.fields), refusal.value.field, refusal.value.code) == (clashes, clashes[0], code)


def test_a_context_that_is_only_longer_is_free(alice: User) -> None:
    make_api(alice)
    assert make_api(alice, name="Other", context="/echowebsocket/eu").pk


def test_the_database_itself_refuses_a_second_row_of_the_same_version(alice: User) -> None:
    api = make_api(alice)
    operations.create_version(api=api, version="2.0", actor=alice, now=NOW)
    api.pk, api.name = None, "Other"
    with pytest.raises(IntegrityError), transaction.atomic():
        api.save(force_insert=True)


def test_a_new_version_is_a_copy_in_created(alice: User, admin: User) -> None:
    api = make_api(admin, publish=True, description="Echoes.")
    copy = operations.create_version(api=api, version="2.0.0", actor=alice, now=LATER)
    assert (copy.name, copy.context, copy.version, copy.stage) == (api.name, api.context, "2.0.0", State.CREATED)
    assert (copy.production, copy.description, copy.provider) == (api.production, "Echoes.", alice)
    assert sorted(plan.name for plan in copy.plans.all()) == ["Gold", "Silver"]
    assert (copy.deployed_revision, copy.is_default_version) == (None, False)
    assert verbs(copy) == ["api.created"]


def test_a_version_exists_once_in_any_case(alice: User) -> None:
    api = make_api(alice, version="V1")
    with pytest.raises(operations.AlreadyExists) as refusal:
        operations.create_version(api=api, version="v1", actor=alice, now=NOW)
    assert (refusal.value.field, refusal.value.code) == ("version", 900252)


def test_only_one_version_is_the_default_and_the_other_one_is_told_in_the_audit_log(alice: User) -> None:
    api = make_api(alice)
    api = operations.update_api(api=api, changes={"is_default_version": True}, actor=alice, now=NOW)
    copy = operations.create_version(api=api, version="2", make_default=True, actor=alice, now=LATER)
    api.refresh_from_db()
    assert (copy.is_default_version, api.is_default_version) == (True, False)
    assert AuditEntry.objects.filter(object_id=str(api.pk)).last().detail["fields"] == ["is_default_version"]


def test_an_edit_is_written_and_its_fields_are_named(alice: User) -> None:
    api = make_api(alice)
    changes = {"description": "New.", "tags": ["chat"], "is_default_version": False}
    saved = operations.update_api(api=api, changes=changes, seen=NOW, actor=alice, now=LATER)
    assert (saved.description, saved.tags, saved.updated_at) == ("New.", ["chat"], LATER)
    assert AuditEntry.objects.last().detail["fields"] == ["description", "tags"]


def test_an_edit_over_somebody_elses_is_refused_and_says_whose_it_was(alice: User, admin: User) -> None:
    api = make_api(alice)
    operations.update_api(api=api, changes={"description": "Theirs."}, seen=NOW, actor=admin, now=LATER)
    with pytest.raises(operations.ChangedMeanwhile, match="admin changed the description after you opened it"):
        operations.update_api(api=api, changes={"description": "Mine."}, seen=NOW, actor=alice, now=LATER)
    api.refresh_from_db()
    assert api.description == "Theirs."


def test_a_lifecycle_step_does_not_stand_in_the_way_of_an_edit(alice: User, admin: User) -> None:
    api = make_api(admin, publish=True)
    assert operations.update_api(api=api, changes={"description": "New."}, seen=NOW, actor=alice, now=LATER)


@pytest.mark.parametrize("field", ["name", "version", "state", "provider", "nonsense"])
def test_what_names_an_api_cannot_be_edited(alice: User, field: str) -> None:
    api = make_api(alice)
    with pytest.raises(Invalid) as refusal:
        operations.update_api(api=api, changes={field: "x"}, actor=alice, now=NOW)
    assert list(refusal.value.fields) == [field]


def test_the_context_may_change_until_the_first_revision(alice: User) -> None:
    api = make_api(alice)
    api = operations.update_api(api=api, changes={"context": "/echo"}, actor=alice, now=NOW)
    assert api.context == "/echo"
    operations.create_revision(api=api, actor=alice, now=NOW)
    with pytest.raises(operations.ContextIsFixed, match="The context stays /echo"):
        operations.update_api(api=api, changes={"context": "/else"}, actor=alice, now=NOW)


def test_the_context_of_several_versions_is_fixed(alice: User) -> None:
    api = make_api(alice)
    operations.create_version(api=api, version="2", actor=alice, now=NOW)
    with pytest.raises(operations.ContextIsFixed):
        operations.update_api(api=api, changes={"context": "/else"}, actor=alice, now=NOW)


def test_a_context_of_another_api_cannot_be_taken_over(alice: User) -> None:
    make_api(alice, name="Other", context="/other")
    api = make_api(alice)
    with pytest.raises(operations.AlreadyExists) as refusal:
        operations.update_api(api=api, changes={"context": "/other/{version}"}, actor=alice, now=NOW)
    assert refusal.value.field == "context"


def test_production_and_sandbox_are_saved_apart(alice: User) -> None:
    api = make_api(alice)
    saved = operations.update_api(
        api=api,
        changes={
            "production": {"url": "wss://p:1", "failover": ["wss://q:1"]},
            "sandbox": {},
            "endpoint_options": {"retries": 2},
        },
        seen=NOW,
        actor=alice,
        now=LATER,
    )
    assert (saved.production, saved.sandbox) == ({"url": "wss://p:1", "failover": ["wss://q:1"]}, {})
    assert saved.endpoint_options["retries"] == 2
    assert AuditEntry.objects.last().detail["fields"] == ["endpoint_options", "production", "sandbox"]


def test_options_that_are_not_given_stay(alice: User) -> None:
    api = make_api(alice)
    api = operations.update_api(
        api=api, changes={"production": {}, "sandbox": {}, "endpoint_options": {"retries": 2}}, actor=alice, now=NOW
    )
    api = operations.update_api(api=api, changes={"production": {"url": BACKEND}, "sandbox": {}}, actor=alice, now=NOW)
    assert api.endpoint_options["retries"] == 2


def test_each_bad_endpoint_field_is_named(alice: User) -> None:
    with pytest.raises(Invalid) as refusal:
        operations.update_api(
            api=make_api(alice),
            changes={
                "production": {"url": "x"},
                "sandbox": {"url": BACKEND, "failover": ["y"]},
                "endpoint_options": {"retries": 99},
            },
            actor=alice,
            now=NOW,
        )
    assert set(refusal.value.fields) == {"production_url", "sandbox_failover", "retries"}


def test_no_credential_in_an_address_reaches_the_audit_log(alice: User) -> None:
    api = make_api(alice, endpoint="ws://h/?key=canary")
    operations.update_api(
        api=api,
        changes={
            "production": {"url": "ws://h/?key=canary2"},
            "sandbox": {},
            "endpoint_options": {"headers": {"A": "canary3"}},
        },
        actor=alice,
        now=NOW,
    )
    assert "canary" not in str([row.detail for row in AuditEntry.objects.all()])


def test_the_whole_document_is_saved_by_one_act_with_one_entry(admin: User) -> None:
    api = make_api(admin)
    changes = {
        "description": "New.",
        "plans": plans("Bronze"),
        "production": {"url": "ws://p:1"},
        "origins": ["https://a.test"],
        "topics": [{"target": "/rooms/{id}", "verbs": ["subscribe"]}],
        "tags": [],
    }
    saved = operations.update_api(api=api, changes=changes, seen=NOW, actor=admin, now=LATER)
    assert (saved.description, saved.production["url"], saved.origins) == ("New.", "ws://p:1", ["https://a.test"])
    assert saved.topics == [{"target": "/rooms/{id}", "verbs": ["subscribe"], "mapping": "", "scopes": []}]
    assert verbs(api) == ["api.created", "api.updated"]
    detail = AuditEntry.objects.last().detail
    assert detail["fields"] == ["description", "origins", "plans", "production", "topics"]
    assert detail["plans"] == ["Bronze"]


def test_one_bad_part_leaves_all_as_it_was(admin: User) -> None:
    api = make_api(admin)
    changes = {"description": "New.", "production": {"url": "x"}, "topics": [{"target": "//"}], "plans": []}
    with pytest.raises(Invalid) as refusal:
        operations.update_api(api=api, changes=changes, actor=admin, now=LATER)
    assert refusal.value.fields.keys() == {"production_url", "topics"}
    api.refresh_from_db()
    assert (api.description, api.plans.count(), verbs(api)) == ("", 2, ["api.created"])


def test_what_is_sent_as_it_is_changes_nothing_and_is_not_recorded(alice: User) -> None:
    api = make_api(alice)
    changes = {"description": "", "plans": plans("Silver", "Gold"), "production": {"url": BACKEND}, "tags": []}
    same = operations.update_api(api=api, changes=changes, seen=NOW, actor=alice, now=LATER)
    assert (same.updated_at, verbs(api)) == (NOW, ["api.created"])


def test_who_may_only_choose_plans_does_not_write_over_a_change_that_came_between(alice: User, bob: User) -> None:
    api = make_api(alice)
    operations.update_api(api=api, changes={"description": "Hers."}, actor=alice, now=LATER)
    changes = {"description": "", "plans": plans("Gold")}
    saved = operations.update_api(api=api, changes=changes, actor=bob, now=LATER)
    assert (saved.description, saved.plans.count()) == ("Hers.", 1)


def test_plans_are_exactly_those_chosen(alice: User, bob: User) -> None:
    api = operations.update_api(api=make_api(alice), changes={"plans": plans("Bronze")}, seen=NOW, actor=bob, now=LATER)
    assert [plan.name for plan in api.plans.all()] == ["Bronze"]
    assert AuditEntry.objects.last().detail["plans"] == ["Bronze"]


def test_a_creator_chooses_plans_while_it_is_a_design_and_no_longer(alice: User) -> None:
    api = make_api(alice)
    operations.update_api(api=api, changes={"plans": []}, actor=alice, now=NOW)
    with pytest.raises(RoleRequired):
        operations.update_api(
            api=in_state(api, State.PUBLISHED), changes={"plans": plans("Gold")}, actor=alice, now=NOW
        )


@pytest.mark.parametrize("state", [State.PUBLISHED, State.PROTOTYPED])
def test_an_api_that_may_be_subscribed_to_keeps_a_plan(alice: User, bob: User, state: State) -> None:
    api = in_state(make_api(alice), state)
    with pytest.raises(operations.PlansNeeded):
        operations.update_api(api=api, changes={"plans": []}, actor=bob, now=NOW)
    assert api.plans.count() == 2


def test_deleting_leaves_nothing_but_the_audit_log(admin: User) -> None:
    api = make_api(admin, publish=True)
    operations.delete_api(api=api, actor=admin, now=LATER)
    assert not Api.objects.exists()
    assert verbs(api)[-1] == "api.deleted"
    with pytest.raises(ApiNotFound, match="deleted meanwhile"):
        operations.delete_api(api=api, actor=admin, now=LATER)


def test_a_creator_deletes_a_design_but_not_what_is_served(alice: User, admin: User) -> None:
    operations.delete_api(api=make_api(alice), actor=alice, now=NOW)
    served = make_api(admin, publish=True)
    with pytest.raises(RoleRequired):
        operations.delete_api(api=served, actor=alice, now=NOW)
    operations.delete_api(api=served, actor=give_role(alice, Role.PUBLISHER), now=NOW)


MERGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "two parts": ({"description": "Theirs."}, {"description": "", "tags": ["mine"]}, []),
    "the same part": ({"description": "Theirs."}, {"description": "Mine.", "tags": ["mine"]}, ["description"]),
    "the same value": ({"description": "Both."}, {"description": "Both.", "tags": ["mine"]}, []),
    "two fields of an endpoint": (
        {"production": {"url": f"{BACKEND}/theirs"}},
        {"production": {"url": BACKEND, "failover": [f"{BACKEND}/mine"]}},
        [],
    ),
    "one field of an endpoint": (
        {"production": {"url": f"{BACKEND}/theirs"}},
        {"production": {"url": f"{BACKEND}/mine"}},
        ["production_url"],
    ),
    "two options": ({"endpoint_options": {"retries": 3}}, {"endpoint_options": {"idle_timeout": 60}}, []),
    "one option": ({"endpoint_options": {"retries": 3}}, {"endpoint_options": {"retries": 4}}, ["retries"]),
    "a secret and an option": (
        {"endpoint_options": {"secret_headers": {"X-Key": "theirs"}}},
        {"endpoint_options": {"retries": 4, "secret_headers": {"X-Key": HIDDEN}}},
        [],
    ),
    "a secret that went": (
        {"endpoint_options": {"secret_headers": {}}},
        {"endpoint_options": {"retries": 4, "secret_headers": {"X-Key": HIDDEN}}},
        [],
    ),
    "one secret": (
        {"endpoint_options": {"secret_headers": {"X-Key": "theirs"}}},
        {"endpoint_options": {"secret_headers": {"X-Key": "mine"}}},
        ["secret_headers"],
    ),
}


@pytest.mark.parametrize("case", MERGES)
def test_fields_that_do_not_touch_each_other_do_not_conflict(alice: User, admin: User, case: str) -> None:
    theirs, mine, clashing = MERGES[case]
    secret = {"endpoint_options": {"secret_headers": {"X-Key": "first"}}}
    api = operations.update_api(api=make_api(alice), changes=secret, actor=alice, now=NOW)
    base = queries.base_of(api)
    stored = operations.update_api(api=api, changes=theirs, actor=admin, now=LATER)
    if clashing:
        with pytest.raises(operations.ChangedMeanwhile, match="admin changed the") as refusal:
            operations.update_api(api=api, changes=mine, base=base, actor=alice, now=LATER)
        assert list(refusal.value.clashing) == clashing
        saved = Api.objects.get(pk=api.pk)
        assert queries.base_of(saved) == queries.base_of(stored)
        return
    saved = operations.update_api(api=api, changes=mine, base=base, actor=alice, now=LATER)
    before, between, after = base, queries.base_of(stored), queries.base_of(saved)
    theirs_changed = {name for name in base if between[name] != before[name]}
    assert theirs_changed
    assert all(after[name] == between[name] for name in theirs_changed), "what they changed stays"
    assert {name for name in base if after[name] != between[name]}, "and mine is there too"


def test_plans_and_a_description_do_not_conflict_but_plans_and_other_plans_do(admin: User) -> None:
    api = make_api(admin)
    base = queries.base_of(api)
    operations.update_api(api=api, changes={"plans": plans("Bronze")}, actor=admin, now=LATER)
    changes = {"description": "Mine.", "plans": plans("Gold", "Silver")}
    saved = operations.update_api(api=api, changes=changes, base=base, actor=admin, now=LATER)
    assert (saved.description, [plan.name for plan in saved.plans.all()]) == ("Mine.", ["Bronze"])
    with pytest.raises(operations.ChangedMeanwhile, match="changed the plans"):
        operations.update_api(api=api, changes={"plans": plans("Gold")}, base=base, actor=admin, now=LATER)
