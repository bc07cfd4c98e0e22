"""Subscribing, changing plans, blocking, and coming along to a new version."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import RoleGrant, User
from accounts.permissions import RoleRequired
from accounts.roles import Role
from core.models import AuditEntry
from devportal import operations
from devportal.models import Application, Subscription
from devportal.operations.subscriptions import (
    AlreadySubscribed,
    NotSubscribable,
    PlanNotOffered,
    PlanUnchanged,
    StepRefused,
    SubscriptionMoved,
)
from devportal.permissions import NotYourApplication, PlanReserved
from publisher import impact
from publisher.models import Api
from publisher.signals import api_published
from tests.devportal import builders
from tests.devportal.builders import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def app(carol: User) -> Application:
    return builders.application(carol)


@pytest.fixture
def echo(bob: User) -> Api:
    return builders.api(bob, plans=("Gold", "Silver"))


# --- subscribing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["PUBLISHED", "PROTOTYPED"])
def test_a_developer_subscribes_and_it_is_in_the_audit_log(
    app: Application, echo: Api, carol: User, state: str
) -> None:
    Api.objects.update(state=state)

    made = operations.subscribe(application=app, api=echo, plan=builders.plan("Silver"), actor=carol, now=NOW)

    assert (made.state, made.plan.name) == ("UNBLOCKED", "Silver")
    row = AuditEntry.objects.get(verb="subscription.created")
    assert row.object_id == str(made.pk)
    assert row.detail == {
        "subscription_id": str(made.pk),
        "api_id": str(echo.pk),
        "application_id": str(app.pk),
        "plan": "Silver",
    }


@pytest.mark.parametrize("state", ["CREATED", "BLOCKED", "DEPRECATED", "RETIRED"])
def test_an_api_that_is_not_offered_takes_no_subscribers(app: Application, echo: Api, carol: User, state: str) -> None:
    # The row in hand still says PUBLISHED: what counts is the database at the moment of subscribing.
    Api.objects.update(state=state)

    with pytest.raises(NotSubscribable, match=state.lower()):
        operations.subscribe(application=app, api=echo, plan=builders.plan(), actor=carol, now=NOW)
    assert not Subscription.objects.exists()


def test_only_plans_of_the_api_can_be_chosen(app: Application, echo: Api, carol: User) -> None:
    with pytest.raises(PlanNotOffered) as caught:
        operations.subscribe(application=app, api=echo, plan=builders.plan("Bronze"), actor=carol, now=NOW)
    assert "plan" in caught.value.fields


def test_a_plan_with_roles_is_for_people_who_hold_one(app: Application, echo: Api, carol: User) -> None:
    gold = builders.plan("Gold")
    gold.roles = ["creator"]
    gold.save()

    with pytest.raises(PlanReserved, match="creator"):
        operations.subscribe(application=app, api=echo, plan=gold, actor=carol, now=NOW)
    RoleGrant.objects.create(user=carol, role=Role.CREATOR)
    carol = User.objects.get(pk=carol.pk)
    assert operations.subscribe(application=app, api=echo, plan=gold, actor=carol, now=NOW).plan == gold


def test_a_plan_that_needs_approval_puts_the_subscription_on_hold(app: Application, bob: User, carol: User) -> None:
    builders.plan("VIP", requires_approval=True)
    vip = builders.api(bob, plans=("VIP",))

    made = operations.subscribe(application=app, api=vip, plan=builders.plan("VIP"), actor=carol, now=NOW)

    assert made.state == "ON_HOLD"


def test_an_application_subscribes_once(app: Application, echo: Api, carol: User) -> None:
    builders.subscription(app, echo)

    with pytest.raises(AlreadySubscribed):
        operations.subscribe(application=app, api=echo, plan=builders.plan("Silver"), actor=carol, now=NOW)
    assert AuditEntry.objects.filter(verb="subscription.created").count() == 1


def test_nobody_subscribes_with_somebody_elses_application(app: Application, echo: Api, mallory: User) -> None:
    with pytest.raises(NotYourApplication):
        operations.subscribe(application=app, api=echo, plan=builders.plan(), actor=mallory, now=NOW)


def test_an_owner_without_the_role_cannot_subscribe(app: Application, echo: Api, carol: User) -> None:
    RoleGrant.objects.filter(user=carol).delete()

    with pytest.raises(RoleRequired):
        operations.subscribe(
            application=app, api=echo, plan=builders.plan(), actor=User.objects.get(pk=carol.pk), now=NOW
        )


# --- changing the plan ---------------------------------------------------------------------------------------


def test_the_owner_changes_the_plan(app: Application, echo: Api, carol: User) -> None:
    row = builders.subscription(app, echo, "Gold")

    operations.change_plan(subscription=row, plan=builders.plan("Silver"), actor=carol, now=LATER)

    kept = Subscription.objects.get()
    assert (kept.plan.name, kept.updated_at) == ("Silver", LATER)
    entry = AuditEntry.objects.get(verb="subscription.updated")
    assert (entry.detail["from"], entry.detail["plan"]) == ("Gold", "Silver")


def test_the_plan_it_has_already_is_refused_not_ignored(app: Application, echo: Api, carol: User) -> None:
    row = builders.subscription(app, echo, "Gold")
    with pytest.raises(PlanUnchanged):
        operations.change_plan(subscription=row, plan=builders.plan("Gold"), actor=carol, now=LATER)


def test_a_plan_that_the_api_does_not_offer_cannot_be_changed_to(app: Application, echo: Api, carol: User) -> None:
    row = builders.subscription(app, echo)
    with pytest.raises(PlanNotOffered):
        operations.change_plan(subscription=row, plan=builders.plan("Bronze"), actor=carol, now=LATER)


@pytest.mark.parametrize(
    ("state", "needs_approval", "then"),
    [
        ("UNBLOCKED", False, "UNBLOCKED"),
        ("UNBLOCKED", True, "ON_HOLD"),
        ("ON_HOLD", False, "UNBLOCKED"),
        ("REJECTED", True, "ON_HOLD"),
        ("BLOCKED", False, "BLOCKED"),
        ("PROD_ONLY_BLOCKED", True, "PROD_ONLY_BLOCKED"),
    ],
)
def test_a_new_plan_asks_anew_but_never_lifts_a_block(
    app: Application, echo: Api, carol: User, state: str, needs_approval: bool, then: str
) -> None:
    row = builders.subscription(app, echo, "Gold", state=state)
    silver = builders.plan("Silver")
    silver.requires_approval = needs_approval
    silver.save()

    operations.change_plan(subscription=row, plan=silver, actor=carol, now=LATER)

    assert Subscription.objects.get().state == then


def test_a_publisher_changes_anybodys_plan_and_thereby_approves_it(app: Application, echo: Api, bob: User) -> None:
    row = builders.subscription(app, echo, "Gold")
    silver = builders.plan("Silver")
    silver.requires_approval, silver.roles = True, ["creator"]
    silver.save()

    operations.change_plan(subscription=row, plan=silver, actor=bob, now=LATER)

    assert (Subscription.objects.get().plan, Subscription.objects.get().state) == (silver, "UNBLOCKED")


def test_strangers_and_creators_change_no_plan(app: Application, echo: Api, mallory: User, alice: User) -> None:
    row = builders.subscription(app, echo)
    for other in (mallory, alice):
        with pytest.raises(NotYourApplication):
            operations.change_plan(subscription=row, plan=builders.plan("Silver"), actor=other, now=LATER)


def test_of_two_who_change_at_once_the_second_is_told(app: Application, echo: Api, carol: User, bob: User) -> None:
    mine = builders.subscription(app, echo)
    theirs = Subscription.objects.get(pk=mine.pk)
    operations.set_subscription_state(subscription=theirs, state="BLOCKED", actor=bob, now=LATER)

    with pytest.raises(SubscriptionMoved):
        operations.change_plan(subscription=mine, plan=builders.plan("Silver"), actor=carol, now=LATER)
    assert Subscription.objects.get().plan.name == "Gold"


# --- blocking ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "verb"),
    [
        ("UNBLOCKED", "BLOCKED", "subscription.blocked"),
        ("UNBLOCKED", "PROD_ONLY_BLOCKED", "subscription.blocked"),
        ("PROD_ONLY_BLOCKED", "BLOCKED", "subscription.blocked"),
        ("BLOCKED", "UNBLOCKED", "subscription.unblocked"),
        ("ON_HOLD", "UNBLOCKED", "subscription.unblocked"),
        ("ON_HOLD", "REJECTED", "subscription.updated"),
    ],
)
def test_a_publisher_moves_a_subscription_and_the_audit_log_says_how(
    app: Application, echo: Api, bob: User, before: str, after: str, verb: str
) -> None:
    row = builders.subscription(app, echo, state=before)

    operations.set_subscription_state(subscription=row, state=after, actor=bob, now=LATER)

    assert Subscription.objects.get().state == after
    entry = AuditEntry.objects.get(verb=verb, object_id=str(row.pk))
    assert (entry.detail["from"], entry.detail["state"], entry.actor) == (before, after, bob)


@pytest.mark.parametrize(
    ("before", "after"),
    [("UNBLOCKED", "UNBLOCKED"), ("UNBLOCKED", "REJECTED"), ("BLOCKED", "ON_HOLD"), ("BLOCKED", "")],
)
def test_a_step_that_the_table_lacks_is_refused(
    app: Application, echo: Api, bob: User, before: str, after: str
) -> None:
    row = builders.subscription(app, echo, state=before)
    with pytest.raises(StepRefused):
        operations.set_subscription_state(subscription=row, state=after, actor=bob, now=LATER)


@pytest.mark.parametrize("who", ["alice", "carol", "observer", "mallory"])
def test_only_publishers_block(app: Application, echo: Api, who: str, request: pytest.FixtureRequest) -> None:
    row = builders.subscription(app, echo)
    with pytest.raises(RoleRequired):
        operations.set_subscription_state(
            subscription=row, state="BLOCKED", actor=request.getfixturevalue(who), now=LATER
        )


def test_blocking_what_was_removed_meanwhile_is_said(app: Application, echo: Api, carol: User, bob: User) -> None:
    row = builders.subscription(app, echo)
    operations.unsubscribe(subscription=Subscription.objects.get(), actor=carol, now=LATER)

    with pytest.raises(SubscriptionMoved):
        operations.set_subscription_state(subscription=row, state="BLOCKED", actor=bob, now=LATER)


# --- unsubscribing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["UNBLOCKED", "ON_HOLD", "REJECTED", "BLOCKED"])
def test_the_owner_unsubscribes(app: Application, echo: Api, carol: User, state: str) -> None:
    row = builders.subscription(app, echo, state=state)
    pk = row.pk

    operations.unsubscribe(subscription=row, actor=carol, now=LATER)

    assert not Subscription.objects.exists()
    entry = AuditEntry.objects.get(verb="subscription.deleted")
    assert (entry.object_id, entry.detail["application_id"]) == (str(pk), str(app.pk))


def test_unsubscribing_twice_is_said(app: Application, echo: Api, carol: User) -> None:
    row, again = builders.subscription(app, echo), Subscription.objects.get()
    operations.unsubscribe(subscription=row, actor=carol, now=LATER)
    with pytest.raises(SubscriptionMoved):
        operations.unsubscribe(subscription=again, actor=carol, now=LATER)


def test_nobody_else_unsubscribes(app: Application, echo: Api, bob: User, mallory: User) -> None:
    row = builders.subscription(app, echo)
    for other in (bob, mallory):
        with pytest.raises(NotYourApplication):
            operations.unsubscribe(subscription=row, actor=other, now=LATER)


# --- a new version -------------------------------------------------------------------------------------------


def _publish(api: Api, previous: list[Api], actor: User, *, require_resubscription: bool = False) -> None:
    api_published.send(
        sender=Api,
        api=api,
        actor=actor,
        now=LATER,
        require_resubscription=require_resubscription,
        previous=previous,
    )


def test_subscribers_come_along_to_a_new_version(app: Application, echo: Api, bob: User) -> None:
    old = builders.subscription(app, echo, "Silver", state="BLOCKED")
    two = builders.api(bob, version="2.0.0", plans=("Gold", "Silver"))

    _publish(two, [echo], bob)

    new = Subscription.objects.get(api=two)
    assert (new.application, new.plan.name, new.state, new.created_at) == (app, "Silver", "BLOCKED", LATER)
    entry = AuditEntry.objects.get(object_id=str(new.pk))
    assert (entry.verb, entry.actor, entry.detail["carried_from"]) == ("subscription.created", bob, str(old.pk))


def test_nobody_comes_along_when_they_have_to_subscribe_anew(app: Application, echo: Api, bob: User) -> None:
    builders.subscription(app, echo)
    two = builders.api(bob, version="2.0.0")

    _publish(two, [echo], bob, require_resubscription=True)

    assert not two.subscriptions.exists()


def test_the_newest_previous_version_decides(app: Application, echo: Api, bob: User) -> None:
    two = builders.api(bob, version="2.0.0", plans=("Gold", "Silver"))
    builders.subscription(app, echo, "Gold")
    builders.subscription(app, two, "Silver")
    three = builders.api(bob, version="3.0.0", plans=("Gold", "Silver"))

    _publish(three, [two, echo], bob)

    assert three.subscriptions.get().plan.name == "Silver"


def test_who_is_subscribed_already_or_under_a_plan_that_went_is_left_alone(
    app: Application, echo: Api, bob: User, carol: User
) -> None:
    other = builders.application(carol)
    builders.subscription(app, echo, "Gold")
    builders.subscription(other, echo, "Silver")
    two = builders.api(bob, version="2.0.0", plans=("Gold", "Bronze"))
    builders.subscription(app, two, "Bronze")

    _publish(two, [echo], bob)

    assert [each.plan.name for each in two.subscriptions.all()] == ["Bronze"]


def test_the_consequence_of_a_change_counts_the_subscribed_applications(
    app: Application, echo: Api, carol: User
) -> None:
    builders.subscription(app, echo)
    builders.subscription(builders.application(carol), echo)

    assert impact.of(echo).applications == 2
