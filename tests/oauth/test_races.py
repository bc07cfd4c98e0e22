"""Two at the same moment: one wins, and nothing half done stays behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from accounts.models import RoleGrant, User
from accounts.roles import Role
from core.models import AuditEntry
from devportal.operations import GeneratedKeys, oauth_grants
from tests.devportal import builders
from tests.oauth import flows

pytestmark = pytest.mark.django_db(transaction=True)
TOGETHER = 4


@pytest.fixture
def own_keys() -> GeneratedKeys:
    """Carol's keys, committed."""
    carol = User.objects.create_user("carol")
    RoleGrant.objects.create(user=carol, role=Role.SUBSCRIBER)
    return builders.keys(builders.application(carol), grant_types=flows.ALL_GRANTS, callback_url=flows.CALLBACK)


def _at_once(ask: Any) -> list[Any]:
    """The answers of several threads that ask at the same moment."""
    barrier = Barrier(TOGETHER)

    def run(_: int) -> Any:
        try:
            barrier.wait(timeout=30)
            return ask()
        finally:
            connection.close()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(run, range(TOGETHER)))


def test_a_code_that_several_redeem_at_once_is_taken_once_and_then_trusted_no_more(own_keys: GeneratedKeys) -> None:
    code = flows.consent(User.objects.get(), own_keys.client)["code"]
    answers = _at_once(lambda: flows.exchange(Client(), own_keys.client, own_keys.secret, code))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert AuditEntry.objects.filter(verb="token.issued").count() == 1, "a loser's token was stored"
    assert AccessToken.objects.count() == Grant.objects.count() == 0, "a second use ends what the first began"


def test_a_refresh_token_that_several_use_at_once_gives_each_a_place_in_one_family(own_keys: GeneratedKeys) -> None:
    code = flows.consent(User.objects.get(), own_keys.client)["code"]
    first = flows.exchange(Client(), own_keys.client, own_keys.secret, code).json()
    answers = _at_once(lambda: flows.refresh(Client(), own_keys.client, own_keys.secret, first["refresh_token"]))

    assert [answer.status_code for answer in answers] == [200] * TOGETHER
    assert AccessToken.objects.count() == TOGETHER + 1
    assert RefreshToken.objects.values("token_family").distinct().count() == 1
    for answer in answers:
        assert (
            flows.refresh(Client(), own_keys.client, own_keys.secret, answer.json()["refresh_token"]).status_code == 200
        )


def test_without_a_grace_one_of_several_gets_through_and_the_family_ends(
    own_keys: GeneratedKeys, settings: LazySettings
) -> None:
    settings.REFRESH_GRACE_SECONDS = 0.0
    code = flows.consent(User.objects.get(), own_keys.client)["code"]
    first = flows.exchange(Client(), own_keys.client, own_keys.secret, code).json()
    answers = _at_once(lambda: flows.refresh(Client(), own_keys.client, own_keys.secret, first["refresh_token"]))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert AuditEntry.objects.filter(verb="token.issued").count() == 2, "a loser's token was stored"
    assert AccessToken.objects.count() == RefreshToken.objects.filter(revoked=None).count() == 0


def test_who_waits_for_a_refresh_token_comes_after_whoever_held_it(own_keys: GeneratedKeys) -> None:
    code = flows.consent(User.objects.get(), own_keys.client)["code"]
    flows.exchange(Client(), own_keys.client, own_keys.secret, code)

    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        before: list[str] = []

        def clock() -> datetime:
            before.extend(query["sql"] for query in asked.captured_queries)
            return timezone.now()

        assert oauth_grants.use_refresh_token(token=RefreshToken.objects.get(), clock=clock)
    assert sum("refreshtoken" in sql.lower() for sql in before) == 2, "the time was taken before the row was held"
