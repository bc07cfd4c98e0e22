"""No API takes another's address: the rule, and where it is kept."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from gateway.control.loaders import load_deployments
from gateway.routing.table import RouteTable
from publisher import operations
from publisher.addresses import Tenant, clash, losers
from publisher.lifecycle import State
from publisher.models import Api
from tests.publisher.builders import LATER, NOW, in_state, make_api
from tests.rest.conftest import PUBLISHER


def _tenant(place: str, hours: int = 0) -> Tenant:
    context, _, version = place.partition(" ")
    return Tenant(place, place, context, version, NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/victim 1.0.0", "/victim/1.0.0 1.0.0"),
        ("/victim 1.0.0", "/victim/1.0.0 2"),
        ("/victim 1.0.0", "/victim/1 1"),
        ("/victim 1.0.0", "/victim/1.0 1"),
        ("/victim 1.0.0", "/victim/1.0.0/rooms 1"),
        ("/victim 1.0.0", "/VICTIM/1.0.0 1"),
        ("/victim 1.0.0-Beta", "/victim/1.0.0-beta 1"),
        ("/victim 1.0.0", "/victim/{version}/rooms 1.0.0"),
        ("/victim 1.0.0", "/victim/{version}/rooms 1.4"),
        ("/victim/{version}/rooms 1.0.0", "/victim/1.0.0/rooms 1"),
        ("/victim/{version}/rooms 1.0.0", "/victim/1/rooms/blue 1"),
        ("/{version}/victim 1", "/1/victim 1"),
        ("/{version}/victim 1", "/1 victim"),
        ("/victim rooms", "/victim/{version}/rooms 7"),
    ],
)
def test_an_address_inside_another_apis_is_seen_from_either_side(one: str, other: str) -> None:
    assert clash(_tenant(one), [_tenant("/else 1"), _tenant(other)]) == _tenant(other)
    assert clash(_tenant(other), [_tenant(one)]) == _tenant(one)
    assert losers([_tenant(other, 1), _tenant(one)]) == {other: _tenant(one)}
    assert losers([_tenant(other), _tenant(one, 1)]) == {one: _tenant(other)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/victim 1.0.0", "/victim 2.0.0"),
        ("/victim 1.0.0", "/victim/eu 1.0.0"),
        ("/victim 1.0.0", "/victim/1.0.1 1"),
        ("/victim 1.0.0", "/victim/10 1"),
        ("/victim 1.0.0", "/victims 1.0.0"),
        ("/victim 1.0.0", "/victim1.0.0 1"),
        ("/victim 1.0.0", "/victim/2.0.0 1"),
        ("/victim/{version} 1.0.0", "/victim/{version} 1.0"),
    ],
)
def test_what_lies_beside_another_api_is_free(one: str, other: str) -> None:
    assert clash(_tenant(one), [_tenant(other)]) is None
    assert losers([_tenant(one), _tenant(other)]) == {}


@pytest.mark.parametrize("context", ["/victim/1.0.0", "/Victim/1", "victim/1.0/", "/victim/{version}/x"])
def test_a_context_inside_another_apis_address_is_refused_and_names_it(alice: User, context: str) -> None:
    make_api(alice, name="Victim", context="/victim")
    with pytest.raises(operations.AlreadyExists, match=r"Victim 1\.0\.0 answers at /victim/1\.0\.0") as refusal:
        make_api(alice, name="Thief", context=context)
    assert refusal.value.fields.keys() == {"context"}


def test_a_context_is_not_moved_into_another_apis_address(alice: User) -> None:
    make_api(alice, name="Victim", context="/victim")
    thief = make_api(alice, name="Thief", context="/thief")
    with pytest.raises(operations.AlreadyExists, match="Victim"):
        operations.update_api(api=thief, changes={"context": "/victim/1.0.0"}, actor=alice, now=LATER)


def test_a_new_version_takes_no_address_that_another_api_has(alice: User) -> None:
    api = make_api(alice, name="Victim", context="/victim")
    make_api(alice, name="Guest", context="/victim/eu")
    with pytest.raises(operations.AlreadyExists, match=r"Guest 1\.0\.0 answers at /victim/eu/1\.0\.0") as refusal:
        operations.create_version(api=api, version="EU", actor=alice, now=LATER)
    assert refusal.value.fields.keys() == {"version"}


def _put_in_the_way(admin: User) -> tuple[Api, Api]:
    """Two APIs from a time when nobody looked: the younger has a context inside the older one's address."""
    victim = make_api(admin, name="Victim", context="/victim", publish=True)
    thief = make_api(admin, name="Thief", context="/thief", publish=True)
    Api.objects.filter(pk=thief.pk).update(context="/victim/1.0.0", created_at=LATER)
    revision = thief.deployed_revision
    assert revision
    revision.snapshot = {**revision.snapshot, "context": "/victim/1.0.0"}
    revision.save()
    return victim, Api.objects.get(pk=thief.pk)


def test_the_younger_of_two_that_clash_is_not_deployed_and_the_older_is(admin: User) -> None:
    victim, thief = (
        operations.update_api(api=api, changes={"query_token": False}, actor=admin, now=LATER)
        for api in _put_in_the_way(admin)
    )
    with pytest.raises(operations.CannotDeploy, match=r"Victim 1\.0\.0 answers at /victim/1\.0\.0"):
        operations.deploy_revision(
            api=thief, revision=operations.create_revision(api=thief, actor=admin, now=LATER), actor=admin, now=LATER
        )
    again = operations.create_revision(api=victim, actor=admin, now=LATER)
    assert operations.deploy_revision(api=victim, revision=again, actor=admin, now=LATER).deployed_revision == again


def test_the_gateway_gives_a_path_to_the_older_and_says_so_at_start(
    admin: User, caplog: pytest.LogCaptureFixture
) -> None:
    victim, thief = _put_in_the_way(admin)
    with caplog.at_level(logging.WARNING, "gateway.routing"):
        table = RouteTable(load_deployments())
    match = table.match("/victim/1.0.0/1.0.0/rooms")
    assert match
    assert [each.api_id for each in match.candidates] == [str(victim.pk)]
    assert f"API {thief.pk} is not served" in caplog.text
    assert "Victim 1.0.0 at /victim/1.0.0" in caplog.text
    assert load_deployments([str(thief.pk)]) == [], "what is read again later is left out too"
    Api.objects.filter(pk=thief.pk).update(context="/VICTIM/1.0.0")
    assert load_deployments([str(thief.pk)]) == [], "however it is written"
    Api.objects.filter(pk=thief.pk).update(context="/{version}/1.0.0", version="victim")
    assert load_deployments([str(thief.pk)]) == [], "and wherever its version stands"
    Api.objects.filter(pk=thief.pk).update(context="/elsewhere")
    assert [each.api_id for each in load_deployments([str(thief.pk)])] == [str(thief.pk)]


def test_the_clash_ends_with_the_older_api(admin: User) -> None:
    victim, thief = _put_in_the_way(admin)
    operations.delete_api(api=in_state(victim, State.CREATED), actor=admin, now=LATER)
    assert [each.api_id for each in load_deployments()] == [str(thief.pk)]


def test_rest_says_it_at_the_context(admin: User, client: Client) -> None:
    client.force_login(admin)
    make_api(admin, name="Victim", context="/victim")
    body = {"name": "Thief", "context": "/victim/1.0.0", "version": "1.0.0", "type": "WS"}
    answer = client.post(f"{PUBLISHER}/apis", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"][0]["field"]) == (409, "context")
