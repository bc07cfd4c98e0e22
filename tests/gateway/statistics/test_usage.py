"""What is used, who is told of it once, and statements that never change once their month has closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.test import Client
from django.urls import reverse

from accounts.models import Notification, User
from devportal import operations as developing
from devportal.queries import application_plans
from devportal.sharing import Right
from gateway.models import MonthlyStatement, TrafficFigures
from gateway.quotas.limits import window_at
from gateway.quotas.usage import PlanUsage, QuotaUsage
from gateway.statistics import figures, usage
from gateway.views import analytics
from publisher import operations as publishing
from publisher.lifecycle import Action
from publisher.plan_terms import QuotaPeriod
from tests.devportal import builders
from tests.publisher.builders import make_api, plans

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def subscribed(alice: User, bob: User, carol: User) -> tuple[Any, Any]:
    """Carol's application, subscribed to Alice's API, over which something passes now."""
    plans()
    application, api = builders.application(carol, name="Chat client"), make_api(alice)
    publishing.transition_api(api=api, action=Action.PUBLISH, actor=bob, now=NOON)
    builders.subscription(application, api)
    passed(application, api, NOON)
    return application, api


def passed(application: Any, api: Any, at: datetime, messages: int = 5) -> None:
    key = ("m", figures.minute_of(at), "w", str(api.pk), str(application.pk), "Gold", "PRODUCTION", "")
    figures.add(TrafficFigures, {key: (1, 1, 90_000, messages, 10, 7, 70)})


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the store says is used, out of 50 000 a day."""
    said = {"used": 0}

    def usages_of(store: Any, asked: list[Any], *, now: float) -> list[PlanUsage]:
        resets_at = datetime.fromtimestamp(window_at(QuotaPeriod.DAY, now).end, UTC)
        return [PlanUsage(QuotaUsage("messages", QuotaPeriod.DAY, 50_000, said["used"], resets_at), 3) for _ in asked]

    monkeypatch.setattr(usage, "usages_of", usages_of)
    return said


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("sentence", flat=True))


def test_who_runs_an_application_is_told_at_80_and_at_100_per_cent_once_a_period(
    subscribed: tuple[Any, Any], used: dict[str, int], carol: User, alice: User, mallory: User, admin: User
) -> None:
    application, _ = subscribed
    for name, right in (("mallory", Right.MANAGE), ("admin", Right.KEYS)):
        developing.add_member(application=application, name=name, right=right, actor=carol, now=NOON)
    Notification.objects.all().delete()
    for number, sentences in ((39_999, 0), (40_000, 1), (45_000, 1), (50_000, 2), (50_000, 2)):
        used["used"] = number
        usage.warn(NOON)
        assert len(told(carol)) == sentences
    first, second = told(carol)
    assert first.startswith("Chat client has used 80 % of its quota for EchoWebSocket 1.0.0")
    assert "used up" in second
    assert "28 November, 00:00 UTC" in second
    assert (told(mallory), told(admin), told(alice)) == ([first, second], [], [])
    tomorrow = NOON + timedelta(days=1)
    passed(*subscribed, tomorrow)
    usage.warn(tomorrow)
    assert len(told(carol)) == 3


def test_a_forecast_goes_on_at_the_pace_of_the_period(subscribed: tuple[Any, Any], used: dict[str, int]) -> None:
    used["used"] = 10_000
    (row,) = usage.usages_now(subscribed[0].subscriptions.all(), NOON)
    assert (row.share, row.forecast, row.kind) == (20, 20_000, "")


def test_the_publishers_overview_lists_who_is_near_a_limit_in_this_period(
    subscribed: tuple[Any, Any], used: dict[str, int], bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics.database_clock, "now", lambda: NOON)
    client.force_login(bob)
    page = reverse("gateway:all-apis")
    used["used"] = 41_000
    usage.warn(NOON)
    drawn = client.get(page).content.decode()
    assert "Near a limit" in drawn
    assert "41\u202f000 / 50\u202f000" in drawn
    used["used"] = 0  # the next day
    assert "Near a limit" not in client.get(page).content.decode()


def test_the_page_of_an_application_shows_what_its_own_plan_has_left(
    subscribed: tuple[Any, Any], carol: User, client: Client
) -> None:
    application, _ = subscribed
    client.force_login(carol)
    page = reverse("gateway:application-usage", args=[application.pk])
    assert "no limit" in client.get(page).content.decode()
    type(application).objects.update(plan=application_plans().get(name="10PerMin"))
    assert "0 / 10" in client.get(page).content.decode()


def test_a_statement_is_frozen_when_its_month_has_closed_and_equals_its_figures(
    subscribed: tuple[Any, Any], carol: User, mallory: User, bob: User
) -> None:
    application, api = subscribed
    passed(application, api, datetime(2026, 11, 1, tzinfo=UTC))
    passed(application, api, datetime(2026, 10, 31, 23, 59, tzinfo=UTC), messages=1000)
    december = datetime(2026, 12, 1, tzinfo=UTC)
    assert usage.freeze(december + timedelta(minutes=9)) == 0
    assert usage.freeze(december + timedelta(minutes=11)) == 1
    passed(application, api, NOON)  # a worker that was cut off would write into the present month instead
    assert usage.freeze(december + timedelta(hours=1)) == 0
    row = MonthlyStatement.objects.get()
    assert (row.month, row.application_name, row.api_name) == ("2026-11", "Chat client", "EchoWebSocket 1.0.0")
    assert (row.opened, row.milliseconds, row.messages_in, row.bytes_out) == (2, 180_000, 10, 140)
    assert usage.sums_of_month(datetime(2026, 10, 5, tzinfo=UTC), Q())[0]["messages_in"] == 1000
    for who, number in ((carol, 1), (mallory, 0), (bob, 1)):
        client = Client()
        client.force_login(who)
        answer = client.get("/api/am/gateway/v1/statements?month=2026-11").json()
        assert answer["count"] == number
    client = Client()
    client.force_login(carol)
    address = f"/devportal/applications/{application.pk}/usage"
    assert "2026-11" in client.get(address).content.decode()
    head, line = client.get(f"{address}?format=csv").content.decode().splitlines()
    assert head.startswith("month,application_id,application,api_id,api,opened,milliseconds,messages_in")
    assert ",2,180000,10,20,14,140," in line
