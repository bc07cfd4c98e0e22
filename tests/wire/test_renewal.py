"""A client hands over a fresh token on an open connection's behalf, and the connection lives on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, NoReturn

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts.roles import Role
from core.models import AuditEntry
from devportal import operations as developing
from devportal.operations import GeneratedKeys
from gateway.control import reauthentication
from gateway.models import ConnectionRecord, ReauthenticationRequest
from tests.devportal import builders
from tests.gateway.scenario import Scenario, elsewhere, person
from tests.oauth import flows
from tests.wire.cluster import PAGE, PATH, Answer, Site, ending, later, point_at, running, scenario_with
from tests.wire.peers import until, websockets_backend

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


@pytest.fixture
async def scenario() -> AsyncIterator[Scenario]:
    """The tutorial's scenario with an echo behind it."""
    async with websockets_backend() as address:
        yield await scenario_with(address)


async def renew(site: Site, connection: str, token: str | None, **headers: str) -> Answer:
    """Hand over a token."""
    shown = {"Authorization": f"Bearer {token}"} if token else {}
    return await site.ask("POST", f"/connections/{connection}/token", {**shown, **headers})


def name_of(connection: Any) -> str:
    """The id that the handshake was answered with."""
    return str(connection.response.headers["X-APIM-Connection"])


