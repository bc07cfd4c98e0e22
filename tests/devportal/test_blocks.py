"""A block belongs to owner and API until a publisher lifts it, and one owner subscribes so many applications only."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import User
from accounts.permissions import RoleRequired
from core.models import AuditEntry
from devportal import operations
from devportal.errors import BlockNotFound
from devportal.models import Application, OwnerBlock, Subscription
from devportal.operations.blocks import OwnerBlocked
from devportal.operations.subscriptions import TooManyApplications
from publisher.models import Api
from publisher.signals import api_published
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.devportal.conftest import Browser

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def echo(bob: User) -> Api:
    return builders.api(bob, plans=("Gold", "Silver"))


@pytest.fixture
def app(mallory: User) -> Application:
    return builders.application(mallory, "First")


def block(app: Application, echo: Api, bob: User, state: str = "BLOCKED") -> Subscription:
    row = Subscription.objects.filter(application=app, api=echo).first() or builders.subscription(app, echo)
    return operations.set_subscription_state(subscription=row, state=state, actor=bob, now=LATER)


def subscribe(app: Application, to: Api, under: str = "Gold") -> Subscription:
    return operations.subscribe(application=app, api=to, plan=builders.plan(under), actor=app.owner, now=LATER)


# --- the block -----------------------------------------------------------------------------------------------


def test_an_application_that_is_deleted_and_made_anew_is_no_way_round(app: Application, echo: Api, bob: User) -> None:
    mallory = app.owner
    block(app, echo, bob)
    operations.delete_application(application=app, actor=mallory, now=LATER)

    with pytest.raises(OwnerBlocked, match="The publisher has blocked mallory from EchoWebSocket"):
        subscribe(builders.application(mallory, "First"), echo)
    assert not Subscription.objects.exists()


def test_a_subscription_that_is_removed_and_made_again_is_none_either(app: Application, echo: Api, bob: User) -> None:
    row = block(app, echo, bob)
    operations.unsubscribe(subscription=row, actor=app.owner, now=LATER)

    with pytest.raises(OwnerBlocked):
        subscribe(app, echo, "Silver")


def test_a_block_of_production_keys_holds_for_what_is_subscribed_later(app: Application, echo: Api, bob: User) -> None:
    row = block(app, echo, bob, "PROD_ONLY_BLOCKED")
    operations.unsubscribe(subscription=row, actor=app.owner, now=LATER)

    assert subscribe(app, echo).state == "PROD_ONLY_BLOCKED"
    assert subscribe(builders.application(app.owner), echo).state == "PROD_ONLY_BLOCKED"


def test_every_application_of_the_owner_is_blocked_and_let_in_again(app: Application, echo: Api, bob: User) -> None:
    other = builders.subscription(builders.application(app.owner, "Second"), echo)
    row = block(app, echo, bob)
    other.refresh_from_db()
    assert other.state == "BLOCKED"
    assert AuditEntry.objects.filter(verb="subscription.blocked", object_id=str(other.pk)).exists(), "for the gateway"

    operations.set_subscription_state(subscription=row, state="UNBLOCKED", actor=bob, now=LATER)

    assert set(Subscription.objects.values_list("state", flat=True)) == {"UNBLOCKED"}
    assert not OwnerBlock.objects.exists()
    assert subscribe(builders.application(app.owner, "Third"), echo).state == "UNBLOCKED"


def test_other_people_and_other_apis_are_not_touched(app: Application, echo: Api, bob: User, carol: User) -> None:
    hers = builders.subscription(builders.application(carol), echo)
    elsewhere = builders.subscription(app, builders.api(bob, "Chat"))
    block(app, echo, bob)

    assert set(Subscription.objects.filter(pk__in=[hers.pk, elsewhere.pk]).values_list("state", flat=True)) == {
        "UNBLOCKED"
    }
    assert subscribe(builders.application(carol), echo).state == "UNBLOCKED"


def test_another_plan_for_what_waits_is_no_way_round(app: Application, echo: Api, bob: User) -> None:
    builders.plan("VIP", requires_approval=True)
    echo.plans.add(builders.plan("VIP"))
    waiting = builders.subscription(builders.application(app.owner, "Second"), echo, "VIP")
    block(app, echo, bob)
    waiting.refresh_from_db()
    assert waiting.state == "ON_HOLD"

    operations.change_plan(subscription=waiting, plan=builders.plan("Silver"), actor=app.owner, now=LATER)

    assert Subscription.objects.get(pk=waiting.pk).state == "BLOCKED"


def test_what_waits_is_approved_once_the_block_is_lifted(app: Application, echo: Api, bob: User) -> None:
    waiting = builders.subscription(builders.application(app.owner, "Second"), echo, state="ON_HOLD")
    row = block(app, echo, bob)
    with pytest.raises(OwnerBlocked, match="Lift the block, then approve this"):
        operations.set_subscription_state(subscription=waiting, state="UNBLOCKED", actor=bob, now=LATER)

    operations.set_subscription_state(subscription=row, state="UNBLOCKED", actor=bob, now=LATER)
    waiting.refresh_from_db()
    assert waiting.state == "ON_HOLD", "lifting approves nothing"
    operations.set_subscription_state(subscription=waiting, state="UNBLOCKED", actor=bob, now=LATER)


@pytest.mark.parametrize("require_resubscription", [False, True])
def test_a_new_version_is_no_way_round(app: Application, echo: Api, bob: User, require_resubscription: bool) -> None:
    mallory = app.owner
    block(app, echo, bob)
    operations.delete_application(application=app, actor=mallory, now=LATER)
    two = builders.api(bob, version="2.0.0")
    api_published.send(
        sender=Api, api=two, actor=bob, now=LATER, require_resubscription=require_resubscription, previous=[echo]
    )

    with pytest.raises(OwnerBlocked):
        subscribe(builders.application(mallory, "First"), two)


def test_a_block_without_a_subscription_is_lifted_by_publishers_only(
    app: Application, echo: Api, bob: User, alice: User, carol: User
) -> None:
    mallory = app.owner
    block(app, echo, bob)
    operations.delete_application(application=app, actor=mallory, now=LATER)
    standing = OwnerBlock.objects.get()
    for who in (alice, carol, mallory):
        with pytest.raises(RoleRequired):
            operations.lift_block(block=standing, actor=who, now=LATER)

    operations.lift_block(block=standing, actor=bob, now=LATER)

    assert AuditEntry.objects.filter(verb="block.deleted", actor=bob).exists()
    assert subscribe(builders.application(mallory, "First"), echo).state == "UNBLOCKED"
    with pytest.raises(BlockNotFound):
        operations.lift_block(block=standing, actor=bob, now=LATER)


def test_blocks_of_before_hold_from_the_update_on_the_stricter_of_two(
    app: Application, echo: Api, bob: User, carol: User
) -> None:
    builders.subscription(app, echo, state="PROD_ONLY_BLOCKED")
    builders.subscription(builders.application(app.owner), echo, state="BLOCKED")
    untouched = builders.subscription(builders.application(app.owner), echo)
    builders.subscription(builders.application(carol), echo)

    import_module("devportal.migrations.0006_blocks_of_before").fill(apps, SimpleNamespace(connection=connection))

    assert [(block.owner, block.state) for block in OwnerBlock.objects.all()] == [(app.owner, "BLOCKED")]
    untouched.refresh_from_db()
    assert untouched.state == "UNBLOCKED"
    with pytest.raises(OwnerBlocked):
        subscribe(builders.application(app.owner), echo)


# --- the pages -----------------------------------------------------------------------------------------------


def test_the_owner_reads_why_and_the_publisher_sees_and_lifts_it(
    app: Application, echo: Api, bob: User, alice: User, browser: Browser
) -> None:
    mallory = app.owner
    row = block(app, echo, bob)
    page = browser(mallory).get(f"/devportal/applications/{app.pk}").text
    assert "The publisher has blocked you from this API. That holds for all of your applications" in page
    operations.unsubscribe(subscription=row, actor=mallory, now=LATER)
    refused = browser(mallory).post(f"/devportal/applications/{app.pk}/subscriptions/{echo.pk}", {"plan": "Gold"})
    assert refused.status_code == 409
    assert "The publisher has blocked mallory from EchoWebSocket 1.0.0" in refused.text

    subscribers = f"/publisher/apis/{echo.pk}/subscriptions"
    words = browser(bob).get(subscribers).text
    assert "Blocked people" in words
    assert "Lift the block" in words
    assert "Lift the block" not in browser(alice).get(subscribers).text
    address = f"/publisher/apis/{echo.pk}/blocks/{OwnerBlock.objects.get().pk}/deletions"
    assert browser(bob).post(address).url == subscribers
    assert browser(mallory).post(f"/devportal/applications/{app.pk}/subscriptions/{echo.pk}", {"plan": "Gold"}).url


def test_a_block_is_lifted_at_its_own_api(app: Application, echo: Api, bob: User, browser: Browser) -> None:
    block(app, echo, bob)
    other = builders.api(bob, "Chat")
    address = f"/publisher/apis/{other.pk}/blocks/{OwnerBlock.objects.get().pk}/deletions"
    assert browser(bob).post(address).status_code == 404


# --- how many applications -----------------------------------------------------------------------------------


def test_one_owner_subscribes_as_many_applications_as_the_plan_says(echo: Api, mallory: User, carol: User) -> None:
    gold = builders.plan("Gold")
    assert gold.applications == 10
    for _ in range(10):
        subscribe(builders.application(mallory), echo)

    with pytest.raises(TooManyApplications, match="You have 10 applications subscribed to EchoWebSocket"):
        subscribe(builders.application(mallory), echo)
    assert subscribe(builders.application(carol), echo)
    operations.unsubscribe(
        subscription=Subscription.objects.filter(application__owner=mallory)[0], actor=mallory, now=LATER
    )
    assert subscribe(builders.application(mallory), echo)


def test_another_plan_is_no_way_round_the_number(echo: Api, mallory: User) -> None:
    for name, number in (("Gold", 1), ("Silver", 2)):
        plan = builders.plan(name)
        plan.applications = number
        plan.save()
    subscribe(builders.application(mallory), echo, "Gold")
    second = subscribe(builders.application(mallory), echo, "Silver")

    with pytest.raises(TooManyApplications, match="1 application subscribed"):
        operations.change_plan(subscription=second, plan=builders.plan("Gold"), actor=mallory, now=LATER)
    with pytest.raises(TooManyApplications):
        subscribe(builders.application(mallory), echo, "Silver")


def test_a_plan_may_let_any_number_in(echo: Api, mallory: User) -> None:
    gold = builders.plan("Gold")
    gold.applications = None
    gold.save()
    assert len([subscribe(builders.application(mallory), echo) for _ in range(12)]) == 12


def test_the_page_says_how_many_and_the_refusal_keeps_the_choice(
    app: Application, echo: Api, mallory: User, browser: Browser
) -> None:
    gold = builders.plan("Gold")
    gold.applications = 1
    gold.save()
    subscribe(app, echo)
    other = builders.application(mallory)
    page = browser(mallory).get(f"/devportal/apis/{echo.pk}").text
    assert "Your applications" in page
    assert "1 application<" in page.replace("\n", "").replace(" <", "<")
    refused = browser(mallory).post(f"/devportal/applications/{other.pk}/subscriptions/{echo.pk}", {"plan": "Gold"})
    assert refused.status_code == 409
    assert "as many as Gold allows one person" in refused.text
