"""Analytics as each of them sees it: on the page, as CSV and over REST."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core.text import spaced
from gateway.models import BreakerRecord, EventFigures, TrafficFigures
from gateway.statistics import figures
from tests.devportal import builders
from tests.publisher.builders import make_api, plans


@pytest.fixture
def passed(alice: User, carol: User) -> tuple[Any, Any]:
    """Carol's application has called Alice's API, somebody else's another."""
    plans()
    application, api = builders.application(carol, name="Chat client"), make_api(alice)
    other = make_api(alice, name="Other", context="/other")
    begins = figures.minute_of(timezone.now() - timedelta(minutes=5))
    for number, (which, whose) in enumerate(((api, str(application.pk)), (other, str(uuid.uuid4())))):
        key = ("m", begins, "worker", str(which.pk), whose, "Gold", "PRODUCTION", "/rooms")
        figures.add(TrafficFigures, {key: (3, 2, 120_000, 1234, 5678, 10, 20 + number)})
        event = ("m", begins, str(which.pk), whose)
        figures.add(EventFigures, {(*event, "close", "gateway 4003"): (2,), (*event, "refusal", "401 900901"): (7,)})
    return application, api


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_of_an_api_shows_its_own_and_says_why_things_ended(passed: tuple[Any, Any], alice: User) -> None:
    page = client_of(alice).get(f"/publisher/apis/{passed[1].pk}/analytics").content.decode()
    page = page.replace("<wbr>", "")
    for words in (spaced(1244), "2 minutes in all", "Chat client", "/rooms", "The plan is used up", "is not valid"):
        assert words in page
    assert "<polyline" in page
    client = client_of(alice)
    client.cookies["apim-zone"] = "Asia%2FKolkata"
    assert "Asia/Kolkata" in client.get("/publisher/analytics?span=month").content.decode()


def test_a_span_in_which_nothing_passed_says_so(alice: User) -> None:
    page = client_of(alice).get(f"/publisher/apis/{make_api(alice).pk}/analytics?span=nonsense")
    assert "Nothing passed in this span" in page.content.decode()


def test_figures_go_out_as_csv_and_over_rest_and_are_the_same(
    passed: tuple[Any, Any], bob: User, carol: User, mallory: User
) -> None:
    application, api = passed
    text = client_of(bob).get(f"/publisher/apis/{api.pk}/analytics?span=hour&format=csv").content.decode()
    head, *rows = text.splitlines()
    assert head == "begins,opened,closed,milliseconds,messages_in,bytes_in,messages_out,bytes_out,refused"
    assert len(rows) == 60
    (row,) = [row for row in rows if not row.endswith(",0,0,0,0,0,0,0,0")]
    assert row.partition(",")[2] == "3,2,120000,1234,5678,10,20,7"
    address = "/api/am/gateway/v1/analytics?span=hour&by=api"
    mine = client_of(carol).get(address).json()
    found = [(each["name"], each["messagesIn"], each["bytesOut"]) for each in mine["groups"]]
    assert found == [(str(api.pk), 1234, 20)]
    assert (mine["total"]["refused"], mine["closes"]) == (7, [{"name": "gateway 4003", "times": 2}])
    assert len(client_of(bob).get(address).json()["groups"]) == 2
    assert client_of(mallory).get(address).json()["total"]["opened"] == 0
    page = client_of(carol).get(f"/devportal/applications/{application.pk}/analytics").content.decode()
    assert "EchoWebSocket 1.0.0" in page
    assert "Other" not in page


def test_the_overview_says_what_is_up_and_what_fails(passed: tuple[Any, Any], bob: User, alice: User) -> None:
    _, api = passed
    ended = ("m", figures.minute_of(timezone.now()), str(api.pk), "", "close", "backend 1000")
    figures.add(EventFigures, {ended: (5,)})
    failing = {"failures": 5, "until": time.time() + 60, "changed_at": time.time()}
    BreakerRecord.objects.create(key="k", address=f"{api.pk} ws://backend.test/", **failing)
    page = client_of(bob).get("/publisher/analytics")
    rows = {row["name"]: row for row in page.context["apis"]}
    row, other = rows[str(api)], rows["Other 1.0.0"]
    assert (row["refused"], row["ended_badly"], row["messages"]) == (7, 2, 1244)  # 1000 is no failure
    assert (len(row["suspended"]), other["suspended"]) == (1, [])
    assert page.content.decode().count("Backend suspended") == 1
    assert client_of(alice).get(f"/publisher/apis/{api.pk}/analytics").context["apis"] == []


def test_every_page_asks_the_database_a_constant_number_of_times(
    passed: tuple[Any, Any], admin: User, django_assert_max_num_queries: Any
) -> None:
    client = client_of(admin)
    with django_assert_max_num_queries(25):
        assert client.get("/admin/analytics").status_code == 200
