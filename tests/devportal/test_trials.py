"""Try out in the Publisher: who may, what is missing, and that the key and its application stay hidden."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from core.errors import NotAllowed
from devportal import internal_keys, operations, queries, tokens
from devportal.bootstrap import ensure_application_plans
from devportal.errors import ApplicationNotFound
from devportal.models import Application, KeyType, Ticket
from publisher import operations as publishing
from publisher.lifecycle import State
from publisher.models import Api, WorkingCopy
from tests.devportal.conftest import Browser
from tests.publisher.builders import NOW, give_role, in_state, make_api


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
    with pytest.raises(ApplicationNotFound):
        queries.application_for(alice, hidden.pk)
    assert operations.create_application(name=hidden.name, actor=alice, now=NOW).name == hidden.name
    assert queries.holdings_of(alice, timezone.now()).applications == 1


def test_who_has_no_right_to_try_gets_no_key(observer: User, carol: User, deployed: Api) -> None:
    for who in (observer, carol):
        with pytest.raises(NotAllowed):
            issue(deployed, who)
    assert not Application.objects.exists()


def test_a_key_for_the_working_copy_names_it_and_the_copy_is_another_when_the_design_is(alice: User) -> None:
    ensure_application_plans()
    api = make_api(alice)
    first, again = (issue(api, alice, of_working_copy=True).row.scope for _ in range(2))
    assert first == again == f"internal:{api.pk}:{api.working_copy.pk}"
    assert internal_keys.named_by(first) == (str(api.pk), str(api.working_copy.pk))
    api = publishing.update_api(api=api, changes={"query_token": False}, actor=alice, now=NOW)
    assert issue(api, alice, of_working_copy=True).row.scope not in (first, "")
    assert WorkingCopy.objects.get().snapshot["query_token"] is False


def test_a_working_copy_needs_a_backend_and_a_life_before_it(alice: User) -> None:
    ensure_application_plans()
    bare = make_api(alice, endpoint="")
    with pytest.raises(publishing.CannotTry, match="no endpoint yet"):
        issue(bare, alice, of_working_copy=True)
    retired = in_state(make_api(alice, name="Other", context="/other"), State.RETIRED)
    with pytest.raises(publishing.CannotTry, match="retired"):
        issue(retired, alice, of_working_copy=True)


def test_a_mock_is_tried_out_with_keys_of_either_type_that_the_api_takes(alice: User, bob: User) -> None:
    ensure_application_plans()
    api = make_api(alice, endpoint="", mock={"is_on": True, "echo": True}, key_types=["SANDBOX"])
    assert issue(api, alice, of_working_copy=True).row.application.key_type == "SANDBOX"
    api = publishing.deploy_revision(api=api, actor=bob, now=NOW)
    assert issue(api, alice).row.application.key_type == "SANDBOX"
    with pytest.raises(operations.NothingDeployed, match="no production endpoint"):
        issue(api, alice, key_type="PRODUCTION")


def test_copies_that_no_key_can_name_any_more_are_forgotten(alice: User) -> None:
    ensure_application_plans()
    api = make_api(alice)
    publishing.take_working_copy(api=api, actor=alice, now=NOW)
    assert publishing.forget_working_copies(NOW + timedelta(minutes=59)) == 0
    assert publishing.forget_working_copies(NOW + timedelta(minutes=61)) == 1


def test_without_a_deployed_revision_or_endpoint_there_is_no_key(alice: User, deployed: Api) -> None:
    with pytest.raises(operations.NothingDeployed, match="is not deployed"):
        issue(make_api(alice, name="Other", context="/other"), alice)
    with pytest.raises(operations.NothingDeployed, match="no nonsense endpoint"):
        issue(deployed, alice, key_type="NONSENSE")


def test_the_page_says_what_is_missing_and_offers_the_console_when_nothing_is(
    alice: User, observer: User, deployed: Api, browser: Browser
) -> None:
    bare = make_api(alice, name="Other", context="/other", endpoint="")
    page = browser(alice).get(reverse("devportal:trial", args=[bare.pk])).content.decode()
    assert "The API has no backend yet" in page
    assert "socket-console" not in page
    designed = make_api(alice, name="Third", context="/third")
    page = browser(alice).get(reverse("devportal:trial", args=[designed.pk])).content.decode()
    assert "Nothing is deployed: you connect to the working copy" in page
    assert "Revision" not in page.partition('name="design"')[2].partition("</select>")[0]
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
    copied = browser(alice).post(f"/api/am/publisher/v4/apis/{deployed.pk}/generate-key?workingCopy=true").json()
    row = tokens.find(copied["apikey"], timezone.now())
    assert row
    assert internal_keys.named_by(row.scope)[1]
