"""An API that is deployed and not published: its own people reach it with a key of the Publisher, nobody else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import operations as people
from accounts.models import User
from accounts.roles import Role
from devportal import operations as developing
from gateway.authorization.decision import Allow
from gateway.handshake.request import Credential, CredentialSource
from gateway.refusals import Refusal
from publisher import operations as publishing
from publisher.lifecycle import Action
from publisher.models import Api, Plan
from tests.gateway.builders import handshake
from tests.gateway.scenario import Scenario, Worker, elsewhere, person

TRIAL, RIVAL = "/draft/1.0.0", "/echowebsocket/1.0.0"


@pytest.fixture
def scenario(transactional_db: None) -> Scenario:
    """The tutorial's, with Alice, a creator, and a draft of hers that is deployed."""
    scenario = Scenario()
    person("alice", Role.CREATOR)
    draft = publishing.create_api(
        name="Draft",
        context="/draft",
        version="1.0.0",
        endpoint="ws://localhost:9900/echo",
        topics=[{"target": "/rooms/{id}", "verbs": ["subscribe"], "scopes": ["chat"]}],
        plans=[Plan.objects.get(name="Gold")],
        actor=scenario.admin,
        now=timezone.now(),
    )
    publishing.deploy_revision(api=draft, actor=scenario.admin, now=timezone.now())
    return scenario


def draft() -> Api:
    return Api.objects.select_related("deployed_revision").get(name="Draft")


def key(api: Api | None = None) -> str:
    """Alice's key for an API, the draft unless another is named."""
    alice = User.objects.get(username="alice")
    return developing.issue_internal_key(api=api or draft(), actor=alice, now=timezone.now()).token


async def test_nobody_knows_of_it_but_who_has_a_key_for_it(scenario: Scenario) -> None:
    strangers, mine = await elsewhere(scenario.token), await elsewhere(key)
    other = await elsewhere(lambda: key(scenario.api))
    async with Worker() as worker:
        for path in (f"{TRIAL}/rooms/7", f"{TRIAL}/rooms/{'x' * 99}"):
            assert isinstance(await worker.decide(mine, path), Allow)
            for token in (strangers, other, "nonsense"):
                refusal = await worker.decide(token, path)
                nowhere = await worker.decide(token, "/no/such/place")
                assert isinstance(refusal, Refusal)
                assert refusal == nowhere  # word for word, so that nothing is given away
        for path in ("/draft", "/draft/1.0", "/draft/1", "/draft/2.0.0", "/draft/1.0.00", f"{TRIAL}/nothing"):
            refusal = await worker.decide(mine, path)
            assert isinstance(refusal, Refusal)
            assert refusal.status == 404


async def test_a_key_opens_its_api_alone_and_needs_no_subscription_where_it_is_published(scenario: Scenario) -> None:
    mine, published = await elsewhere(key), await elsewhere(lambda: key(scenario.api))
    async with Worker() as worker:
        assert isinstance(await worker.decide(published, RIVAL), Allow)
        refusal = await worker.decide(mine, RIVAL)
        assert isinstance(refusal, Refusal)
        assert (refusal.status, refusal.code) == (403, 900908)


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("deploy anew", None),
        ("publish", None),
        ("undeploy", 4010),
        ("delete", 4010),
        ("lose the role", 4001),
        ("disable", 4001),
    ],
)
async def test_a_connection_stays_as_long_as_its_person_may_try_it_out(
    scenario: Scenario, deed: str, code: int | None
) -> None:
    def do() -> None:
        now, admin, api = timezone.now() + timedelta(seconds=1), scenario.admin, draft()
        if deed == "deploy anew":
            scenario.edit(api, "another description")
        elif deed == "publish":
            publishing.transition_api(api=api, action=Action.PUBLISH, actor=admin, now=now)
        elif deed == "undeploy":
            publishing.undeploy(api=api, actor=admin, now=now)
        elif deed == "delete":
            publishing.delete_api(api=api, actor=admin, now=now)
        elif deed == "lose the role":
            alice = User.objects.get(username="alice")
            people.set_roles(user=alice, roles={Role.SUBSCRIBER}, actor=admin, now=now)
        else:
            people.set_active(active=False, user=User.objects.get(username="alice"), actor=admin, now=now)

    mine = await elsewhere(key)
    async with Worker() as worker:
        await worker.connect("mine", mine, f"{TRIAL}/rooms/7")
        await elsewhere(do)
        await worker.change_feed.step()
        assert worker.closed == ({"mine": code} if code else {})


