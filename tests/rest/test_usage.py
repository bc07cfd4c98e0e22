"""What is used and what is left of a plan, by REST: for the owner, and for people of the Publisher."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from redis.exceptions import ConnectionError as NoRedis

from accounts.models import User
from devportal.models import Application, Subscription
from gateway.api import usage
from gateway.quotas.limits import OPEN, PlanLimits, window_at
from gateway.quotas.rules import LeaseRequest, api_account, application_account, connections_key, quota_key
from gateway.quotas.stores.database import DatabaseLeaseStore
from gateway.statistics import usage as statistics
from publisher.models import Plan
from publisher.plan_terms import QuotaPeriod, QuotaUnit
from tests.devportal import builders
from tests.rest.conftest import DEVPORTAL, PUBLISHER

pytestmark = pytest.mark.usefixtures("default_plans")

NOON = datetime(2026, 2, 10, 12, 0, 30, tzinfo=UTC)
_serials = count(1)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "time", SimpleNamespace(time=NOON.timestamp))


@pytest.fixture
def application(carol: User) -> Application:
    """Carol's."""
    return builders.application(carol)


@pytest.fixture
def subscription(alice: User, application: Application) -> Subscription:
    """Under Gold."""
    return builders.subscription(application, builders.api(alice))


def account_of(subscription: Subscription) -> str:
    """On what the business plan of a subscription is counted."""
    return api_account(str(subscription.application_id), str(subscription.api_id))


def spend(account: str, limits: PlanLimits, messages: int, lent: int = 0) -> None:
    """Some worker was lent so much more than the messages that it has spent."""
    _lend(quota_key(account, limits), window_at(limits.period, NOON.timestamp()), messages + lent, messages)


def connect(account: str, connections: int) -> None:
    """So many connections are open."""
    _lend(connections_key(account), OPEN, connections, connections)


def _lend(key: str, window: Any, granted: int, spent: int) -> None:
    store, now = DatabaseLeaseStore(), NOON.timestamp()
    store.beat("worker", now)
    serial = next(_serials)
    store.exchange("worker", [LeaseRequest(serial, 1, key, window, 1 << 40, 0, 0, least=granted, most=granted)], now)
    store.exchange("worker", [LeaseRequest(serial, 2, key, window, 1 << 40, granted, spent)], now)


def _get(client: Client, path: str) -> Any:
    return client.get(path).json()


def test_a_developer_reads_what_a_subscription_has_used_and_has_left(
    carol: User, signed_in: Callable[[User], Client], subscription: Subscription
) -> None:
    spend(account_of(subscription), PlanLimits(quota=50_000), 1234, lent=500)
    connect(account_of(subscription), 3)

    assert _get(signed_in(carol), f"{DEVPORTAL}/subscriptions/{subscription.pk}/usage") == {
        "subscriptionId": str(subscription.pk),
        "throttlingPolicy": "Gold",
        "quota": {
            "unit": "messages",
            "period": "day",
            "limit": 50_000,
            "used": 1234,
            "left": 48_766,
            "resetsAt": "2026-02-11T00:00:00Z",
        },
        "connections": {"limit": 100, "open": 3},
    }


@pytest.mark.parametrize(
    ("period", "resets_at"),
    [
        ("minute", "2026-02-10T12:01:00Z"),
        ("hour", "2026-02-10T13:00:00Z"),
        ("month", "2026-03-01T00:00:00Z"),
    ],
)
def test_a_quota_of_data_is_told_in_bytes_with_the_end_of_its_period(
    carol: User,
    signed_in: Callable[[User], Client],
    subscription: Subscription,
    period: str,
    resets_at: str,
) -> None:
    Plan.objects.filter(name="Gold").update(
        quota=1000, quota_unit=QuotaUnit.BYTES, quota_period=period, connections=None
    )
    spend(account_of(subscription), PlanLimits(quota=1000, unit=QuotaUnit.BYTES, period=QuotaPeriod(period)), 1500)
    body = _get(signed_in(carol), f"{DEVPORTAL}/subscriptions/{subscription.pk}/usage")

    quota = body["quota"]
    assert (quota["unit"], quota["period"], quota["resetsAt"]) == ("bytes", period, resets_at)
    assert (quota["used"], quota["left"]) == (1500, 0), "a quota that was lowered leaves nothing, not less"
    assert body["connections"] is None


def test_a_subscription_without_limits_has_nothing_to_count(
    alice: User, carol: User, signed_in: Callable[[User], Client], application: Application
) -> None:
    free = builders.subscription(application, builders.api(alice, plans=("Unlimited",)), "Unlimited")
    body = _get(signed_in(carol), f"{DEVPORTAL}/subscriptions/{free.pk}/usage")

    assert (body["throttlingPolicy"], body["quota"], body["connections"]) == ("Unlimited", None, None)


def test_a_developer_reads_what_an_application_has_used(
    carol: User, signed_in: Callable[[User], Client], application: Application
) -> None:
    path = f"{DEVPORTAL}/applications/{application.pk}/usage"
    assert _get(signed_in(carol), path)["quota"] is None

    application.plan.per_minute = 20
    application.plan.save()
    spend(application_account(str(application.pk)), PlanLimits.per_minute(20), 7)
    quota = _get(signed_in(carol), path)["quota"]
    assert (quota["limit"], quota["used"], quota["left"], quota["period"]) == (20, 7, 13, "minute")
    assert quota["resetsAt"] == "2026-02-10T12:01:00Z"


@pytest.mark.parametrize("person", ["alice", "bob", "observer"])
def test_people_of_the_publisher_read_everybodys(
    request: pytest.FixtureRequest, signed_in: Callable[[User], Client], subscription: Subscription, person: str
) -> None:
    spend(account_of(subscription), PlanLimits(quota=50_000), 5)
    client = signed_in(request.getfixturevalue(person))

    assert _get(client, f"{PUBLISHER}/subscriptions/{subscription.pk}/usage")["quota"]["used"] == 5
    assert client.get(f"{DEVPORTAL}/subscriptions/{subscription.pk}/usage").status_code == 404


def test_a_store_that_does_not_answer_is_said_to_be_out_of_reach(
    carol: User,
    signed_in: Callable[[User], Client],
    application: Application,
    subscription: Subscription,
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
) -> None:
    settings.REDIS_URL = "redis://secret@host"

    class Dead(DatabaseLeaseStore):
        def used(self, windows: Any) -> Any:
            raise NoRedis("connection refused to redis://secret@host")

    monkeypatch.setattr(statistics, "shared_store", Dead)
    for path in (f"subscriptions/{subscription.pk}", f"applications/{application.pk}"):
        response = signed_in(carol).get(f"{DEVPORTAL}/{path}/usage")
        assert (response.status_code, response.json()["code"]) == (503, 900503)
        assert "Try again" in response.json()["description"]
        assert "secret" not in response.content.decode()
