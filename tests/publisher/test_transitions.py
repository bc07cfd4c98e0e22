"""The one operation that moves an API through its life."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from accounts.models import User
from accounts.permissions import RoleRequired
from core.models import AuditEntry
from publisher import operations, signals
from publisher.lifecycle import SERVED, TRANSITIONS, Action, AlreadyThere, Checklist, State, TransitionRefused
from publisher.models import Api
from tests.publisher.builders import LATER, NOW, in_state, make_api, verbs


@pytest.mark.parametrize(("state", "action"), list(itertools.product(State, Action)))
def test_the_operation_follows_the_table(alice: User, bob: User, state: State, action: Action) -> None:
    api = in_state(make_api(alice), state)
    target = TRANSITIONS.get((state, action))
    if target is None:
        with pytest.raises(TransitionRefused):
            operations.transition_api(api=api, action=action, actor=bob, now=LATER)
        assert Api.objects.get().stage is state
        return
    moved = operations.transition_api(api=api, action=action, actor=bob, now=LATER)
    assert moved.stage is target
    row = AuditEntry.objects.filter(verb="api.transitioned").get()
    assert (row.actor, row.at, row.detail["from"], row.detail["to"]) == (bob, LATER, state.value, target.value)
    if target not in SERVED:
        assert moved.deployed_revision is None


def test_publishing_deploys_a_first_revision(alice: User, bob: User) -> None:
    api = operations.transition_api(api=make_api(alice), action=Action.PUBLISH, actor=bob, now=LATER)
    assert api.deployed_revision is not None
    assert (api.published_at, api.deployed_at) == (LATER, LATER)
    assert verbs(api) == ["api.created", "api.revision_created", "api.deployed", "api.transitioned"]


def test_publishing_keeps_the_revision_that_is_deployed(alice: User, bob: User) -> None:
    api = make_api(alice)
    revision = operations.create_revision(api=api, actor=alice, now=NOW)
    api = operations.deploy_revision(api=api, revision=revision, actor=bob, now=NOW)
    api = operations.transition_api(api=api, action=Action.PUBLISH, actor=bob, now=LATER)
    assert api.deployed_revision == revision
    assert api.revisions.count() == 1


@pytest.mark.parametrize("action", [Action.PUBLISH, Action.PROTOTYPE])
def test_without_endpoint_or_plan_nothing_becomes_callable(alice: User, bob: User, action: Action) -> None:
    api = make_api(alice, endpoint="", plans=[])
    with pytest.raises(operations.NotReadyToPublish) as refusal:
        operations.transition_api(api=api, action=action, actor=bob, now=NOW)
    assert refusal.value.missing == ["endpoint", "plans"]
    assert Api.objects.get().stage is State.CREATED
    assert verbs(api) == ["api.created"]


@pytest.mark.parametrize(("state", "action"), [(State.PUBLISHED, Action.DEMOTE), (State.DEPRECATED, Action.RETIRE)])
def test_what_ends_the_service_takes_it_off_the_gateway(admin: User, state: State, action: Action) -> None:
    api = in_state(make_api(admin, publish=True), state)
    api = operations.transition_api(api=api, action=action, actor=admin, now=LATER)
    assert api.deployed_revision is None
    assert verbs(api)[-2:] == ["api.undeployed", "api.transitioned"]


@pytest.mark.parametrize("action", [Action.BLOCK, Action.DEPRECATE])
def test_blocking_and_deprecating_leave_it_on_the_gateway(admin: User, action: Action) -> None:
    api = operations.transition_api(api=make_api(admin, publish=True), action=action, actor=admin, now=LATER)
    assert api.deployed_revision is not None


def test_of_two_publishers_who_looked_at_the_same_state_one_loses(admin: User) -> None:
    seen_by_both = make_api(admin, publish=True)
    operations.transition_api(api=seen_by_both, action=Action.BLOCK, actor=admin, now=LATER)
    with pytest.raises(operations.TransitionLost, match="is Blocked by now; you saw it Published"):
        operations.transition_api(api=seen_by_both, action=Action.DEPRECATE, actor=admin, now=LATER)
    assert Api.objects.get().stage is State.BLOCKED
    assert AuditEntry.objects.filter(verb="api.transitioned").count() == 2


def test_a_plain_creator_cannot_publish(alice: User) -> None:
    with pytest.raises(RoleRequired, match="needs the publisher role"):
        operations.transition_api(api=make_api(alice), action=Action.PUBLISH, actor=alice, now=NOW)


def test_the_object_that_was_passed_in_is_left_as_it_was(admin: User) -> None:
    api = make_api(admin)
    operations.transition_api(api=api, action=Action.PUBLISH, actor=admin, now=NOW)
    assert api.stage is State.CREATED


@pytest.fixture
def published() -> Any:
    heard: list[dict[str, Any]] = []

    def listen(**sent: Any) -> None:
        heard.append(sent)

    signals.api_published.connect(listen, weak=False)
    yield heard
    signals.api_published.disconnect(listen)


def test_old_versions_are_deprecated_when_asked_and_newer_ones_never(admin: User, published: list[Any]) -> None:
    one = make_api(admin, publish=True)
    two, three, draft = (
        operations.create_version(api=one, version=v, actor=admin, now=NOW) for v in ("1.2", "9", "1.1")
    )
    for each in (three, two):
        checklist = Checklist(deprecate_old_versions=each is two, require_resubscription=each is two)
        operations.transition_api(api=each, action=Action.PUBLISH, checklist=checklist, actor=admin, now=LATER)
    states = {api.version: api.stage for api in Api.objects.all()}
    assert states == {
        "1.0.0": State.DEPRECATED,
        "1.1": State.CREATED,
        "1.2": State.PUBLISHED,
        "9": State.PUBLISHED,
    }
    last = published[-1]
    assert (last["api"], last["require_resubscription"], last["previous"]) == (two, True, [draft, one])
    assert (last["actor"], last["now"]) == (admin, LATER)


def test_without_check_items_old_versions_stay_as_they_are(admin: User, published: list[Any]) -> None:
    one = make_api(admin, publish=True)
    two = operations.create_version(api=one, version="2", actor=admin, now=NOW)
    operations.transition_api(api=two, action=Action.PUBLISH, actor=admin, now=NOW)
    one.refresh_from_db()
    assert one.stage is State.PUBLISHED
    assert [(each["api"], each["require_resubscription"]) for each in published] == [(one, False), (two, False)]


def test_only_publish_is_announced(admin: User, published: list[Any]) -> None:
    api = make_api(admin)
    for action in (Action.PROTOTYPE, Action.PUBLISH, Action.BLOCK, Action.REPUBLISH, Action.DEPRECATE, Action.RETIRE):
        api = operations.transition_api(api=api, action=action, actor=admin, now=NOW)
    assert len(published) == 1


def test_a_step_is_taken_only_from_the_state_in_which_it_was_offered(admin: User) -> None:
    api = operations.transition_api(api=make_api(admin, publish=True), action=Action.BLOCK, actor=admin, now=NOW)
    with pytest.raises(operations.TransitionLost, match="is Blocked by now; you saw it Published"):
        operations.transition_api(api=api, action=Action.DEPRECATE, seen=State.PUBLISHED, actor=admin, now=LATER)
    api.refresh_from_db()
    assert api.stage is State.BLOCKED
    assert operations.transition_api(api=api, action=Action.DEPRECATE, seen=State.BLOCKED, actor=admin, now=LATER)


def test_to_go_where_one_is_already_is_a_refusal_of_its_own(admin: User) -> None:
    with pytest.raises(AlreadyThere):
        operations.transition_api(api=make_api(admin, publish=True), action=Action.PUBLISH, actor=admin, now=NOW)
