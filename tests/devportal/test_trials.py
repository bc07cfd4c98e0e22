"""Try out in the Publisher: who may, what is missing, and that the key and its application stay hidden."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from core.errors import NotAllowed
from devportal import operations, queries, tokens
from devportal.bootstrap import ensure_application_plans
from devportal.models import Application, KeyType, Ticket
from publisher import operations as publishing
from publisher.models import Api
from tests.devportal.conftest import Browser
from tests.publisher.builders import NOW, give_role, make_api


@pytest.fixture
def deployed(alice: User, bob: User) -> Api:
    """Alice's draft, which Bob has deployed."""
    ensure_application_plans()
    return publishing.deploy_revision(api=make_api(alice), actor=bob, now=NOW)


def issue(api: Api, by: User, **given: Any) -> Any:
    return operations.issue_internal_key(api=api, actor=by, now=timezone.now(), **given)


def test_a_key_names_its_api_and_ends_soon(alice: User, deployed: Api) -> None:
    issued = issue(deployed, alice)
    assert issued.row.scope == f"internal:{deployed.pk}"
    assert (issued.row.expires - timezone.now()).total_seconds() < 901
    assert tokens.find(issued.token, timezone.now()) == issued.row


def test_the_second_key_is_of_the_same_hidden_application(alice: User, bob: User, deployed: Api) -> None:
    asked = [(who, kind) for who in (alice, bob) for kind in KeyType for _ in range(2)]
    clients = [issue(deployed, who, key_type=kind).row.application for who, kind in asked]
    assert len({client.pk for client in clients}) == 4
    assert Application.objects.filter(is_internal=True).count() == 2


def test_the_application_is_on_no_list_and_takes_no_name_away(alice: User, deployed: Api) -> None:
    hidden = issue(deployed, alice).row.application.application
    alice = give_role(alice, Role.SUBSCRIBER)
    assert list(queries.applications_of(alice)) == []
    with pytest.raises(queries.ApplicationNotFound):
        queries.application_for(alice, hidden.pk)
    assert operations.create_application(name=hidden.name, actor=alice, now=NOW).name == hidden.name
    assert queries.holdings_of(alice, timezone.now()).applications == 1


def test_who_has_no_right_to_try_gets_no_key(observer: User, carol: User, deployed: Api) -> None:
    for who in (observer, carol):
        with pytest.raises(NotAllowed):
            issue(deployed, who)
    assert not Application.objects.exists()


def test_without_a_deployed_revision_or_endpoint_there_is_no_key(alice: User, deployed: Api) -> None:
    with pytest.raises(operations.NothingDeployed, match="is not deployed"):
        issue(make_api(alice, name="Other", context="/other"), alice)
    with pytest.raises(operations.NothingDeployed, match="no nonsense endpoint"):
        issue(deployed, alice, key_type="NONSENSE")


def test_the_page_says_when_nothing_is_deployed_and_offers_the_console_when_it_is(
    alice: User, observer: User, deployed: Api, browser: Browser
) -> None:
    bare = make_api(alice, name="Other", context="/other")
    page = browser(alice).get(reverse("devportal:trial", args=[bare.pk])).content.decode()
    assert "Nothing is deployed" in page
    assert "socket-console" not in page
    page = browser(alice).get(reverse("devportal:trial", args=[deployed.pk])).content.decode()
    assert reverse("devportal:trial-tickets", args=[deployed.pk]) in page
    assert "/echowebsocket/1.0.0" in page
    page = browser(observer).get(reverse("devportal:trial", args=[deployed.pk])).content.decode()
    assert "socket-console" not in page
    assert "Trying an API out needs" in page


def test_a_ticket_is_for_the_page_that_asked_and_the_key_is_never_in_an_answer(
    alice: User, observer: User, deployed: Api, browser: Browser
) -> None:
    address = reverse("devportal:trial-tickets", args=[deployed.pk])
    answer = browser(alice).post(address, {"key_type": "SANDBOX"}, headers={"Origin": "https://portal.test"})
    assert answer.json().keys() == {"ticket", "pass", "connectionId"}
    row = Ticket.objects.get()
    assert (row.origin, row.api_id) == ("https://portal.test", deployed.pk)
    refused = browser(observer).post(address)
    assert (refused.status_code, bool(refused.json()["reasons"])) == (403, True)
    assert browser(alice).post(address, {"key_type": "x"}).status_code == 409


def test_rest_gives_a_key_by_wso2s_name(alice: User, deployed: Api, browser: Browser) -> None:
    answer = browser(alice).post(f"/api/am/publisher/v4/apis/{deployed.pk}/generate-key")
    assert (answer.status_code, answer.json()["validityTime"]) == (200, 900)
    assert tokens.find(answer.json()["apikey"], timezone.now())
