"""Giving an application away: it goes whole, what its old owner knows ends, and no block is got round."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts.models import Notification, User
from core.errors import Invalid
from core.models import AuditEntry
from devportal import operations
from devportal.models import Application
from devportal.operations.applications import ApplicationNameTaken
from tests.devportal import builders
from tests.devportal.builders import NOW


def give(application: Application, to: str) -> Application:
    return operations.transfer_application(application=application, to=to, actor=application.owner, now=NOW)


def test_an_application_goes_whole_and_what_its_owner_knows_ends(alice: User, carol: User, mallory: User) -> None:
    application = builders.application(carol, "Chat")
    builders.subscription(application, builders.api(alice))
    keys = builders.keys(application)
    by = {"actor": carol, "now": timezone.now()}
    operations.generate_token(client=keys.client, **by)
    second, _ = operations.add_secret(client=keys.client, name="CI", seconds=None, **by)
    given = give(application, "MALLORY")
    assert (given.owner, given.subscriptions.count(), AccessToken.objects.count()) == (mallory, 1, 0)
    body = {"grant_type": "client_credentials", "client_id": keys.client.client_id}
    for secret in (keys.secret, second):
        assert Client().post("/oauth2/token", {**body, "client_secret": secret}, secure=True).status_code == 401
    assert "has given you the application Chat" in Notification.objects.get(user=mallory).sentence
    assert AuditEntry.objects.get(verb="application.transferred").detail["to"] == "mallory"
    carol.delete()
    assert given.clients.count() == 1


def test_nobody_gets_round_a_block_by_giving_or_being_given(alice: User, bob: User, carol: User, mallory: User) -> None:
    api = builders.api(alice)
    blocked = builders.application(carol)
    builders.subscription(blocked, api, state="BLOCKED")
    with pytest.raises(operations.TransferRefused, match="blocked you or mallory"):
        give(blocked, "mallory")
    held = builders.subscription(builders.application(mallory), api)
    operations.set_subscription_state(subscription=held, state="BLOCKED", actor=bob, now=NOW)
    free = builders.application(carol)
    builders.subscription(free, builders.api(alice, "Other"))
    give(free, "mallory")
    mine = builders.application(carol)
    api.subscriptions.filter(application__owner=carol).delete()
    builders.subscription(mine, api)
    with pytest.raises(operations.TransferRefused):
        give(mine, "mallory")


def test_it_goes_to_developers_only_and_not_beside_one_of_its_name(carol: User, mallory: User, observer: User) -> None:
    application = builders.application(carol, "Chat")
    for nobody in ("oscar", "nobody-here", ""):
        with pytest.raises(Invalid, match="There is no developer"):
            give(application, nobody)
    builders.application(mallory, "chat")
    with pytest.raises(ApplicationNameTaken):
        give(application, "mallory")


def test_all_tokens_of_keys_are_revoked_by_one_button(carol: User) -> None:
    keys = builders.keys(builders.application(carol))
    for _ in range(3):
        operations.generate_token(client=keys.client, actor=carol, now=timezone.now())
    tab = Client()
    tab.force_login(carol)
    address = f"/devportal/applications/{keys.client.application_id}/keys/production"
    done = tab.post(f"{address}/revocations", secure=True, follow=True)
    assert "3 tokens revoked" in done.content.decode()
    assert not AccessToken.objects.exists()
