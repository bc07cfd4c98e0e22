"""The Publisher's page of an API's subscribers."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse

from accounts.models import RoleGrant, User
from accounts.roles import Role
from devportal.models import Subscription
from publisher.models import Api
from tests.devportal import builders
from tests.devportal.conftest import Browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def echo(bob: User) -> Api:
    return builders.api(bob, plans=("Gold", "Silver"))


@pytest.fixture
def row(echo: Api, carol: User) -> Subscription:
    return builders.subscription(builders.application(carol, "Chat client"), echo)


def page_of(echo: Api) -> str:
    return f"/publisher/apis/{echo.pk}/subscriptions"


def said(page: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(page.wsgi_request))


def test_everybody_of_the_publisher_reads_and_publishers_may_act(
    echo: Api, row: Subscription, browser: Browser, alice: User, bob: User, observer: User, admin: User
) -> None:
    for who, may_act in ((alice, False), (observer, False), (bob, True), (admin, True)):
        page = browser(who).get(page_of(echo))
        assert page.status_code == 200
        assert "Chat client" in page.content.decode()
        assert ("Block production only" in page.content.decode()) is may_act


def test_unticking_a_plan_in_use_asks_what_becomes_of_its_subscribers(
    echo: Api, row: Subscription, browser: Browser, bob: User
) -> None:
    page = f"/publisher/apis/{echo.pk}/plans"
    sent = {"seen": echo.updated_at.isoformat(), "plans": ["Silver"]}
    tab = browser(bob)
    asked = tab.post(page, sent)
    words = asked.content.decode()
    assert asked.status_code == 400
    assert "1 subscription is under Gold" in words
    assert "· 1 subscription</span>" in words
    assert "Say what becomes of them. Nothing has been saved yet." in words
    assert {plan.name for plan in echo.plans.all()} == {"Gold", "Silver"}

    assert tab.post(page, {**sent, f"after_{row.plan_id}": "Silver"}).status_code == 302
    row.refresh_from_db()
    assert (row.plan.name, [plan.name for plan in echo.plans.all()]) == ("Silver", ["Silver"])


def test_subscribers_of_a_withdrawn_plan_may_be_left_as_they_are(
    echo: Api, row: Subscription, browser: Browser, bob: User
) -> None:
    sent = {"seen": echo.updated_at.isoformat(), "plans": ["Silver"], f"after_{row.plan_id}": "keep:"}
    assert browser(bob).post(f"/publisher/apis/{echo.pk}/plans", sent).status_code == 302
    row.refresh_from_db()
    assert (row.plan.name, [plan.name for plan in echo.plans.all()]) == ("Gold", ["Silver"])
    assert "present plan</strong>, withdrawn" in browser(bob).get(page_of(echo)).content.decode()


def test_a_plan_that_nobody_is_under_is_withdrawn_without_a_question(
    echo: Api, row: Subscription, browser: Browser, bob: User
) -> None:
    sent = {"seen": echo.updated_at.isoformat(), "plans": ["Gold"]}
    assert browser(bob).post(f"/publisher/apis/{echo.pk}/plans", sent).status_code == 302
    assert [plan.name for plan in echo.plans.all()] == ["Gold"]


def test_change_plan_shows_the_present_one(echo: Api, row: Subscription, browser: Browser, bob: User) -> None:
    words = browser(bob).get(page_of(echo)).content.decode()
    assert "<strong>present plan</strong>" in words


def test_developers_and_strangers_see_nothing(
    echo: Api, row: Subscription, browser: Browser, carol: User, mallory: User
) -> None:
    assert [browser(who).get(page_of(echo)).status_code for who in (None, carol, mallory)] == [302, 404, 404]


def test_nobody_but_publishers_blocks(
    echo: Api, row: Subscription, browser: Browser, carol: User, alice: User, observer: User
) -> None:
    for what, data in (("states", {"state": "BLOCKED"}), ("plans", {"plan": "Silver"})):
        address = f"{page_of(echo)}/{row.pk}/{what}"
        assert [browser(who).post(address, data).status_code for who in (None, carol, alice, observer)] == [
            302,
            404,
            403,
            403,
        ]
    row.refresh_from_db()
    assert (row.state, row.plan.name) == ("UNBLOCKED", "Gold")


def test_owning_the_application_does_not_make_a_creator_a_publisher(echo: Api, browser: Browser, alice: User) -> None:
    RoleGrant.objects.create(user=alice, role=Role.SUBSCRIBER)
    alice = User.objects.get(pk=alice.pk)
    hers = builders.subscription(builders.application(alice), echo)

    assert browser(alice).post(f"{page_of(echo)}/{hers.pk}/plans", {"plan": "Silver"}).status_code == 403


def test_a_publisher_blocks_production_then_all_then_unblocks(
    echo: Api, row: Subscription, browser: Browser, bob: User
) -> None:
    tab = browser(bob)
    for state, words in (
        ("PROD_ONLY_BLOCKED", "production blocked"),
        ("BLOCKED", "blocked"),
        ("UNBLOCKED", "active"),
    ):
        answer = tab.post(f"{page_of(echo)}/{row.pk}/states", {"state": state})
        assert answer.url == page_of(echo)
        assert words in said(answer)
        row.refresh_from_db()
        assert row.state == state


def test_the_buttons_are_those_of_the_table(echo: Api, row: Subscription, browser: Browser, bob: User) -> None:
    for state, offered, missing in (
        ("UNBLOCKED", "Block all", "Unblock"),
        ("BLOCKED", "Unblock", "Approve"),
        ("ON_HOLD", "Approve", "Block all"),
        ("REJECTED", "Approve", "Reject<"),
    ):
        Subscription.objects.update(state=state)
        shown = browser(bob).get(page_of(echo)).content.decode()
        assert offered in shown
        assert missing not in shown


def test_a_step_that_is_not_possible_any_more_is_said(
    echo: Api, row: Subscription, browser: Browser, bob: User
) -> None:
    for state in ("UNBLOCKED", "nonsense", ""):
        answer = browser(bob).post(f"{page_of(echo)}/{row.pk}/states", {"state": state})
        assert "Reload to see what is possible" in said(answer)


def test_a_publisher_changes_the_plan(echo: Api, row: Subscription, browser: Browser, bob: User) -> None:
    answer = browser(bob).post(f"{page_of(echo)}/{row.pk}/plans", {"plan": "Silver"})
    row.refresh_from_db()
    assert row.plan.name == "Silver"
    assert "under Silver now" in said(answer)


@pytest.mark.parametrize(("plan", "words"), [("", "Choose a plan"), ("Gone", "no business plan"), ("Gold", "already")])
def test_a_plan_that_cannot_be_is_said(
    echo: Api, row: Subscription, browser: Browser, bob: User, plan: str, words: str
) -> None:
    answer = browser(bob).post(f"{page_of(echo)}/{row.pk}/plans", {"plan": plan})
    assert answer.url == page_of(echo)
    assert words in said(answer)


def test_a_subscription_is_managed_on_the_page_of_its_own_api(
    echo: Api, row: Subscription, browser: Browser, bob: User
) -> None:
    other = builders.api(bob, "Other")
    address = f"/publisher/apis/{other.pk}/subscriptions/{row.pk}/states"
    assert browser(bob).post(address, {"state": "BLOCKED"}).status_code == 404


def test_the_list_searches_filters_and_says_when_nothing_fits(
    echo: Api, row: Subscription, browser: Browser, bob: User, mallory: User
) -> None:
    builders.subscription(builders.application(mallory, "Scraper"), echo, state="BLOCKED")
    tab = browser(bob)

    assert "Scraper" not in tab.get(page_of(echo), {"q": "carol"}).content.decode()
    assert "Chat client" not in tab.get(page_of(echo), {"state": "BLOCKED"}).content.decode()
    assert "Nothing found" in tab.get(page_of(echo), {"q": "zzz"}).content.decode()


def test_an_api_without_subscribers_says_so(echo: Api, browser: Browser, bob: User) -> None:
    assert "Nobody is subscribed yet" in browser(bob).get(page_of(echo)).content.decode()


def test_a_publisher_writes_to_the_owner_of_one_and_of_all_and_an_observer_sees_no_address(
    echo: Api, row: Subscription, browser: Browser, bob: User, observer: User, mallory: User
) -> None:
    User.objects.filter(pk=mallory.pk).update(email="m&m@example.test")
    RoleGrant.objects.get_or_create(user=mallory, role=Role.SUBSCRIBER)
    builders.subscription(builders.application(User.objects.get(pk=mallory.pk), "Other client"), echo)
    page = browser(bob).get(page_of(echo)).content.decode()
    assert f"mailto:{row.application.owner.email}?subject=EchoWebSocket%201.0.0" in page
    assert "mailto:m%26m@example.test?" in page
    assert "Write to 2 owners" in page
    assert "mailto:" not in browser(observer).get(page_of(echo)).content.decode()


def test_who_waits_for_approval_is_said_on_top(echo: Api, row: Subscription, browser: Browser, bob: User) -> None:
    assert "for approval." not in browser(bob).get(page_of(echo)).content.decode()
    Subscription.objects.update(state="ON_HOLD")
    page = browser(bob).get(page_of(echo)).content.decode()
    assert 'href="?state=ON_HOLD"' in page


def test_the_page_costs_the_same_however_many_are_subscribed(
    echo: Api, row: Subscription, browser: Browser, bob: User, carol: User, django_assert_max_num_queries: Any
) -> None:
    tab = browser(bob)
    tab.get(page_of(echo))
    with django_assert_max_num_queries(40) as few:
        tab.get(page_of(echo))
    for number in range(8):
        builders.subscription(builders.application(carol, f"Client {number}"), echo)
    with django_assert_max_num_queries(len(few)):
        tab.get(page_of(echo))
