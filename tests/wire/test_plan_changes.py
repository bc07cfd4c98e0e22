"""A plan that is changed in the portal acts on open sockets, on every worker, through the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from django.utils import timezone
from websockets.asyncio.client import ClientConnection

from devportal import operations as developing
from devportal.models import Application, Subscription
from devportal.operations.application_plans import create_application_plan, update_application_plan
from publisher import operations as publishing
from publisher.models import Plan
from publisher.operations.plans import create_plan, update_plan
from tests.environment import PATIENCE
from tests.gateway.scenario import Scenario, elsewhere
from tests.wire.cluster import Site, ending, point_at, running, scenario_with
from tests.wire.peers import websockets_backend

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]

Deed = Callable[[Scenario], Any]


@pytest.fixture
async def backend() -> AsyncIterator[str]:
    """An echo."""
    async with websockets_backend() as address:
        yield address


def change(name: str, **changes: Any) -> Deed:
    """Change a business plan."""

    def deed(scenario: Scenario) -> None:
        update_plan(plan=Plan.objects.get(name=name), changes=changes, actor=scenario.admin, now=timezone.now())

    return deed


def change_application_plan(scenario: Scenario) -> None:
    """Let the plan that Carol's application has allow three messages a minute."""
    row = Application.objects.get(pk=scenario.application.pk)
    update_application_plan(plan=row.plan, changes={"per_minute": 3}, actor=scenario.admin, now=timezone.now())


def take_another_plan(scenario: Scenario) -> None:
    """Move the subscription to a plan of three messages."""
    tiny = create_plan(
        fields={"name": "Tiny", "quota": 3, "quota_period": "day"}, actor=scenario.admin, now=timezone.now()
    )
    publishing.update_api(
        api=scenario.api, changes={"plans": [*scenario.api.plans.all(), tiny]}, actor=scenario.admin, now=timezone.now()
    )
    row = Subscription.objects.get(pk=scenario.subscription.pk)
    developing.change_plan(subscription=row, plan=tiny, actor=scenario.carol, now=timezone.now())


def give_the_application_another_plan(scenario: Scenario) -> None:
    """Move Carol's application to a plan of three messages a minute."""
    few = create_application_plan(fields={"name": "3PerMin", "per_minute": 3}, actor=scenario.admin, now=timezone.now())
    row = Application.objects.get(pk=scenario.application.pk)
    developing.update_application(
        application=row,
        name=row.name,
        description=row.description,
        plan=few,
        token_type=row.token_type,
        actor=scenario.carol,
        now=timezone.now(),
    )


async def said(client: ClientConnection) -> bool:
    """Whether a message still goes to the backend and back."""
    await client.send("?")
    return await client.recv() == "?"


async def talked_out(client: ClientConnection) -> tuple[int, str]:
    """Talk until the plan ends it."""
    talking = asyncio.create_task(_talk(client))
    try:
        return await ending(client)
    finally:
        talking.cancel()


async def _talk(client: ClientConnection) -> None:
    while await said(client):
        pass


@pytest.mark.parametrize(
    "deed",
    [
        change("Gold", quota=3),
        change_application_plan,
        take_another_plan,
        give_the_application_another_plan,
        change("Gold", quota=3, quota_unit="bytes"),
    ],
    ids=["plan", "application plan", "another plan", "another application plan", "unit"],
)
async def test_open_sockets_on_every_worker_are_held_to_what_a_plan_says_now(backend: str, deed: Deed) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    api, daves = await elsewhere(scenario.daves)
    await elsewhere(lambda: point_at(scenario, api, backend))
    async with running(2) as sites, AsyncExitStack() as stack:
        clients = [await opened(stack, site, token) for site in sites]
        bystander = await opened(stack, sites[0], daves, "/other/1.0.0") if deed is take_another_plan else None
        for client in clients:
            assert await said(client)
        await elsewhere(lambda: deed(scenario))
        endings = await asyncio.gather(*map(talked_out, clients))
        assert {code for code, _ in endings} == {4003}
        assert all(" 3 " in reason for _, reason in endings)
        if bystander:
            assert await said(bystander)


async def opened(stack: AsyncExitStack, site: Site, token: str, path: str = "/echowebsocket/1.0.0") -> ClientConnection:
    """A connection that ends with the test."""
    client = await site.try_admit(path, token)
    stack.push_async_callback(client.close)
    return client


async def test_an_open_socket_may_send_longer_messages_as_soon_as_its_plan_says_so(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: change("Gold", message_bytes=10)(scenario))
    async with running() as (site,), AsyncExitStack() as stack:
        first, second = [await opened(stack, site, token) for _ in range(2)]
        await first.send("x" * 11)
        assert (await ending(first))[0] == 1009
        await elsewhere(lambda: change("Gold", message_bytes=None)(scenario))
        async with asyncio.timeout(PATIENCE):
            while site.connections[0].admitted.subscription.limits.message_bytes:  # type: ignore[union-attr]
                await asyncio.sleep(0.02)
        await second.send("x" * 11)
        assert await second.recv() == "x" * 11


async def test_two_workers_share_one_quota_to_the_last_message(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: change("Gold", quota=100, counted="client", rate=None, burst=None)(scenario))
    async with running(2) as sites, AsyncExitStack() as stack:
        clients = [await opened(stack, site, token) for site in sites for _ in range(3)]
        heard = await asyncio.gather(*map(echoes, clients))
        assert sum(heard) == 100
        assert {(await ending(client))[0] for client in clients} == {4003}
        for site in sites:
            assert (await site.refusal(token=token))["code"] == 900804


def subscribe_anew(scenario: Scenario) -> str:
    """End the subscription, take another plan of as much, with keys of another secret and a new token."""
    row = Subscription.objects.get(pk=scenario.subscription.pk)
    developing.unsubscribe(subscription=row, actor=scenario.carol, now=timezone.now())
    same = create_plan(
        fields={"name": "Same", "quota": 40, "quota_period": "day", "counted": "client"},
        actor=scenario.admin,
        now=timezone.now(),
    )
    publishing.update_api(
        api=scenario.api, changes={"plans": [*scenario.api.plans.all(), same]}, actor=scenario.admin, now=timezone.now()
    )
    developing.subscribe(
        application=Application.objects.get(pk=scenario.application.pk),
        api=scenario.api,
        plan=same,
        actor=scenario.carol,
        now=timezone.now(),
    )
    developing.regenerate_secret(client=scenario.client, revoke_tokens=True, actor=scenario.carol, now=timezone.now())
    return scenario.token()


async def test_whoever_subscribes_anew_under_another_plan_with_new_keys_has_only_what_was_left(backend: str) -> None:
    scenario = await scenario_with(backend)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: change("Gold", quota=100, counted="client", rate=None, burst=None)(scenario))
    async with running(2) as sites, AsyncExitStack() as stack:
        client = await opened(stack, sites[0], token)
        for _ in range(30):
            assert await said(client)
        renewed = await elsewhere(lambda: subscribe_anew(scenario))
        assert (await ending(client))[0] in (4001, 4002)
        clients = [await opened(stack, site, renewed) for site in sites]
        assert sum(await asyncio.gather(*map(echoes, clients))) == 40 - 30


async def echoes(client: ClientConnection) -> int:
    """Talk one at a time until the plan ends it; how many messages came back."""
    count = 0
    talking = asyncio.create_task(client.wait_closed())
    while not talking.done():
        try:
            await said(client)
        except Exception:
            break
        count += 1
    await talking
    return count
