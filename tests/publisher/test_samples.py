"""Deploy sample API: a working chat with one click, and the same one with the next."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from accounts.permissions import RoleRequired
from accounts.roles import Role
from publisher import operations
from publisher.ip_policy import BackendPolicy
from publisher.lifecycle import State
from publisher.models import Api
from publisher.operations.samples import NAME
from tests.publisher.builders import NOW, give_role, make_api, plans

pytestmark = pytest.mark.django_db
CHAT = "ws://localhost:9900/chat"


@pytest.fixture(autouse=True)
def default_plans() -> None:
    plans()


def test_one_click_publishes_a_chat_with_topics_and_description(client: Client, admin: User) -> None:
    client.force_login(admin)
    assert "Deploy sample API" in client.get(reverse("publisher:apis")).content.decode()
    answer = client.post(reverse("publisher:sample"))
    api = Api.objects.get()
    assert answer["Location"] == reverse("publisher:api", args=[api.pk])
    assert (api.name, api.stage, api.production["url"]) == (NAME, State.PUBLISHED, CHAT)
    assert api.deployed_revision
    assert [topic["target"] for topic in api.deployed_revision.snapshot["topics"]] == ["/rooms/{room}", "/*"]
    assert api.description
    assert [document.name for document in api.documents.all()] == ["First steps"]
    assert api.plans.count() == 4
    assert "is published" in client.get(answer["Location"]).content.decode()


def test_the_next_click_leads_to_the_same_one_as_it_is(client: Client, admin: User) -> None:
    first, _ = operations.deploy_sample(endpoint=CHAT, actor=admin, now=NOW)
    operations.update_api(api=first, changes={"description": "Mine."}, actor=admin, now=NOW)
    client.force_login(admin)
    assert client.post(reverse("publisher:sample"))["Location"] == reverse("publisher:api", args=[first.pk])
    assert Api.objects.get().description == "Mine."


def test_who_may_not_publish_gets_a_design(alice: User, bob: User) -> None:
    api, is_new = operations.deploy_sample(endpoint=CHAT, actor=alice, now=NOW)
    assert (is_new, api.stage, api.deployed_revision) == (True, State.CREATED, None)
    with pytest.raises(RoleRequired):
        operations.deploy_sample(endpoint=CHAT, actor=bob, now=NOW)


def test_a_context_that_is_taken_is_said_on_the_list(client: Client, alice: User) -> None:
    make_api(give_role(alice, Role.PUBLISHER), context="/chat-sample")
    client.force_login(alice)
    answer = client.post(reverse("publisher:sample"), follow=True)
    assert "answers at /chat-sample already" in answer.content.decode()
    assert Api.objects.count() == 1


def test_a_server_that_lets_no_backend_be_on_this_machine_says_so(client: Client, admin: User) -> None:
    client.force_login(admin)
    with override_settings(BACKEND_POLICY=BackendPolicy()):
        answer = client.post(reverse("publisher:sample"), follow=True)
    assert "APIM_BACKEND_NETWORKS" in answer.content.decode()
    assert not Api.objects.exists()
