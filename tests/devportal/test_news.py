"""Who is told what happens to the APIs they use and to what they asked for."""

from __future__ import annotations

from accounts.models import Notification, User
from devportal import operations
from publisher import operations as publisher
from publisher.lifecycle import Action
from publisher.models import Api
from tests.devportal import builders
from tests.devportal.builders import NOW


def told(user: User) -> list[tuple[str, str]]:
    rows = Notification.objects.filter(user=user).order_by("pk")
    return list(rows.values_list("kind", "sentence"))


def test_those_who_use_an_api_are_told_what_is_done_to_it(alice: User, bob: User, carol: User, mallory: User) -> None:
    api = builders.api(alice)
    builders.subscription(builders.application(carol), api)
    builders.subscription(builders.application(carol), api)
    for action in (Action.BLOCK, Action.DEPRECATE, Action.RETIRE):
        api = publisher.transition_api(api=Api.objects.get(pk=api.pk), action=action, actor=bob, now=NOW)
    assert [(kind, sentence.partition(":")[0]) for kind, sentence in told(carol)] == [
        ("ends", f"{api} is blocked"),
        ("versions", f"{api} is deprecated"),
        ("ends", f"{api} is retired"),
    ]
    assert told(mallory) == []
    assert Notification.objects.get(sentence__contains="retired").link == "/devportal/applications"


def test_a_new_version_is_told_to_those_who_use_an_older_one(alice: User, bob: User, carol: User) -> None:
    old = builders.api(alice)
    builders.subscription(builders.application(carol), old)
    new = builders.api(alice, version="2.0.0", state="CREATED", production={"primary": "wss://b.test"})
    Api.objects.filter(pk=new.pk).update(context=old.context)
    new.refresh_from_db()
    publisher.transition_api(api=new, action=Action.PUBLISH, actor=bob, now=NOW)
    assert told(carol) == [("versions", "Version 2.0.0 of EchoWebSocket is there. You use or follow an older one.")]


def test_an_approval_is_asked_for_and_answered(alice: User, bob: User, carol: User) -> None:
    builders.plan("Slow", requires_approval=True)
    api = builders.api(alice, plans=("Slow",))
    waiting = builders.subscription(builders.application(carol, "Chat"), api, "Slow")
    assert told(bob) == [("approvals", f"Chat of carol waits to be let in to {api} under Slow.")]
    operations.set_subscription_state(subscription=waiting, state="UNBLOCKED", actor=bob, now=NOW)
    operations.set_subscription_state(subscription=waiting, state="BLOCKED", actor=bob, now=NOW)
    assert [kind for kind, _ in told(carol)] == ["approvals", "ends"]
