"""Try it: what is missing is made once, said in one line, and what is there is used."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts import installation
from accounts.models import InstallationSettings, User
from devportal import composing, operations, queries
from devportal.errors import KeysNotFound
from devportal.models import Application, OAuthClient, Subscription, Ticket
from devportal.operations.attributes import define_attribute
from devportal.operations.starts import NoPlanToStart, plan_to_start
from publisher import operations as publishing
from publisher import snapshots
from publisher.models import Api
from tests.devportal import builders
from tests.devportal.builders import NOW
from tests.devportal.conftest import Browser


@pytest.fixture
def api(bob: User) -> Api:
    """A published API under two plans, of which the larger has to be approved; only its sandbox has an endpoint."""
    builders.ensure_application_plans()
    builders.plan("Huge", quota=9_000_000, requires_approval=True)
    found = builders.api(bob, plans=("Gold", "Huge"))
    found.deployed_revision.snapshot["sandbox"] = {"url": "ws://localhost:1/"}
    found.deployed_revision.save()
    return found


def start(api: Api, carol: User) -> operations.Start:
    return operations.start(api=api, actor=carol, now=NOW)


def test_the_first_click_makes_all_and_says_it_and_the_second_makes_nothing(api: Api, carol: User) -> None:
    first = start(api, carol)
    assert str(first) == ("Made for you: the application “Try it”, a subscription under Gold and sandbox keys.")
    assert first.client
    assert (first.client.key_type, first.subscription.state) == ("SANDBOX", "UNBLOCKED")
    again = start(api, carol)
    assert (again.made, again.client, again.subscription) == ((), first.client, first.subscription)


def test_the_next_api_is_tried_with_the_same_application_and_keys(api: Api, bob: User, carol: User) -> None:
    builders.application(carol, "Shop")  # what runs is left alone
    first, second = start(api, carol), start(builders.api(bob, "Chat"), carol)
    assert second.client == first.client
    assert second.made == ("a subscription under Gold",)
    assert not Subscription.objects.filter(application__name="Shop").exists()


def test_an_application_that_is_subscribed_is_used_before_any_other(api: Api, carol: User) -> None:
    shop = builders.application(carol, "Shop")
    builders.subscription(shop, api, state="BLOCKED")
    other = builders.application(carol, "Chat client")
    builders.subscription(other, api)
    begun = start(api, carol)
    assert (begun.subscription.application, begun.made) == (other, ("sandbox keys",))
    assert not Application.objects.filter(name="Try it").exists()


def test_the_plan_that_the_publisher_marked_comes_first_though_it_has_to_be_approved(
    api: Api, bob: User, carol: User
) -> None:
    assert plan_to_start(api, carol).name == "Gold"
    api = publishing.update_api(api=api, changes={"first_plan": "Huge"}, actor=bob, now=NOW)
    assert plan_to_start(api, carol).name == "Huge"
    begun = start(api, carol)
    assert begun.subscription.state == "ON_HOLD"
    assert str(begun).endswith("It works as soon as the publisher approves it.")


def test_who_waits_for_an_administrator_is_told_so_and_loses_nothing(api: Api, carol: User, browser: Browser) -> None:
    InstallationSettings.objects.create(pk=1, approve_applications=True)
    installation.forget()
    answer = browser(carol).post(reverse("devportal:console-starts", args=[api.pk]), follow=True).content.decode()
    assert "as soon as an administrator approves the application" in answer
    assert "socket-console" not in answer
    assert Subscription.objects.get().application.approval == Application.Approval.WAITING
    assert start(api, carol).made == ()
    Application.objects.update(approval=Application.Approval.APPROVED)
    assert start(api, carol).made == ("sandbox keys",)


def test_a_plan_that_is_reserved_is_never_the_first(api: Api, carol: User) -> None:
    api.plans.update(roles=["publisher"])
    with pytest.raises(NoPlanToStart, match="no plan that is open to you"):
        plan_to_start(api, carol)


def test_what_failed_leaves_nothing_behind(api: Api, carol: User) -> None:
    api.plans.update(roles=["publisher"])
    with pytest.raises(NoPlanToStart):
        start(api, carol)
    assert not Application.objects.exists()


def test_a_mock_is_reached_with_keys_of_either_type(api: Api) -> None:
    assert api.deployed_revision
    api.deployed_revision.snapshot["mock"] = {"is_on": True}
    assert snapshots.key_types_served(api) == ["PRODUCTION", "SANDBOX"]
    api.deployed_revision.snapshot["key_types"] = ["PRODUCTION"]
    assert snapshots.key_types_served(api) == ["PRODUCTION"]


def test_the_button_leads_to_the_console_which_connects_with_the_new_keys(
    api: Api, carol: User, browser: Browser
) -> None:
    client = browser(carol)
    assert "Try it" in client.get(reverse("devportal:api", args=[api.pk])).content.decode()
    answer = client.post(reverse("devportal:console-starts", args=[api.pk]), follow=True)
    page, keys = answer.content.decode(), OAuthClient.objects.get()
    assert "Made for you: the application “Try it”" in page
    assert "data-connects" in page
    assert f'<option value="{keys.pk}">' in page
    assert keys.client_secret not in page


def test_a_ticket_is_of_ones_own_keys_only(api: Api, carol: User, mallory: User, browser: Browser) -> None:
    keys = start(api, carol).client
    assert keys
    address = reverse("devportal:console-tickets", args=[api.pk])
    answer = browser(carol).post(address, {"key": keys.pk}, headers={"Origin": "https://portal.test"})
    assert answer.json().keys() == {"ticket", "pass", "connectionId"}
    assert (Ticket.objects.get().origin, answer["Cache-Control"]) == ("https://portal.test", "no-store")
    for key in (keys.pk, "", "x"):
        assert browser(mallory).post(address, {"key": key}).status_code == 404


def test_keys_that_may_not_ask_for_a_token_are_said_to(api: Api, carol: User, browser: Browser) -> None:
    keys = start(api, carol).client
    assert keys
    OAuthClient.objects.update(grant_types=["password"])
    answer = browser(carol).post(reverse("devportal:console-tickets", args=[api.pk]), {"key": keys.pk})
    assert (answer.status_code, "client credentials" in answer.json()["reasons"][0]) == (409, True)


def test_a_pending_approval_is_said_where_one_would_connect(api: Api, bob: User, carol: User, browser: Browser) -> None:
    publishing.update_api(api=api, changes={"first_plan": "Huge"}, actor=bob, now=NOW)
    begun = start(Api.objects.get(pk=api.pk), carol)
    assert begun.client
    page = browser(carol).get(reverse("devportal:console", args=[api.pk])).content.decode()
    assert "as soon as the publisher approves it" in page
    address = reverse("devportal:console-attempt", args=[api.pk])
    answer = browser(carol).get(address, {"key": begun.client.pk, "attempt": "0" * 32}).json()
    assert (answer["recorded"], answer["reasons"][0][:27]) == (False, "The subscription waits for ")


# --- what is composed ----------------------------------------------------------------------------------------

SCHEMA = {"type": "object", "required": ["room"], "properties": {"room": {"type": "string"}}}
JOIN: dict[str, Any] = {"name": "Join", "schema": SCHEMA, "examples": [{"room": "lobby"}, {"room": "é"}]}
TOPICS = [
    {"target": "/news", "verbs": ["subscribe"], "messages": {"subscribe": [{"name": "News"}]}},
    {"target": "/rooms", "verbs": ["publish"], "messages": {"publish": [JOIN, {"name": "Raw", "examples": ["ping"]}]}},
]


def test_what_a_client_may_send_is_offered_with_its_examples() -> None:
    offered = [(each.topic, each.title, each.kind, each.text) for each in composing.sendable(TOPICS)]
    assert offered == [
        ("/rooms", "Join 1", "1.0", '{\n  "room": "lobby"\n}'),
        ("/rooms", "Join 2", "1.0", '{\n  "room": "é"\n}'),
        ("/rooms", "Raw", "", "ping"),
    ]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("1.0", '{"room": "lobby"}', []),
        ("1.0", '{"room": 5}', ['/room: 5 is not of type "string".']),
        ("1.0", "{}", ['At its top: "room" is a required property.']),
        ("1.0", "{", ["Join is JSON, and this is none: Expecting property name"]),
        ("1.0", "[" * 60_000, ["This is nested too deeply to be checked."]),
        ("1.0", " " * 65_537, ["Only messages up to 64 KiB are checked while you type."]),
        ("9.9", "anything", []),
        ("1.1", "ping", []),
    ],
)
def test_a_text_is_judged_as_examples_are(kind: str, text: str, said: list[str]) -> None:
    found = composing.problems(TOPICS, kind, text)
    assert len(found) == len(said)
    assert all(each.startswith(begin) for each, begin in zip(found, said, strict=True))


def test_only_the_person_s_own_keys_are_taken(api: Api, carol: User, mallory: User) -> None:
    begun = start(api, carol)
    assert begun.client
    assert queries.own_keys(carol, str(begun.client.pk)) == (begun.client, begun.subscription.application)
    with pytest.raises(KeysNotFound):
        queries.own_keys(mallory, str(begun.client.pk))


def test_what_administrators_ask_of_each_application_is_asked_before_one_is_made(
    api: Api, admin: User, carol: User, browser: Browser
) -> None:
    define_attribute(
        name="Cost centre", description="Who pays.", is_required=True, is_hidden=False, actor=admin, now=NOW
    )
    define_attribute(name="Ticket", description="", is_required=False, is_hidden=False, actor=admin, now=NOW)
    hers, at = browser(carol), reverse("devportal:console-starts", args=[api.pk])

    asked = hers.post(at, follow=True)
    assert not Application.objects.exists(), "nothing is made behind their back"
    page = asked.content.decode()
    assert "Cost centre" in page
    assert "Ticket" not in page, "only what is needed"
    (field,) = asked.context["form"].asked

    refused = hers.post(at, {field: "  "})
    assert refused.status_code == 400
    assert "Cost centre is asked for by your administrators." in refused.content.decode()

    assert hers.post(at, {field: "4711"}).status_code == 302
    made = Application.objects.get()
    assert (made.name, made.attributes) == ("Try it", {"Cost centre": "4711"})
    assert operations.start(api=api, actor=carol, now=NOW).made == (), "and not asked again"
