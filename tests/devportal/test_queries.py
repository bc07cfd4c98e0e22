"""Reads are scoped: each finds the owner's rows and hides them from everybody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from core.errors import NotFound
from devportal import operations, queries
from devportal.errors import KeysNotFound
from devportal.models import Application
from devportal.permissions import Viewer
from tests.devportal import builders
from tests.devportal.builders import NOW

pytestmark = pytest.mark.django_db
Read = Callable[[Viewer], object]


@pytest.fixture
def app(carol: User, bob: User) -> Application:
    app = builders.application(carol)
    builders.subscription(app, builders.api(bob))
    operations.generate_token(client=builders.keys(app).client, actor=carol, now=NOW)
    return app


@pytest.fixture
def reads(app: Application) -> dict[str, Read]:
    subscription = app.subscriptions.get()
    token = queries.active_tokens(app.clients.get(), NOW).get()
    return {
        "application": lambda viewer: queries.application_for(viewer, app.pk),
        "subscription": lambda viewer: queries.subscription_for(viewer, subscription.pk),
        "keys": lambda viewer: queries.client_for(viewer, app.pk, "PRODUCTION"),
        "token": lambda viewer: queries.token_for(viewer, token.pk),
    }


def finds(read: Read, viewer: Viewer) -> bool:
    try:
        return read(viewer) is not None
    except NotFound:
        return False


@pytest.mark.parametrize("what", ["application", "subscription", "keys", "token"])
def test_only_the_owner_finds_it(
    reads: dict[str, Read], what: str, carol: User, mallory: User, bob: User, admin: User
) -> None:
    found = [finds(reads[what], viewer) for viewer in (carol, mallory, bob, admin, AnonymousUser())]
    assert found == [True, False, False, False, False]


def test_subscribers_are_for_the_people_of_the_publisher(
    app: Application, alice: User, bob: User, observer: User, carol: User
) -> None:
    subscription = app.subscriptions.get()
    for viewer, sees in ((alice, True), (bob, True), (observer, True), (carol, False), (AnonymousUser(), False)):
        assert finds(lambda who: queries.subscriber_for(who, subscription.pk), viewer) is sees
        assert queries.all_subscribers(viewer).filter(api=subscription.api).exists() is sees


def test_nobody_owns_anything_without_an_account(app: Application) -> None:
    assert not queries.applications_of(AnonymousUser()).exists()
    assert not queries.my_subscriptions_to(AnonymousUser(), app.subscriptions.get().api).exists()


@pytest.mark.parametrize("pk", ["", "nonsense", "0"])
def test_what_is_no_id_finds_nothing(app: Application, carol: User, pk: str) -> None:
    for read in (queries.application_for, queries.subscription_for, queries.token_for):
        with pytest.raises(NotFound):
            read(carol, pk)


@pytest.mark.parametrize("key_type", ["SANDBOX", "", "nonsense"])
def test_keys_that_were_never_generated_are_not_found(app: Application, carol: User, key_type: str) -> None:
    with pytest.raises(KeysNotFound):
        queries.client_for(carol, app.pk, key_type)
