"""Two at once: one wins, the other is told, and nothing is written twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import User
from core.errors import Conflict
from core.models import AuditEntry
from devportal import operations
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, ApplicationPlan, OAuthClient, Subscription
from devportal.operations import wizard
from devportal.operations.applications import ApplicationNameTaken
from devportal.operations.keys import KeysExist
from devportal.operations.subscriptions import AlreadySubscribed, SubscriptionMoved, TooManyApplications
from tests.devportal import builders
from tests.devportal.builders import NOW

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


def outcomes(operation: Callable[[], object]) -> list[object]:
    """Run `operation` several times at once: None for each that succeeded, its refusal for each that did not."""
    together = Barrier(AT_ONCE)

    def run(_: int) -> object:
        together.wait()
        try:
            operation()
        except Conflict as refusal:
            return type(refusal)
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def test_one_of_many_creates_the_application(carol: User) -> None:
    ensure_application_plans()

    got = outcomes(lambda: operations.create_application(name="Chat", actor=carol, now=NOW))

    assert sorted(got, key=str) == [ApplicationNameTaken] * (AT_ONCE - 1) + [None]
    assert Application.objects.count() == AuditEntry.objects.filter(verb="application.created").count() == 1


def test_one_of_many_subscribes(carol: User, bob: User) -> None:
    app, api, plan = builders.application(carol), builders.api(bob), builders.plan()

    got = outcomes(lambda: operations.subscribe(application=app, api=api, plan=plan, actor=carol, now=NOW))

    assert sorted(got, key=str) == [AlreadySubscribed] * (AT_ONCE - 1) + [None]
    assert Subscription.objects.count() == AuditEntry.objects.filter(verb="subscription.created").count() == 1


def test_one_of_many_applications_gets_the_last_place_of_a_plan(carol: User, bob: User) -> None:
    plan = builders.plan(applications=1)
    api = builders.api(bob)
    apps = [builders.application(carol) for _ in range(AT_ONCE)]

    got = outcomes(lambda: operations.subscribe(application=apps.pop(), api=api, plan=plan, actor=carol, now=NOW))

    assert sorted(got, key=str) == [TooManyApplications] * (AT_ONCE - 1) + [None]
    assert Subscription.objects.count() == 1


def test_nobody_gets_in_while_the_block_is_made(carol: User, bob: User) -> None:
    api, plan = builders.api(bob), builders.plan()
    row = builders.subscription(builders.application(carol), api)
    apps = [builders.application(carol) for _ in range(AT_ONCE - 1)]
    work: list[Callable[[], object]] = [
        lambda: operations.set_subscription_state(subscription=row, state="BLOCKED", actor=bob, now=NOW),
        *(partial(operations.subscribe, application=app, api=api, plan=plan, actor=carol, now=NOW) for app in apps),
    ]

    outcomes(lambda: work.pop()())

    assert set(Subscription.objects.values_list("state", flat=True)) == {"BLOCKED"}


def test_one_of_many_generates_the_keys(carol: User) -> None:
    app = builders.application(carol)

    got = outcomes(lambda: operations.generate_keys(application=app, key_type="PRODUCTION", actor=carol, now=NOW))

    assert sorted(got, key=str) == [KeysExist] * (AT_ONCE - 1) + [None]
    assert OAuthClient.objects.count() == AuditEntry.objects.filter(verb="keys.generated").count() == 1


def test_one_of_many_blocks(carol: User, bob: User) -> None:
    pk = builders.subscription(builders.application(carol), builders.api(bob)).pk
    seen = [Subscription.objects.select_related("api", "plan").get(pk=pk) for _ in range(AT_ONCE)]

    got = outcomes(
        lambda: operations.set_subscription_state(subscription=seen.pop(), state="BLOCKED", actor=bob, now=NOW)
    )

    assert sorted(got, key=str) == [SubscriptionMoved] * (AT_ONCE - 1) + [None]
    assert AuditEntry.objects.filter(verb="subscription.blocked").count() == 1


def test_a_wizard_sent_many_times_at_once_makes_one_of_each(carol: User, bob: User) -> None:
    ensure_application_plans()
    api, plan = builders.api(bob), builders.plan()
    fields = {"name": "Chat", "description": "", "plan": ApplicationPlan.objects.get(name="Unlimited")}

    assert outcomes(lambda: wizard.create_once(api=api, **fields, actor=carol, now=NOW)) == [None] * AT_ONCE
    app = Application.objects.get()
    by = {"application": app, "actor": carol, "now": NOW}
    assert outcomes(lambda: wizard.subscribe_once(api=api, plan=plan, **by)) == [None] * AT_ONCE
    assert outcomes(lambda: wizard.generate_once(key_type="PRODUCTION", **by)) == [None] * AT_ONCE

    assert (app.subscriptions.count(), app.clients.count()) == (1, 1)