def moment(text: str) -> float:
    """An answer's time in seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


async def test_every_accepted_handshake_names_its_connection(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        connections = [await site.try_admit(token=token) for _ in range(2)]
        names = [name_of(each) for each in connections]
        assert sorted(names) == sorted(connection.id for connection in site.connections)
        assert names[0] != names[1]


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_connection_lives_on_with_a_fresh_token_whichever_worker_is_asked(
    scenario: Scenario, workers: int
) -> None:
    short = await elsewhere(lambda: scenario.token(seconds=1000))
    fresh = await elsewhere(scenario.token)
    async with running(workers) as sites:
        connection, idle = await sites[0].try_admit(token=short), await sites[0].try_admit(token=short)
        answer = await renew(sites[-1], name_of(connection), fresh)
        assert (answer.status, answer.document["connection"]) == (200, name_of(connection))
        assert moment(answer.document["expires_at"]) > timezone.now().timestamp() + 3000
        with later(1500):
            assert (await ending(idle))[0] == 4001
            await connection.send("still here")
            assert await connection.recv() == "still here"
            await elsewhere(scenario.revoke_all)
            assert (await ending(connection))[0] == 4001


async def test_a_renewed_connection_no_longer_rests_on_the_old_token(scenario: Scenario) -> None:
    old, new = await elsewhere(scenario.token), await elsewhere(scenario.token)
    async with running() as [site]:
        renewed, left = await site.try_admit(token=old), await site.try_admit(token=old)
        assert (await renew(site, name_of(renewed), new)).status == 200

        def revoke_the_old_one() -> None:
            row = AccessToken.objects.order_by("pk").first()
            developing.revoke_token(row=row, actor=scenario.carol, now=timezone.now())

        await elsewhere(revoke_the_old_one)
        assert (await ending(left))[0] == 4001
        await renewed.send("still here")
        assert await renewed.recv() == "still here"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("hands_over", [True, False])
async def test_a_refresh_does_not_end_the_connection_that_it_is_meant_to_save(
    scenario: Scenario, workers: int, hands_over: bool
) -> None:
    def authorized() -> tuple[GeneratedKeys, dict[str, str]]:
        keys = builders.keys(
            scenario.application, key_type="SANDBOX", grant_types=flows.ALL_GRANTS, callback_url=flows.CALLBACK
        )
        code = flows.consent(scenario.carol, keys.client)["code"]
        return keys, flows.exchange(Client(), keys.client, keys.secret, code).json()

    def refreshed() -> dict[str, str]:
        answer: dict[str, str] = flows.refresh(Client(), keys.client, keys.secret, first["refresh_token"]).json()
        return answer

    keys, first = await elsewhere(authorized)
    other = await elsewhere(scenario.token)
    async with running(workers) as sites:
        connection = await sites[0].try_admit(token=first["access_token"])
        second = await elsewhere(refreshed)
        if hands_over:
            assert (await renew(sites[-1], name_of(connection), second["access_token"])).status == 200
        idle = [await site.try_admit(token=other) for site in sites]
        await elsewhere(scenario.revoke_all)
        assert [(await ending(each))[0] for each in idle] == [
            4001
        ] * workers  # so all workers have read what came before
        await connection.send("still here")
        assert await connection.recv() == "still here"


async def test_a_connection_that_is_being_closed_is_not_said_to_be_saved(scenario: Scenario) -> None:
    old = await elsewhere(scenario.token)
    async with running() as [site]:
        connection = await site.try_admit(token=old)
        connection.transport.pause_reading()  # a client that does not answer the Close yet
        await elsewhere(scenario.revoke_all)
        await until(lambda: all(connection.is_ending for connection in site.connections))
        assert len(site.connections) == 1
        new = await elsewhere(scenario.token)
        assert (await renew(site, name_of(connection), new)).status == 404
        connection.transport.resume_reading()
        assert (await ending(connection))[0] == 4001


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_token_of_another_application_or_key_type_is_not_taken(scenario: Scenario, workers: int) -> None:
    token = await elsewhere(scenario.token)
    _, theirs = await elsewhere(scenario.daves)
    sandbox = await elsewhere(lambda: scenario.token(scenario.keys(key_type="SANDBOX")))
    async with running(workers) as sites:
        connection = await sites[0].try_admit(token=token)
        for other in (theirs, sandbox):
            answer = await renew(sites[-1], name_of(connection), other)
            assert (answer.status, answer.document["code"]) == (403, 900905)
        assert [connection.admitted.grant.key_type for connection in sites[0].connections] == ["PRODUCTION"]
        assert sites[0].connections[0].admitted.grant.owner_name == "carol"


async def test_a_token_that_speaks_for_another_person_is_not_taken(scenario: Scenario) -> None:
    token, other = await elsewhere(scenario.token), await elsewhere(scenario.token)

    def speak_for_mallory() -> None:
        mallory = person("mallory", Role.SUBSCRIBER)
        AccessToken.objects.filter(pk=AccessToken.objects.order_by("-pk").first().pk).update(user=mallory)

    await elsewhere(speak_for_mallory)
    async with running() as [site]:
        connection = await site.try_admit(token=token)
        assert (await renew(site, name_of(connection), other)).status == 403


@pytest.mark.parametrize("token", [None, "nonsense"])
async def test_without_a_good_token_nothing_is_renewed(scenario: Scenario, token: str | None) -> None:
    good = await elsewhere(scenario.token)
    async with running() as [site]:
        connection = await site.try_admit(token=good)
        assert (await renew(site, name_of(connection), token)).status == 401
        assert (await site.ask("POST", f"/connections/{name_of(connection)}/token?access_token={good}")).status == 401
        assert (await site.ask("GET", f"/connections/{name_of(connection)}/token")).status == 405


async def test_a_connection_that_nobody_holds_is_not_found(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await elsewhere(scenario.token)
    async with running(workers=2) as sites:
        assert (await renew(sites[0], "0" * 32, token)).status == 404
        assert (await renew(sites[0], "no-such-id", token)).status == 404
        gone = await sites[1].try_admit(token=token)
        await gone.close()
        assert (await renew(sites[0], name_of(gone), token)).status == 404
    assert await elsewhere(written) == (0, 0)


def written() -> tuple[int, int]:
    """How many wishes were put on the audit log, and in their table."""
    asked = AuditEntry.objects.filter(verb="connection.renewal_asked")
    return asked.count(), ReauthenticationRequest.objects.count()


async def test_nothing_is_written_for_who_asks_about_somebody_else_s_connection(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    _, theirs = await elsewhere(scenario.daves)
    async with running(workers=2) as [first, second]:
        connection = await first.try_admit(token=token)
        assert (await renew(second, name_of(connection), theirs)).status == 403
    assert await elsewhere(written) == (0, 0)


async def test_one_application_leaves_places_for_the_others(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reauthentication, "MOST_WAITING", 8)
    token = await elsewhere(scenario.token)
    api, theirs = await elsewhere(scenario.daves)
    async with websockets_backend() as backend, AsyncExitStack() as stack:
        await elsewhere(lambda: point_at(scenario, api, backend))
        first, second = await stack.enter_async_context(running(workers=2))
        connection = await first.try_admit("/other/1.0.0", token=theirs)
        flood = [asyncio.create_task(renew(second, f"{number:032x}", token)) for number in range(30)]
        answers = [await renew(second, name_of(connection), theirs) for _ in range(3)]
        assert [answer.status for answer in answers] == [200] * 3
        refused = [answer.status for answer in await asyncio.gather(*flood)]
        assert refused.count(503) > 0
        assert set(refused) == {404, 503}


async def test_a_renewal_tells_the_audit_log_who_and_what_and_no_credential(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    async with running(workers=2) as [first, second]:
        connection = await first.try_admit(token=token)
        assert (await renew(second, name_of(connection), token)).status == 200
    entry = await elsewhere(lambda: AuditEntry.objects.get(verb="connection.renewal_asked"))
    assert (entry.kind, entry.object_id, entry.actor_name) == ("connection", name_of(connection), "carol")
    assert set(entry.detail) == {"renewal_id", "token_id", "application_id"}
    assert token not in str(await elsewhere(lambda: list(ReauthenticationRequest.objects.values())))


async def test_old_wishes_are_swept_away(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reauthentication, "KEPT_SECONDS", 0.0)
    token = await elsewhere(scenario.token)
    async with running(workers=2) as [first, second]:
        connection = await first.try_admit(token=token)
        for _ in range(3):
            assert (await renew(second, name_of(connection), token)).status == 200
    assert await elsewhere(ReauthenticationRequest.objects.count) == 1


async def test_a_script_may_renew_by_the_id_that_came_with_its_ticket(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        made = await site.ticket(token, PAGE)
        connection = await site.try_admit(made["path"], origin=PAGE)
        answer = await renew(site, made["connection"], token, Origin=PAGE)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, PAGE)
        assert name_of(connection) == made["connection"]


async def test_while_the_database_is_away_the_others_cannot_be_asked(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(work: Callable[[], Any]) -> NoReturn:
        raise OperationalError("gone")

    token = await elsewhere(scenario.token)
    async with running() as [site]:
        connection = await site.try_admit(token=token)
        monkeypatch.setattr(site.control.reauthentication, "run", gone)
        assert (await renew(site, name_of(connection), token)).status == 200
        answer = await renew(site, "0" * 32, token)
        assert (answer.status, "retry-after" in answer.headers) == (503, True)


async def test_who_asks_for_too_much_at_once_is_asked_to_come_back(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reauthentication, "MOST_WAITING", 4)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        answers = await asyncio.gather(*(renew(site, f"{number:032x}", token) for number in range(4)))
        assert sorted(answer.status for answer in answers) == [404, 404, 503, 503]


async def test_an_api_that_has_gone_is_not_renewed_to(scenario: Scenario) -> None:
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        connection = await site.try_admit(token=token)
        await elsewhere(scenario.block)
        assert (await ending(connection))[0] == 4006
        await until(lambda: not site.connections)
        assert (await renew(site, name_of(connection), token)).status == 404
        assert (await site.refusal(PATH, token))["status"] == 403


async def test_a_renewed_connection_is_listed_with_its_new_end(scenario: Scenario) -> None:
    soon, later = await elsewhere(lambda: scenario.token(seconds=30)), await elsewhere(scenario.token)
    async with running() as [site]:
        connection, connection_log = await site.try_admit(token=soon), site.control.connection_log
        await connection_log.write()
        answer = await renew(site, name_of(connection), later)
        await connection_log.refresh()
        await connection_log.write()
        row = await elsewhere(lambda: ConnectionRecord.objects.get(pk=name_of(connection)))
        assert abs(row.expires_at.timestamp() - moment(answer.document["expires_at"])) < 1
