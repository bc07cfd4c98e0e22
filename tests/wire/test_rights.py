"""Rights act on open sockets: what ends a right closes what rests on it, with its code and a reason, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts import operations as people
from accounts.models import User
from accounts.roles import Role
from devportal import operations as developing
from devportal.models import Application, DenyPolicy, Subscription
from publisher import operations as publishing
from publisher.lifecycle import Action
from publisher.models import Api, Plan
from tests.gateway.scenario import Scenario, elsewhere
from tests.wire.cluster import Site, deploy, ending, later, point_at, running, runtime, scenario_with
from tests.wire.peers import until, websockets_backend

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

Deed = Callable[[Scenario], Any]


@pytest.fixture
async def backend() -> AsyncIterator[str]:
    """An echo."""
    async with websockets_backend() as address:
        yield address


def move(action: Action) -> Deed:
    """Move the tutorial's API along its lifecycle."""

    def deed(scenario: Scenario) -> None:
        row = Api.objects.get(pk=scenario.api.pk)
        publishing.transition_api(api=row, action=action, actor=scenario.admin, now=timezone.now())

    deed.__name__ = action.value
    return deed


def retire(scenario: Scenario) -> None:
    move(Action.DEPRECATE)(scenario)
    move(Action.RETIRE)(scenario)


def undeploy(scenario: Scenario) -> None:
    publishing.undeploy(api=Api.objects.get(pk=scenario.api.pk), actor=scenario.admin, now=timezone.now())


def delete_api(scenario: Scenario) -> None:
    publishing.delete_api(api=Api.objects.get(pk=scenario.api.pk), actor=scenario.admin, now=timezone.now())


def revoke_token(scenario: Scenario) -> None:
    scenario.revoke_all()


def renew_secret(scenario: Scenario) -> None:
    developing.regenerate_secret(client=scenario.client, revoke_tokens=True, actor=scenario.carol, now=timezone.now())


def revoke_by_oauth(scenario: Scenario) -> None:
    """As the endpoint of RFC 7009 does it."""
    for row in AccessToken.objects.filter(application=scenario.client):
        row.revoke()


def unsubscribe(scenario: Scenario) -> None:
    row = Subscription.objects.get(pk=scenario.subscription.pk)
    developing.unsubscribe(subscription=row, actor=scenario.carol, now=timezone.now())


def block(scenario: Scenario) -> None:
    scenario.block()


def block_production(scenario: Scenario) -> None:
    scenario.block("PROD_ONLY_BLOCKED")


def delete_application(scenario: Scenario) -> None:
    row = Application.objects.get(pk=scenario.application.pk)
    developing.delete_application(application=row, actor=scenario.carol, now=timezone.now())


def disable_owner(scenario: Scenario) -> None:
    people.set_active(
        active=False, user=User.objects.get(pk=scenario.carol.pk), actor=scenario.admin, now=timezone.now()
    )


def take_the_role_away(scenario: Scenario) -> None:
    carol = User.objects.get(pk=scenario.carol.pk)
    people.set_roles(user=carol, roles=[Role.OBSERVER], actor=scenario.admin, now=timezone.now())


def delete_owner(scenario: Scenario) -> None:
    User.objects.get(pk=scenario.carol.pk).delete()


def ask_for_a_scope(scenario: Scenario) -> None:
    """Deploy topics that need a scope that the token has not."""
    topic = {"target": "/*", "verbs": ["publish", "subscribe"], "mapping": "", "scopes": ["write"]}
    Api.objects.filter(pk=scenario.api.pk).update(topics=[topic])
    deploy(scenario, scenario.api)


def take_the_topic_away(scenario: Scenario) -> None:
    topic = {"target": "/rooms", "verbs": ["publish", "subscribe"], "mapping": "", "scopes": []}
    Api.objects.filter(pk=scenario.api.pk).update(topics=[topic])
    deploy(scenario, scenario.api)


def deny(kind: str, value: str, invert: bool = False) -> Deed:
    """Add a deny policy."""

    def deed(scenario: Scenario) -> None:
        developing.add_deny_policy(kind=kind, value=value, invert=invert, actor=scenario.admin, now=timezone.now())

    deed.__name__ = f"deny {kind} {value} {invert}"
    return deed


def change_plan(scenario: Scenario) -> None:
    api = Api.objects.get(pk=scenario.api.pk)
    publishing.update_api(
        api=api, changes={"plans": list(Plan.objects.all())}, actor=scenario.admin, now=timezone.now()
    )
    row = Subscription.objects.get(pk=scenario.subscription.pk)
    developing.change_plan(
        subscription=row, plan=Plan.objects.get(name="Silver"), actor=scenario.carol, now=timezone.now()
    )


