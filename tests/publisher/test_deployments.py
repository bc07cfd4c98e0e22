"""Operations on revisions."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from core.errors import Invalid
from core.models import AuditEntry
from publisher import operations, queries, snapshots
from publisher.lifecycle import State
from publisher.models import Api, Revision
from tests.publisher.builders import BACKEND, LATER, NOW, in_state, make_api, verbs


def test_a_revision_remembers_what_the_gateway_needs(alice: User) -> None:
    api = make_api(alice)
    revision = operations.create_revision(api=api, description=" First. ", actor=alice, now=NOW)
    assert (revision.number, revision.description, revision.created_by) == (1, "First.", alice)
    assert revision.snapshot == {
        "api_id": str(api.pk),
        "name": "EchoWebSocket",
        "context": "/echowebsocket",
        "version": "1.0.0",
        "is_default_version": False,
        "production": {"url": BACKEND, "failover": []},
        "sandbox": {"url": BACKEND, "failover": []},
        "endpoint_options": api.endpoint_options,
        "topics": [],
        "definition": {},
        "description": "",
        "tags": [],
        "plans": ["Gold", "Silver"],
        "origins": [],
        "query_token": True,
        "mock": {},
        "message_bytes": 0,
        "frame_bytes": 0,
        "key_types": ["PRODUCTION", "SANDBOX"],
        "key_managers": ["all"],
        "payload_validation": "off",
        "message_rate": 0,
        "over_rate": "delay",
        "byte_quota": 0,
        "byte_period": "minute",
        "over_byte_quota": "close",
        "redacted": [],
    }


def test_revisions_are_numbered_by_api(alice: User) -> None:
    api, other = make_api(alice), make_api(alice, name="Other", context="/other")
    numbers = [operations.create_revision(api=each, actor=alice, now=NOW).number for each in (api, other, api)]
    assert numbers == [1, 1, 2]


def test_a_long_description_of_a_revision_is_refused(alice: User) -> None:
    with pytest.raises(Invalid) as refusal:
        operations.create_revision(api=make_api(alice), description="x" * 256, actor=alice, now=NOW)
    assert "description" in refusal.value.fields


def test_a_publisher_deploys_and_undeploys(alice: User, bob: User) -> None:
    api = make_api(alice)
    revision = operations.create_revision(api=api, actor=alice, now=NOW)
    api = operations.deploy_revision(api=api, revision=revision, actor=bob, now=LATER)
    assert (api.deployed_revision, api.deployed_at) == (revision, LATER)
    api = operations.undeploy(api=api, actor=bob, now=LATER)
    assert (api.deployed_revision, api.deployed_at) == (None, None)
    assert verbs(api) == ["api.created", "api.revision_created", "api.deployed", "api.undeployed"]
    assert AuditEntry.objects.last().detail["revision"] == 1


def test_deploying_twice_and_undeploying_nothing_are_refused(alice: User, bob: User) -> None:
    api = make_api(alice)
    with pytest.raises(operations.NotDeployed):
        operations.undeploy(api=api, actor=bob, now=NOW)
    revision = operations.create_revision(api=api, actor=alice, now=NOW)
    operations.deploy_revision(api=api, revision=revision, actor=bob, now=NOW)
    with pytest.raises(operations.AlreadyDeployed):
        operations.deploy_revision(api=api, revision=revision, actor=bob, now=NOW)


def test_what_has_no_endpoint_or_is_retired_is_not_deployed(alice: User, bob: User) -> None:
    api = make_api(alice, endpoint="")
    empty = operations.create_revision(api=api, actor=alice, now=NOW)
    with pytest.raises(operations.CannotDeploy, match="names no endpoint"):
        operations.deploy_revision(api=api, revision=empty, actor=bob, now=NOW)
    api = operations.update_api(api=api, changes={"production": {"url": BACKEND}, "sandbox": {}}, actor=alice, now=NOW)
    revision = operations.create_revision(api=api, actor=alice, now=NOW)
    with pytest.raises(operations.CannotDeploy, match="retired"):
        operations.deploy_revision(api=in_state(api, State.RETIRED), revision=revision, actor=bob, now=NOW)


def test_a_revision_of_another_api_is_never_deployed(alice: User, bob: User) -> None:
    api, other = make_api(alice), make_api(alice, name="Other", context="/other")
    foreign = operations.create_revision(api=other, actor=alice, now=NOW)
    with pytest.raises(operations.CannotDeploy, match="belongs to"):
        operations.deploy_revision(api=api, revision=foreign, actor=bob, now=NOW)
    with pytest.raises(operations.CannotDeploy, match="belongs to"):
        operations.restore_revision(api=api, revision=foreign, actor=alice, now=NOW)


def test_an_edit_touches_what_is_deployed_only_when_it_is_deployed(admin: User) -> None:
    api = make_api(admin, publish=True)
    assert snapshots.differences(api) == []
    api = operations.update_api(
        api=api,
        changes={"production": {"url": "ws://new:1"}, "sandbox": api.sandbox, "endpoint_options": {"retries": 1}},
        actor=admin,
        now=NOW,
    )
    assert snapshots.differences(api) == ["production endpoint", "endpoint configuration"]
    assert api.deployed_revision is not None
    assert api.deployed_revision.snapshot["production"]["url"] == BACKEND
    revision = operations.create_revision(api=api, actor=admin, now=NOW)
    api = operations.deploy_revision(api=api, revision=revision, actor=admin, now=NOW)
    assert snapshots.differences(api) == []


def test_description_and_plans_ask_for_no_new_deployment(admin: User) -> None:
    api = make_api(admin, publish=True)
    api = operations.update_api(api=api, changes={"description": "x"}, actor=admin, now=NOW)
    api = operations.update_api(api=api, changes={"plans": list(api.plans.all()[:1])}, actor=admin, now=NOW)
    assert snapshots.differences(api) == []


def test_restoring_makes_an_old_endpoint_the_design_again_and_leaves_the_gateway_alone(admin: User) -> None:
    api = make_api(admin, publish=True)
    first = api.deployed_revision
    assert first is not None
    api = operations.update_api(
        api=api, changes={"production": {"url": "ws://new:1"}, "sandbox": {}}, actor=admin, now=NOW
    )
    second = operations.create_revision(api=api, actor=admin, now=NOW)
    api = operations.deploy_revision(api=api, revision=second, actor=admin, now=NOW)
    api = operations.restore_revision(api=api, revision=first, actor=admin, now=LATER)
    assert (api.production["url"], api.updated_at) == (BACKEND, LATER)
    assert api.deployed_revision == second
    assert AuditEntry.objects.last().detail["restored_revision"] == 1


def test_an_option_that_did_not_exist_when_it_was_deployed_is_no_difference(admin: User) -> None:
    api = make_api(admin, publish=True)
    revision = api.deployed_revision
    assert revision
    options = {key: value for key, value in revision.snapshot["endpoint_options"].items() if key != "secret_headers"}
    Revision.objects.update(snapshot={**revision.snapshot, "endpoint_options": options})
    assert snapshots.differences(Api.objects.select_related("deployed_revision").get()) == []


# --- how many are kept ---------------------------------------------------------------------------------------


def numbers(api: Api) -> list[int]:
    return sorted(api.revisions.values_list("number", flat=True))


def revise(api: Api, times: int, by: User) -> list[Revision]:
    return [operations.create_revision(api=api, actor=by, now=NOW) for _ in range(times)]


def test_the_sixth_revision_takes_the_place_of_the_oldest_that_is_not_deployed(admin: User) -> None:
    api = make_api(admin, publish=True)  # which deploys revision 1
    revise(api, 5, admin)
    assert numbers(api) == [1, 3, 4, 5, 6]
    assert "api.revision_deleted" in verbs(api)


def test_who_makes_the_sixth_may_choose_which_goes_but_not_the_deployed_one(admin: User) -> None:
    api = make_api(admin, publish=True)
    made = revise(api, 4, admin)
    operations.create_revision(api=api, goes=made[-1], actor=admin, now=NOW)
    assert numbers(api) == [1, 2, 3, 4, 6]
    with pytest.raises(operations.RevisionInUse, match="on the gateway"):
        operations.create_revision(api=api, goes=api.deployed_revision, actor=admin, now=NOW)
    assert numbers(api) == [1, 2, 3, 4, 6]


def test_what_was_chosen_stays_while_there_is_room(admin: User) -> None:
    api = make_api(admin)
    (first,) = revise(api, 1, admin)
    operations.create_revision(api=api, goes=first, actor=admin, now=NOW)
    assert numbers(api) == [1, 2]


def test_how_many_are_kept_is_a_setting(admin: User, settings: Any) -> None:
    settings.MOST_REVISIONS = 2
    api = make_api(admin)
    revise(api, 3, admin)
    assert numbers(api) == [2, 3]


def test_a_number_is_never_given_twice(admin: User) -> None:
    api = make_api(admin)
    first, second = revise(api, 2, admin)
    for each in (second, first):
        operations.delete_revision(api=api, revision=each, actor=admin, now=NOW)
    assert operations.create_revision(api=api, actor=admin, now=NOW).number == 3


def test_deleting_what_is_deployed_foreign_or_gone_is_refused(admin: User) -> None:
    api, other = make_api(admin, publish=True), make_api(admin, name="Other", context="/other")
    assert api.deployed_revision
    with pytest.raises(operations.RevisionInUse):
        operations.delete_revision(api=api, revision=api.deployed_revision, actor=admin, now=NOW)
    (foreign,) = revise(other, 1, admin)
    with pytest.raises(operations.CannotDeploy, match="belongs to"):
        operations.delete_revision(api=api, revision=foreign, actor=admin, now=NOW)
    operations.delete_revision(api=other, revision=foreign, actor=admin, now=NOW)
    with pytest.raises(queries.RevisionNotFound):
        operations.delete_revision(api=other, revision=foreign, actor=admin, now=NOW)


def test_the_context_stays_fixed_when_all_revisions_are_deleted(admin: User) -> None:
    api = make_api(admin)
    (only,) = revise(api, 1, admin)
    operations.delete_revision(api=api, revision=only, actor=admin, now=NOW)
    with pytest.raises(operations.ContextIsFixed):
        operations.update_api(api=api, changes={"context": "/new"}, actor=admin, now=NOW)
