"""Steps that an administrator has to approve: asked for, approved, rejected, taken back, overtaken."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts import installation
from accounts.models import Notification, User
from core.errors import Invalid, NotAllowed
from core.values import BadValue
from publisher import operations, queries
from publisher.lifecycle import Action, Checklist, RequestStatus, State, actions_named
from publisher.models import Api, LifecycleRequest
from tests.publisher.builders import LATER, NOW, give_role, in_state, make_api, verbs
from tests.publisher.test_pages import address, browse, text_of


@pytest.fixture(autouse=True)
def _asked_for(settings: Any) -> None:
    settings.LIFECYCLE_APPROVAL = actions_named(["Publish", "retire"])


@pytest.fixture
def asked(alice: User, bob: User, admin: User) -> LifecycleRequest:
    """Bob's request to publish Alice's API, and to deprecate older versions with it."""
    request = operations.move_api(
        api=make_api(alice), action=Action.PUBLISH, checklist=Checklist(deprecate_old_versions=True), actor=bob, now=NOW
    )
    assert request
    return request


def now_of(request: LifecycleRequest) -> tuple[str, str]:
    """The state of the API, and the status of the request."""
    row = LifecycleRequest.objects.select_related("api").get(pk=request.pk)
    return row.api.state, row.status


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], set()),
        (["Publish", " deploy as a prototype "], {Action.PUBLISH, Action.PROTOTYPE}),
        (["all"], set(Action)),
    ],
)
def test_actions_are_named_as_people_write_them(words: list[str], found: set[Action]) -> None:
    assert actions_named(words) == found
    with pytest.raises(BadValue, match="no lifecycle action called Fly"):
        actions_named(["Fly"])


def test_what_has_to_be_approved_waits_and_happens_as_asked_when_it_is(asked: LifecycleRequest, admin: User) -> None:
    assert now_of(asked) == ("CREATED", "PENDING")
    assert asked.api.deployed_revision is None
    assert [told.user for told in Notification.objects.all()] == [admin]
    api = operations.approve_request(request=asked, actor=admin, now=LATER)
    assert now_of(asked) == ("PUBLISHED", "APPROVED")
    assert api.deployed_revision
    entry = queries.lifecycle_history(api)[0]
    assert (entry.actor_name, entry.detail["requested_by"]) == ("admin", "bob")


def test_the_check_items_come_along(alice: User, bob: User, admin: User) -> None:
    old = in_state(make_api(alice), State.PUBLISHED)
    new = operations.create_version(api=old, version="2.0.0", actor=alice, now=NOW)
    request = operations.move_api(
        api=new, action=Action.PUBLISH, checklist=Checklist(deprecate_old_versions=True), actor=bob, now=NOW
    )
    assert request
    operations.approve_request(request=request, actor=admin, now=LATER)
    assert Api.objects.get(pk=old.pk).stage is State.DEPRECATED


def test_a_rejection_says_why_and_leaves_the_api_as_it_is(asked: LifecycleRequest, admin: User, bob: User) -> None:
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid, match=r"reason|Say why"):
            operations.reject_request(request=asked, reason=reason, actor=admin, now=LATER)
    operations.reject_request(request=asked, reason="Опишите её.", actor=admin, now=LATER)
    assert now_of(asked) == ("CREATED", "REJECTED")
    assert (
        Notification.objects.get(user=bob).sentence == "Publish EchoWebSocket 1.0.0 was rejected by admin: Опишите её."
    )
    assert "Опишите её." in text_of(browse(bob).get(address("lifecycle", asked.api)))
    assert verbs(asked.api)[-1] == "api.transition_rejected"


def test_only_administrators_decide_and_only_once(asked: LifecycleRequest, admin: User, bob: User) -> None:
    with pytest.raises(NotAllowed):
        operations.approve_request(request=asked, actor=bob, now=LATER)
    with pytest.raises(NotAllowed):
        operations.reject_request(request=asked, reason="No.", actor=bob, now=LATER)
    operations.reject_request(request=asked, reason="No.", actor=admin, now=LATER)
    with pytest.raises(operations.NothingRequested, match="rejected already, by admin"):
        operations.approve_request(request=asked, actor=admin, now=LATER)


def test_one_request_of_an_api_waits_at_a_time_until_it_is_taken_back(asked: LifecycleRequest, bob: User) -> None:
    with pytest.raises(operations.AlreadyRequested, match="bob has asked for Publish already"):
        operations.move_api(api=asked.api, action=Action.PUBLISH, actor=bob, now=LATER)
    operations.withdraw_request(api=asked.api, actor=bob, now=LATER)
    assert now_of(asked) == ("CREATED", "WITHDRAWN")
    with pytest.raises(operations.NothingRequested):
        operations.withdraw_request(api=asked.api, actor=bob, now=LATER)
    assert operations.move_api(api=asked.api, action=Action.PUBLISH, actor=bob, now=LATER)


def test_what_cannot_be_done_is_not_asked_for(alice: User, bob: User) -> None:
    bare = make_api(alice, plans=[])
    with pytest.raises(operations.NotReadyToPublish):
        operations.move_api(api=bare, action=Action.PUBLISH, actor=bob, now=NOW)
    with pytest.raises(NotAllowed):
        operations.move_api(api=bare, action=Action.PUBLISH, actor=alice, now=NOW)
    with pytest.raises(operations.TransitionLost):
        operations.move_api(api=bare, action=Action.PUBLISH, seen=State.BLOCKED, actor=bob, now=NOW)


def test_a_step_that_needs_no_approval_overtakes_the_request(asked: LifecycleRequest, bob: User, admin: User) -> None:
    assert not operations.move_api(api=asked.api, action=Action.PROTOTYPE, actor=bob, now=LATER)
    assert now_of(asked) == ("PROTOTYPED", "WITHDRAWN")
    with pytest.raises(operations.NothingRequested):
        operations.approve_request(request=asked, actor=admin, now=LATER)


def test_which_steps_are_approved_is_chosen_while_the_product_runs(
    alice: User, bob: User, admin: User, settings: Any
) -> None:
    settings.LIFECYCLE_APPROVAL = actions_named(["Retire"])
    api, page = make_api(alice), browse(admin)
    chosen = {"sign_up": "open", "approve_steps": ["Block", "Publish"]}
    assert "Approved in any case, as APIM_LIFECYCLE_APPROVAL says: Retire." in text_of(page.get("/admin/settings"))
    assert "Fly" in text_of(page.post("/admin/settings", {**chosen, "approve_steps": ["Fly"]}))
    assert not operations.asks_for_approval(Action.PUBLISH, bob)
    page.post("/admin/settings", chosen)
    installation.forget()
    asked = [action for action in Action if operations.asks_for_approval(action, bob)]
    assert asked == [Action.PUBLISH, Action.BLOCK, Action.RETIRE]
    assert operations.move_api(api=api, action=Action.PUBLISH, actor=bob, now=NOW)
    page.post("/admin/settings", {"sign_up": "open"})
    installation.forget()
    assert queries.pending_request_of(api), "what waits already goes on waiting"


def test_what_waits_is_read_and_decided_over_rest(asked: LifecycleRequest, bob: User, admin: User) -> None:
    rest, page = "/api/am/admin/v4/workflows", browse(admin)
    (row,) = page.get(rest, {"workflowType": "AM_API_STATE"}).json()["list"]
    assert row["referenceId"] == f"AM_API_STATE:{asked.pk}"
    assert row["description"] == "Publish EchoWebSocket 1.0.0, asked for by bob."
    assert page.get(f"{rest}/{row['referenceId']}").json() == row
    assert browse(bob).get(f"{rest}/{row['referenceId']}").status_code == 403
    decide = f"{rest}/update-workflow-status?workflowReferenceId={row['referenceId']}"
    unsaid = page.post(decide, {"status": "REJECTED"}, "application/json")
    assert (unsaid.status_code, "Say why" in unsaid.json()["description"] + str(unsaid.json())) == (400, True)
    statuses = [page.post(decide, {"status": "APPROVED"}, "application/json").status_code for _ in range(2)]
    assert statuses == [200, 404]
    assert now_of(asked) == ("PUBLISHED", "APPROVED")


def test_administrators_need_nobodys_approval(alice: User, admin: User) -> None:
    api = make_api(alice)
    assert operations.move_api(api=api, action=Action.PUBLISH, actor=admin, now=NOW) is None
    assert Api.objects.get(pk=api.pk).stage is State.PUBLISHED


def test_an_approval_that_cannot_be_carried_out_keeps_the_request(asked: LifecycleRequest, admin: User) -> None:
    asked.api.plans.clear()
    page = browse(admin).post(reverse("publisher-admin:lifecycle-decisions", args=[asked.pk]), {"decision": "approve"})
    assert page.status_code == 400
    assert "Choose at least one business plan" in text_of(page)
    assert now_of(asked) == ("CREATED", "PENDING")


def test_the_pages_of_publisher_and_administrator(asked: LifecycleRequest, bob: User, admin: User) -> None:
    page = text_of(browse(bob).get(address("lifecycle", asked.api)))
    assert "Publish waits for approval" in page
    assert "Deploy as a Prototype" in page
    queue = reverse("publisher-admin:lifecycle-requests")
    shown = text_of(browse(admin).get(queue))
    assert "Publish EchoWebSocket 1.0.0" in shown
    assert "Shows it in the Developer Portal" in shown
    assert "Older versions that are published are deprecated." in shown
    decide = reverse("publisher-admin:lifecycle-decisions", args=[asked.pk])
    refused = browse(admin).post(decide, {"decision": "reject", "reason": ""})
    assert (refused.status_code, "Say why" in text_of(refused)) == (400, True)
    browse(admin).post(decide, {"decision": "approve"})
    assert now_of(asked) == ("PUBLISHED", "APPROVED")
    assert "Nothing waits for you" in text_of(browse(admin).get(queue))


def test_asking_on_the_page_in_bulk_and_on_creation(bob: User, alice: User) -> None:
    bob = give_role(bob, *alice.roles)
    api, other = make_api(bob), make_api(bob, name="Other", context="/other")
    browse(bob).post(address("transitions", api), {"action": "Publish", "seen": "CREATED"})
    body = {"action": "Publish", "apis": [f"{other.pk} CREATED"]}
    asked = text_of(browse(bob).get(reverse("publisher:bulk-transitions"), body))
    assert "An administrator has to approve this step" in asked
    assert "Waits for an administrator" in text_of(browse(bob).post(reverse("publisher:bulk-transitions"), body))
    made = make_api(bob, name="Third", context="/third", publish=True)
    assert {queries.pending_request_of(each).requester for each in (api, other, made)} == {bob}  # type: ignore[union-attr]
    assert {each.stage for each in Api.objects.all()} == {State.CREATED}
    browse(bob).post(address("lifecycle-withdrawals", api))
    assert queries.pending_request_of(api) is None


def test_rest_says_created_and_takes_the_request_back(alice: User, bob: User) -> None:
    api, rest = make_api(alice), "/api/am/publisher/v4/apis"
    answer = browse(bob).post(f"{rest}/change-lifecycle?apiId={api.pk}&action=Publish")
    assert (answer.status_code, answer.json()["workflowStatus"]) == (200, "CREATED")
    assert answer.json()["lifecycleState"]["state"] == "Created"
    tasks = f"{rest}/{api.pk}/lifecycle-state/pending-tasks"
    assert [browse(bob).delete(tasks).status_code for _ in range(2)] == [200, 409]
    assert LifecycleRequest.objects.get().status == RequestStatus.WITHDRAWN
