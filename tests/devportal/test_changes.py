"""What developers learn of a deployment: its changes on a page, and by e-mail what breaks their clients."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, User
from accounts.operations import deliver_mail
from devportal import documented_codes
from devportal.memberships import affected_by
from devportal.models import Subscription
from devportal.subscription_states import SubscriptionState
from gateway.close_codes import CLOSES
from publisher import operations, queries, snapshots
from publisher.lifecycle import Action
from publisher.models import Api, DeployedChange
from tests.devportal import builders
from tests.devportal.conftest import Browser
from tests.publisher.builders import LATER, NOW, make_api
from tests.publisher.test_pages import text_of

ROOM = {"target": "/rooms/{id}", "verbs": ["publish", "subscribe"]}
NEWS = {"target": "/новости", "verbs": ["subscribe"]}


@pytest.fixture
def chat(admin: User) -> Api:
    """A published API with two topics."""
    return make_api(admin, publish=True, topics=[ROOM, NEWS])


def redeploy(api: Api, by: User, description: str = "", **changes: Any) -> Api:
    api = operations.update_api(api=api, changes=changes, actor=by, now=NOW)
    return operations.deploy_revision(api=api, description=description, actor=by, now=LATER)


def test_owners_of_subscribed_applications_are_written_to_once_and_nobody_else(
    chat: Api, admin: User, carol: User, mallory: User, settings: LazySettings
) -> None:
    settings.MAIL = True
    for person in (carol, mallory):
        person.confirmed_email = person.email
        person.save()
    for name in ("Первое", "Second"):
        builders.subscription(builders.application(carol, name), chat)
    gone = builders.subscription(builders.application(mallory, "Rejected"), chat)
    Subscription.objects.filter(pk=gone.pk).update(state=SubscriptionState.REJECTED.value)
    redeploy(chat, admin, "Rooms are closed.", topics=[NEWS])
    deliver_mail(now=LATER)
    (letter,) = mail.outbox
    assert letter.to == ["carol@example.test"]
    assert "Second and Первое" in letter.subject
    assert "The topic /rooms/{id} is removed." in letter.body
    assert "Rooms are closed." in letter.body
    assert reverse("devportal:changes", args=[chat.pk]) in letter.body


def test_what_breaks_nobody_is_kept_and_nobody_is_written_to(chat: Api, admin: User, carol: User) -> None:
    builders.subscription(builders.application(carol), chat)
    redeploy(chat, admin, topics=[ROOM, NEWS, {"target": "/more", "verbs": ["subscribe"]}])
    assert not Notification.objects.exists()
    change = queries.deployed_changes(chat).get()
    assert (change.before, change.revision, change.breaking) == (1, 2, [])
    assert change.changes == [{"kind": "added", "what": "/more", "detail": ""}]


def test_people_who_cannot_sign_in_any_more_are_not_written_to(chat: Api, carol: User) -> None:
    builders.subscription(builders.application(carol), chat)
    assert list(affected_by(chat)) == [carol]
    User.objects.filter(pk=carol.pk).update(is_active=False)
    assert not affected_by(chat)


def test_going_back_to_an_older_revision_breaks_those_who_follow_the_newer_one(chat: Api, admin: User) -> None:
    first = chat.deployed_revision
    chat = redeploy(chat, admin, topics=[ROOM, NEWS, {"target": "/more", "verbs": ["subscribe"]}])
    operations.deploy_revision(api=chat, revision=first, actor=admin, now=LATER)
    assert queries.deployed_changes(chat)[0].breaking == ["The topic /more is removed."]


def test_a_break_counts_also_after_the_api_was_off_the_gateway(chat: Api, admin: User) -> None:
    chat = operations.undeploy(api=chat, actor=admin, now=NOW)
    redeploy(chat, admin, topics=[NEWS])
    assert queries.deployed_changes(chat).get().breaking == ["The topic /rooms/{id} is removed."]


def test_deploying_the_same_again_is_no_change(chat: Api, admin: User) -> None:
    first = chat.deployed_revision
    chat = operations.undeploy(api=chat, actor=admin, now=NOW)
    operations.deploy_revision(api=chat, revision=first, actor=admin, now=LATER)
    operations.update_api(api=chat, changes={"description": "Only words."}, actor=admin, now=NOW)
    assert not DeployedChange.objects.exists()


def test_only_the_newest_changes_are_kept(chat: Api, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations.deployments, "MOST_CHANGES_KEPT", 2)
    for topics in ([NEWS], [ROOM], [ROOM, NEWS]):
        chat = redeploy(chat, admin, topics=topics)
    assert [change.revision for change in queries.deployed_changes(chat)] == [4, 3]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({}, {"query_token": False}, "Tokens in the address (?access_token=) are no longer taken."),
        ({}, {"key_types": ["PRODUCTION"]}, "Keys for sandbox are no longer taken."),
        ({}, {"message_bytes": 1024}, "A message of a client has at most 1 KiB now, it was what the plan says."),
        (
            {"message_bytes": 65536},
            {"message_bytes": 1000},
            "A message of a client has at most 1\N{NARROW NO-BREAK SPACE}000 bytes now, it was 64 KiB.",
        ),
        ({"message_bytes": 1000}, {"message_bytes": 0}, ""),
        ({}, {"frame_bytes": 1024}, "A frame of a client has at most 1 KiB now, it was any size."),
        (
            {"payload_validation": "report"},
            {"payload_validation": "enforce"},
            "A message that fits no payload schema of its topic ends its connection (1007).",
        ),
        ({"payload_validation": "enforce"}, {"payload_validation": "enforce"}, ""),
        ({}, {"payload_validation": "report"}, ""),
        (
            {},
            {"message_rate": 50},
            "All applications together have 50 messages a second, it was as many as plans allow.",
        ),
        ({"message_rate": 50}, {"message_rate": 60}, ""),
        ({"query_token": False}, {"query_token": True}, ""),
    ],
)
def test_what_is_taken_away_at_the_door_breaks_clients(
    before: dict[str, Any], after: dict[str, Any], sentence: str
) -> None:
    plain: dict[str, Any] = {"topics": [], "query_token": True}
    found = snapshots.breaking_between({**plain, **before}, {**plain, **after})
    assert found == ([sentence] if sentence else [])


def test_the_portal_shows_what_changed_and_leads_with_what_breaks(
    chat: Api, admin: User, browser: Browser, carol: User
) -> None:
    page = reverse("devportal:changes", args=[chat.pk])
    assert "Nothing has changed yet" in text_of(browser(carol).get(page))
    redeploy(chat, admin, "Rooms are closed.", topics=[NEWS])
    DeployedChange.objects.update(at=timezone.now())
    shown = text_of(browser(carol).get(page))
    assert "The topic /rooms/{id} is removed." in shown
    assert "Rooms are closed." in shown
    assert "See what breaks" in text_of(browser(carol).get(reverse("devportal:api", args=[chat.pk])))


def test_a_version_is_shown_beside_those_before_it(chat: Api, admin: User, browser: Browser) -> None:
    other = operations.create_version(api=chat, version="2.0.0", actor=admin, now=NOW)
    other = redeploy(other, admin, topics=[NEWS])
    operations.transition_api(api=other, action=Action.PUBLISH, actor=admin, now=LATER)
    shown = text_of(browser(None).get(f"/devportal/apis/{other.pk}/changes"))
    assert "Version 2.0.0 beside 1.0.0" in shown
    assert "Clients of 1.0.0 have to be changed" in shown
    assert "The topic /rooms/{id} is removed." in shown
    assert "beside" not in text_of(browser(None).get(f"/devportal/apis/{chat.pk}/changes"))
    hidden = operations.update_api(api=chat, changes={"visibility": "PRIVATE"}, actor=admin, now=LATER)
    assert "beside" not in text_of(browser(None).get(f"/devportal/apis/{other.pk}/changes?since={hidden.pk}"))


def test_a_definition_says_how_to_knock_and_what_may_become_of_it(chat: Api, admin: User, browser: Browser) -> None:
    say = {"name": "say", "schema": {"type": "object"}, "examples": [{"text": "<hello>"}]}
    redeploy(chat, admin, topics=[{**ROOM, "messages": {"publish": [say]}}], origins=["https://app.example"])
    page = browser(None).get(f"/devportal/apis/{chat.pk}/definition")
    shown = unescape(text_of(page))
    for words in (
        *("Authorization: Bearer <token>", "bearer.<token>", "?access_token=<token>", "https://app.example"),
        *("403 900908", "The application is not subscribed", "Subscribe it in the Developer Portal."),
        *("4003", "when it resets", "1012", "The gateway is restarting"),
    ):
        assert words in shown, words
    copied = 'data-copy="{\n  &quot;text&quot;: &quot;&lt;hello&gt;&quot;\n}"'
    assert copied in page.content.decode()
    assert {close.number for close in documented_codes.CLOSES} == CLOSES.keys()
