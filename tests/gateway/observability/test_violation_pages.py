"""People of the Publisher see which messages fitted no schema, and what was sent those who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from gateway.models import ViolationCount, ViolationSample
from publisher.models import Api
from tests.publisher.builders import make_api
from tests.rest.conftest import PUBLISHER

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(alice: User) -> Api:
    """With thirty applications that sent something wrong, one of which twice."""
    made = make_api(alice)
    now = timezone.now()
    for number in range(30):
        whose = {
            "api_id": str(made.pk),
            "application_id": f"app{number:02}",
            "topic": "/rooms/{id}",
            "sender": "client",
        }
        names = {"application_name": f"Größe {number:02}", "subscriber": "carol"}
        ViolationCount.objects.create(**whose, **names, times=number + 1, first_at=now, last_at=now)
        sample = {"message": "say", "path": "/text", "problem": "value is too long", "payload": '{"text": "<b>"}'}
        ViolationSample.objects.create(**whose, **sample, at=now, is_closed=False, octets=15)
    return made


@pytest.mark.parametrize(("person", "sees"), [("alice", True), ("bob", True), ("observer", False)])
def test_who_may_sees_what_was_sent_and_all_see_what_was_wrong(
    client: Client, api: Api, request: pytest.FixtureRequest, person: str, sees: bool
) -> None:
    client.force_login(request.getfixturevalue(person))
    page = client.get(reverse("publisher:violations", args=[api.pk])).content.decode()
    assert "Größe 00" in page
    assert "value is too long" in page
    assert ("&quot;text&quot;: &quot;&lt;b&gt;" in page) is sees
    found = client.get(f"{PUBLISHER}/apis/{api.pk}/payload-violations?limit=2").json()
    assert (found["pagination"]["total"], len(found["list"])) == (30, 2)
    first = found["list"][0]
    assert (first["applicationId"], first["count"], first["sender"]) == ("app00", 1, "client")
    assert (first["samples"][0]["path"], "payload" in first["samples"][0]) == ("/text", sees)


def test_the_list_is_paged_and_asks_a_constant_number_of_times(
    client: Client, api: Api, alice: User, django_assert_max_num_queries: Any
) -> None:
    client.force_login(alice)
    page = reverse("publisher:violations", args=[api.pk])
    with django_assert_max_num_queries(12):
        assert len(client.get(page).context["rows"]) == 25
    assert len(client.get(f"{page}?page=2").context["rows"]) == 5


def test_counting_anew_is_for_those_who_may_and_forgets_only_this_api(client: Client, api: Api, bob: User) -> None:
    ViolationCount.objects.create(api_id="other", times=1, first_at=timezone.now(), last_at=timezone.now())
    client.force_login(bob)
    assert client.post(reverse("publisher:violation-deletions", args=[api.pk])).status_code == 302
    assert [row.api_id for row in ViolationCount.objects.all()] == ["other"]
    assert not ViolationSample.objects.exists()
    assert "Payload validation is off" in client.get(reverse("publisher:violations", args=[api.pk])).content.decode()