@pytest.mark.parametrize(
    ("deed", "code", "word"),
    [
        (revoke_token, 4001, "revoked"),
        (revoke_by_oauth, 4001, "revoked"),
        (renew_secret, 4001, "revoked"),
        (delete_application, 4001, "revoked"),
        (disable_owner, 4001, "disabled"),
        (take_the_role_away, 4001, "subscriber role"),
        (delete_owner, 4001, "revoked"),
        (unsubscribe, 4002, "not subscribed"),
        (block, 4006, "blocked this subscription"),
        (block_production, 4006, "production keys"),
        (move(Action.BLOCK), 4006, "blocked this API"),
        (move(Action.DEMOTE), 4010, "no longer served"),
        (retire, 4010, "no longer served"),
        (undeploy, 4010, "no longer served"),
        (delete_api, 4010, "no longer served"),
        (ask_for_a_scope, 4002, "write"),
        (take_the_topic_away, 4010, "topic"),
        (deny("API", "/echowebsocket/1.0.0"), 4006, "administrator has blocked this API"),
        (deny("APPLICATION", "carol:Chat client"), 4006, "administrator has blocked this application"),
        (deny("USER", "carol"), 4006, "administrator has blocked the person"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_what_ends_a_right_closes_the_socket_with_its_code_and_a_sentence_and_no_other_socket(
    backend: str, deed: Deed, code: int, word: str
) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    other, theirs = await elsewhere(scenario.daves)
    await elsewhere(lambda: point_at(scenario, other, backend))
    async with running() as [site]:
        mine, neighbour = await site.try_admit(token=token), await site.try_admit("/other/1.0.0", theirs)
        await elsewhere(lambda: deed(scenario))
        found, reason = await ending(mine)
        assert (found, word in reason) == (code, True), reason
        assert reason.endswith(".")
        assert len(reason.encode()) <= 123
        await neighbour.send("still here")
        assert await neighbour.recv() == "still here"
        assert (await site.refusal(token=token))["status"] in (401, 403, 404, 503)


@pytest.mark.parametrize(
    "deed",
    [
        deny("IP", "127.0.0.1"),
        deny("IPRANGE", "127.0.0.0/8"),
        deny("IPRANGE", "192.0.2.0/24", invert=True),
    ],
    ids=lambda value: str(value.__name__),
)
async def test_a_denied_address_is_closed_and_refused_before_its_token_is_looked_at(backend: str, deed: Deed) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        mine = await site.try_admit(token=token)
        await elsewhere(lambda: deed(scenario))
        found, reason = await ending(mine)
        assert (found, "your address" in reason) == (4006, True)
        for shown in (token, "made up", None):
            assert (await site.refusal(token=shown))["code"] == 900805


async def test_a_deny_policy_that_is_switched_off_lets_in_again(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        mine = await site.try_admit(token=token)
        await elsewhere(lambda: deny("USER", "carol")(scenario))
        await ending(mine)

        def switch_off() -> None:
            developing.switch_deny_policy(
                policy=DenyPolicy.objects.get(), is_active=False, actor=scenario.admin, now=timezone.now()
            )

        await elsewhere(switch_off)
        await until(lambda: not site.control.routing.deny_policies)
        await (await site.try_admit(token=token)).close()


async def test_a_token_that_expires_closes_what_rests_on_it(backend: str) -> None:
    scenario = await scenario_with(backend)
    async with running() as [site]:
        token = await elsewhere(lambda: scenario.token(seconds=1000))
        connection = await site.try_admit(token=token)
        with later(1500):
            code, reason = await ending(connection)
            assert (code, "expired" in reason) == (4001, True)
            assert (await site.refusal(token=token))["code"] == 900903


async def test_a_changed_plan_takes_effect_on_the_open_socket(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        mine = await site.try_admit(token=token)
        await elsewhere(lambda: change_plan(scenario))
        await until(lambda: [_plan(connection) for connection in site.connections] == ["Silver"])
        await mine.send("still here")
        assert await mine.recv() == "still here"


async def test_sandbox_sockets_stay_when_production_is_blocked(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    sandbox = await elsewhere(lambda: scenario.token(scenario.keys(key_type="SANDBOX")))
    async with running() as [site]:
        mine, other = await site.try_admit(token=token), await site.try_admit(token=sandbox)
        await elsewhere(lambda: block_production(scenario))
        assert (await ending(mine))[0] == 4006
        await other.send("still here")
        assert await other.recv() == "still here"


async def test_an_origin_that_is_taken_off_the_list_closes_its_sockets(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        mine = await site.try_admit(token=token, origin="https://old.test")
        other = await site.try_admit(token=token, origin="https://new.test")
        await elsewhere(lambda: runtime(scenario, ["https://new.test"]))
        code, reason = await ending(mine)
        assert (code, "origin" in reason) == (4002, True)
        await other.send("still here")
        assert await other.recv() == "still here"


async def test_every_worker_closes_its_own(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    async with running(workers=2) as sites:
        connections = [await site.try_admit(token=token) for site in sites for _ in range(5)]
        await elsewhere(scenario.block)
        assert {code for code, _ in await asyncio.gather(*map(ending, connections))} == {4006}


async def test_a_hundred_edits_to_one_api_drop_no_socket_of_another(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    other, theirs = await elsewhere(scenario.daves)
    await elsewhere(lambda: point_at(scenario, other, backend))
    async with running() as [site]:
        neighbour = await site.try_admit("/other/1.0.0", theirs)
        first = scenario.api.deployed_revision_id
        await elsewhere(lambda: [scenario.edit(scenario.api, f"edit {number}") for number in range(100)])
        last = await elsewhere(lambda: str(Api.objects.get(pk=scenario.api.pk).deployed_revision_id))
        assert last != first
        await until(lambda: _revision(site, scenario) == last)
        await (await site.try_admit(token=token)).close()
        await neighbour.send("still here")
        assert await neighbour.recv() == "still here"


def _plan(connection: Any) -> str:
    return str(connection.admitted.subscription.plan)


def _revision(site: Site, scenario: Scenario) -> str:
    deployment = site.control.routing.routes.deployments.get(str(scenario.api.pk))
    return deployment.revision_id if deployment else ""