async def test_an_api_that_is_taken_back_to_created_is_tried_out_once_it_is_deployed(scenario: Scenario) -> None:
    mine = await elsewhere(lambda: key(scenario.api))

    def demote_and_deploy() -> None:
        api = publishing.transition_api(
            api=Api.objects.get(pk=scenario.api.pk), action=Action.DEMOTE, actor=scenario.admin, now=timezone.now()
        )
        publishing.deploy_revision(api=api, actor=scenario.admin, now=timezone.now())

    async with Worker() as worker:
        await elsewhere(demote_and_deploy)
        await worker.change_feed.step()
        assert isinstance(await worker.decide(mine, RIVAL), Allow)
        refusal = await worker.decide(await elsewhere(scenario.token), RIVAL)
        assert isinstance(refusal, Refusal)
        assert refusal.status == 404


def sketch(actor: User) -> Api:
    """A design that nobody has deployed."""
    return publishing.create_api(
        name="Sketch",
        context="/sketch",
        version="1.0.0",
        endpoint="ws://localhost:9901/new",
        actor=actor,
        now=timezone.now(),
    )


def copy_key(api: Api) -> str:
    """Alice's key for the working copy."""
    issued = developing.issue_internal_key(
        api=api, of_working_copy=True, actor=User.objects.get(username="alice"), now=timezone.now()
    )
    return issued.token


def copy_ticket(api: Api) -> str:
    """Alice's ticket for one connection to the working copy."""
    issued = developing.issue_internal_ticket(
        api=api, of_working_copy=True, actor=User.objects.get(username="alice"), now=timezone.now()
    )
    return issued.ticket


async def test_a_design_that_was_never_deployed_is_reached_at_its_address_with_a_key_for_it(scenario: Scenario) -> None:
    api = await elsewhere(lambda: sketch(scenario.admin))
    strangers, deployed_key = await elsewhere(scenario.token), await elsewhere(key)
    async with Worker() as worker:
        before = await worker.decide(strangers, "/sketch/1.0.0")
        mine = await elsewhere(lambda: copy_key(api))
        await worker.change_feed.step()
        admitted = await worker.decide(mine, "/sketch/1.0.0/rooms/7")
        assert isinstance(admitted, Allow)
        assert admitted.endpoint.url == "ws://localhost:9901/new"
        for token in (strangers, deployed_key, "nonsense"):
            assert await worker.decide(token, "/sketch/1.0.0") == before
        for path in ("/sketch", "/sketch/1.0", TRIAL, RIVAL):
            refusal = await worker.decide(mine, path)
            assert isinstance(refusal, Refusal)


async def test_the_working_copy_of_a_published_api_is_another_than_what_is_deployed(scenario: Scenario) -> None:
    def edited() -> Api:
        api = Api.objects.get(pk=scenario.api.pk)
        changes = {"production": {"url": "ws://localhost:9902/next"}}
        return publishing.update_api(api=api, changes=changes, actor=scenario.admin, now=timezone.now())

    api = await elsewhere(edited)
    async with Worker() as worker:
        mine = await elsewhere(lambda: copy_key(api))
        published = await elsewhere(lambda: key(Api.objects.get(pk=api.pk)))
        on_copy, on_deployed = [await worker.decide(each, RIVAL) for each in (mine, published)]  # the feed is not read
        assert isinstance(on_copy, Allow)
        assert isinstance(on_deployed, Allow)
        assert on_copy.endpoint.url == "ws://localhost:9902/next" != on_deployed.endpoint.url


async def test_a_ticket_reaches_a_copy_of_which_no_worker_has_heard(scenario: Scenario) -> None:
    api = await elsewhere(lambda: sketch(scenario.admin))
    async with Worker() as worker:
        ticket = await elsewhere(lambda: copy_ticket(api))
        asked = replace(handshake("/sketch/1.0.0"), credential=Credential(CredentialSource.TICKET, ticket))
        assert isinstance(await worker.routing.decide(asked), Allow)
        assert isinstance(await worker.routing.decide(asked), Refusal)


@pytest.mark.parametrize(("deed", "code"), [("undeploy", None), ("delete", 4010), ("lose the role", 4001)])
async def test_a_connection_to_a_copy_stays_whatever_is_deployed(
    scenario: Scenario, deed: str, code: int | None
) -> None:
    def do() -> None:
        now = timezone.now() + timedelta(seconds=1)
        if deed == "undeploy":
            publishing.undeploy(api=draft(), actor=scenario.admin, now=now)
        elif deed == "delete":
            publishing.delete_api(api=draft(), actor=scenario.admin, now=now)
        else:
            alice = User.objects.get(username="alice")
            people.set_roles(user=alice, roles={Role.SUBSCRIBER}, actor=scenario.admin, now=now)

    mine = await elsewhere(lambda: copy_key(draft()))
    async with Worker() as worker:
        await worker.connect("mine", mine, f"{TRIAL}/rooms/7")
        await elsewhere(do)
        await worker.change_feed.step()
        assert worker.closed == ({"mine": code} if code else {})
