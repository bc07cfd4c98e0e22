"""Browsers: tokens as subprotocols, one-use tickets, origins; and that no credential reaches a backend or a log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from devportal import tickets
from devportal.models import Ticket
from devportal.operations import tickets as ticket_operations
from publisher.origins import console_pass
from tests.gateway.scenario import Scenario, elsewhere
from tests.wire.cluster import PAGE, PATH, Site, ending, running, runtime, scenario_with
from tests.wire.peers import until, websockets_backend

pytestmark = [pytest.mark.wire, pytest.mark.django_db(transaction=True)]


@dataclass
class Backend:
    """An echo that remembers what it was asked for, every byte of it that the library shows."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, connection: ServerConnection) -> None:
        """Echo."""
        assert connection.request
        self.asked.append(f"{connection.request.path}\n{connection.request.headers}")
        async for message in connection:
            await connection.send(message)


@pytest.fixture
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """A backend that speaks the subprotocols it is parametrised with, none by default."""
    made = Backend()
    async with websockets_backend(made.serve, subprotocols=getattr(request, "param", None)) as made.url:
        yield made


async def talk(connection: Any) -> None:
    """Say something and hear it back."""
    await connection.send("hello")
    assert await connection.recv() == "hello"
    await connection.close()


# --- the token as a subprotocol ------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", [["chat.v2"]], indirect=True)
async def test_the_token_entry_opens_the_door_and_the_real_protocol_is_negotiated(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        connection = await site.try_admit(subprotocols=["chat.v1", f"bearer.{token}", "chat.v2"], origin=PAGE)
        assert connection.subprotocol == "chat.v2"
        assert connection.response
        assert token not in str(connection.response.headers)
        await talk(connection)
    assert "chat.v1" in backend.asked[0]
    assert token not in backend.asked[0]


@pytest.mark.parametrize(("offered", "chosen"), [(["apim"], "apim"), (["chat", "apim"], "apim"), (["chat"], None)])
async def test_for_a_backend_without_subprotocols_the_gateways_own_is_chosen_if_it_was_offered(
    backend: Backend, offered: list[str], chosen: str | None
) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        connection = await site.try_admit(subprotocols=[f"bearer.{token}", *offered])
        assert connection.subprotocol == chosen
        await talk(connection)
    assert "apim" not in backend.asked[0].lower().replace("x-apim-", "")


async def test_a_token_entry_alone_chooses_nothing_for_programs_and_is_explained_to_browsers(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        connection = await site.try_admit(subprotocols=[f"bearer.{token}"])
        assert connection.subprotocol is None
        await talk(connection)
        refused = await site.refusal(subprotocols=[f"bearer.{token}"], origin=PAGE)
        assert (refused["status"], "apim" in refused["description"]) == (400, True)
        assert token not in str(refused)


@pytest.mark.parametrize("entry", ["bearer.", "bearer.nonsense", "Bearer.nonsense"])
async def test_a_token_entry_that_proves_nothing_is_refused(backend: Backend, entry: str) -> None:
    await scenario_with(backend.url)
    async with running() as [site]:
        assert (await site.refusal(subprotocols=["chat", entry]))["status"] == 401
    assert backend.asked == []


async def test_more_than_one_credential_of_any_kind_is_malformed(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        made = await site.ticket(token)
        entry, query, ticket = f"bearer.{token}", f"{PATH}?access_token={token}", made["path"]
        for refused in (
            await site.refusal(query, token),
            await site.refusal(ticket, token),
            await site.refusal(f"{ticket}&access_token={token}"),
            await site.refusal(f"{ticket}&ticket=other"),
            await site.refusal(query, subprotocols=["chat", entry]),
            await site.refusal(ticket, subprotocols=["chat", entry]),
            await site.refusal(subprotocols=["chat", entry, entry]),
            await site.refusal(token=token, subprotocols=["chat", entry]),
            await site.refusal(query, headers={"Authorization": "Basic YTpi"}),
        ):
            assert (refused["status"], refused["code"]) == (400, 900912)
            assert token not in str(refused)
        await talk(await site.try_admit(ticket))  # none of them has used it up


# --- tickets -------------------------------------------------------------------------------------------------


async def test_a_ticket_opens_one_connection_once_on_whichever_worker(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running(workers=2) as [first, second]:
        made = await first.ticket(token, PAGE)
        assert made["path"] == f"{PATH}?ticket={made['ticket']}"
        connection = await second.try_admit(made["path"], origin=PAGE)
        assert connection.response
        assert connection.response.headers["X-APIM-Connection"] == made["connection"]
        for site in (first, second):
            refused = await site.refusal(made["path"], origin=PAGE)
            assert (refused["status"], "used already" in refused["description"]) == (401, True)
        await talk(connection)
    assert made["ticket"] not in backend.asked[0]
    assert len(backend.asked) == 1


async def test_of_many_who_come_with_one_ticket_one_is_let_in(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running(workers=2) as sites:
        for _ in range(5):
            made = await sites[0].ticket(token)
            knocks = [site.try_admit(made["path"]) for site in sites for _ in range(4)]
            outcomes = await asyncio.gather(*knocks, return_exceptions=True)
            let_in = [each for each in outcomes if not isinstance(each, BaseException)]
            assert len(let_in) == 1
            assert all(isinstance(each, InvalidStatus) for each in outcomes if each not in let_in)
            await talk(let_in[0])


@pytest.mark.parametrize(
    ("made_for", "comes_from"), [(PAGE, "https://mallory.test"), (PAGE, None), ("", PAGE), (PAGE, f"{PAGE}:8443")]
)
async def test_a_ticket_is_of_no_use_to_another_origin_and_is_used_up_by_the_attempt(
    backend: Backend, made_for: str, comes_from: str | None
) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        made = await site.ticket(token, made_for)
        assert (await site.refusal(made["path"], origin=comes_from))["status"] == 401
        assert (await site.refusal(made["path"], origin=made_for or None))["status"] == 401
    assert backend.asked == []


async def test_a_ticket_is_of_no_use_for_another_api(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: scenario.subscribe(api=scenario.publish("Second", "/second")))
    async with running() as [site]:
        made = await site.ticket(token)
        refused = await site.refusal(f"/second/1.0.0?ticket={made['ticket']}")
        assert (refused["status"], "another API" in refused["description"]) == (401, True)


async def test_a_ticket_runs_out(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        made = await site.ticket(token)
        await elsewhere(_age)
        assert (await site.refusal(made["path"]))["status"] == 401
    assert tickets.is_genuine(made["ticket"], 0)
    assert not tickets.is_genuine(made["ticket"], 4_000_000_000)


async def test_made_up_tickets_cost_no_query(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        made = await site.ticket(token)
        monkeypatch.delattr(ticket_operations, "redeem_ticket")
        ticket = made["ticket"]
        other_end = "A" if ticket[-1] != "A" else "B"
        for forged in ("", "x", ticket[:-2], ticket[:-1] + other_end, ticket.swapcase(), "%C3%A9", token):
            assert (await site.refusal(f"{PATH}?ticket={forged}"))["status"] == 401


async def test_the_connection_of_a_ticket_ends_with_the_token_behind_it(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        unused = await site.ticket(token)
        connection = await site.try_admit((await site.ticket(token))["path"])
        await elsewhere(scenario.revoke_all)
        assert (await ending(connection))[0] == 4001
        assert (await site.refusal(unused["path"]))["status"] == 401


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (PATH, {}, 401, 900902),
        (PATH, {"Authorization": "Bearer nonsense"}, 401, 900901),
        (f"{PATH}?access_token=TOKEN", {}, 401, 900901),
        (f"{PATH}?ticket=TOKEN", {}, 401, 900901),
        (f"{PATH}?access_token=TOKEN", {"Authorization": "Bearer TOKEN"}, 400, 900912),
        ("/nowhere/1", {"Authorization": "Bearer TOKEN"}, 404, 900906),
        ("/other/1.0.0", {"Authorization": "Bearer TOKEN"}, 403, 900908),
    ],
)
async def test_who_would_not_be_let_in_gets_no_ticket_and_hears_why(
    backend: Backend, path: str, headers: dict[str, str], status: int, code: int
) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: scenario.publish("Other", "/other"))
    shown = {name: value.replace("TOKEN", token) for name, value in headers.items()}
    async with running() as [site]:
        answer = await site.ask("POST", f"/tickets{path.replace('TOKEN', token)}", shown)
        assert (answer.status, answer.document["code"]) == (status, code)
        assert (await site.ask("GET", f"/tickets{PATH}", shown)).status in (405, 400)


async def test_an_application_that_hoards_tickets_is_told_to_stop(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "MOST_WAITING", 2)
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        made = [await site.ticket(token) for _ in range(2)]
        answer = await site.ask("POST", f"/tickets{PATH}", {"Authorization": f"Bearer {token}"})
        assert (answer.status, "retry-after" in answer.headers) == (429, True)
        await talk(await site.try_admit(made[0]["path"]))
        await site.ticket(token)
        await elsewhere(_age)
        await site.ticket(token)
    assert await elsewhere(Ticket.objects.count) == 1


async def test_the_query_that_a_ticket_was_asked_for_with_goes_to_the_backend(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        made = await site.ticket(token, path=f"{PATH}?room=1&x=%20")
        await talk(await site.try_admit(made["path"]))
    assert backend.asked[0].startswith("/?room=1&x=%20\n")


# --- scripts of web pages ------------------------------------------------------------------------------------


async def test_a_script_of_an_allowed_page_may_ask_for_a_ticket_and_read_the_answer(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: runtime(scenario, [PAGE]))
    preflight = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    async with running() as [site]:
        answer = await site.ask("OPTIONS", f"/tickets{PATH}", preflight)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "Authorization" in answer.headers["access-control-allow-headers"]
        assert answer.headers["access-control-allow-methods"] == "POST"
        asked = await site.ask("POST", f"/tickets{PATH}", {"Origin": PAGE, "Authorization": f"Bearer {token}"})
        assert (asked.status, asked.headers["access-control-allow-origin"]) == (201, PAGE)
        assert (asked.headers["vary"], asked.headers["cache-control"]) == ("Origin", "no-store")
        refused = await site.ask("POST", f"/tickets{PATH}", {"Origin": PAGE})
        assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, PAGE)


async def test_a_script_of_another_page_gets_no_ticket_and_reads_nothing(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: runtime(scenario, [PAGE]))
    stranger = {"Origin": "https://mallory.test", "Authorization": f"Bearer {token}"}
    async with running() as [site]:
        for method in ("OPTIONS", "POST"):
            answer = await site.ask(method, f"/tickets{PATH}", stranger)
            assert "access-control-allow-origin" not in answer.headers
        assert (answer.status, answer.document["code"]) == (403, 900403)
    assert await elsewhere(Ticket.objects.count) == 0


# --- origins and tokens in the address -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (None, True),
        (PAGE, True),
        ("https://a.example.org", True),
        ("https://example.org", False),
        ("http://app.example.com", False),
        (f"{PAGE}:8443", False),
        ("https://mallory.test", False),
        ("null", False),
    ],
)
async def test_only_pages_on_the_list_are_let_in(backend: Backend, origin: str | None, is_let_in: bool) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    await elsewhere(lambda: runtime(scenario, [PAGE, "https://*.example.org"]))
    async with running() as [site]:
        if is_let_in:
            await talk(await site.try_admit(token=token, origin=origin))
        else:
            refused = await site.refusal(token=token, origin=origin)
            assert (refused["status"], refused["code"]) == (403, 900403)
    assert len(backend.asked) == is_let_in


async def test_of_the_portals_pages_only_its_console_is_always_let_in(backend: Backend, settings: LazySettings) -> None:
    scenario = await scenario_with(backend.url)
    token, another = await elsewhere(scenario.token), await elsewhere(scenario.token)
    await elsewhere(lambda: runtime(scenario, [PAGE]))
    shown = f"apim.console.{console_pass(settings.SECRET_KEY, token)}"
    async with running() as [site]:
        offer = ["apim", shown, f"bearer.{token}"]  # as console.js
        await talk(await site.try_admit(origin=settings.PORTAL_URL, subprotocols=offer))
        assert "apim.console" not in backend.asked[0].lower()
        imitated: list[dict[str, Any]] = [
            {"token": token},
            {"subprotocols": ["apim", f"bearer.{token}"]},
            {"subprotocols": ["apim", "apim.console." + "0" * 32, f"bearer.{token}"]},
            {"subprotocols": ["apim", shown, f"bearer.{another}"]},
        ]
        for imitation in imitated:
            refused = await site.refusal(origin=settings.PORTAL_URL, **imitation)
            assert (refused["status"], refused["code"]) == (403, 900403)
            assert "Allowed origins" in refused["description"]
        elsewhere_refused = await site.refusal(origin="https://mallory.test", subprotocols=offer)
        assert elsewhere_refused["status"] == 403


async def test_an_edited_list_acts_when_it_is_deployed(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        await talk(await site.try_admit(token=token, origin="https://any.test"))
        await elsewhere(lambda: runtime(scenario, [PAGE]))
        await until(lambda: _lists(site, scenario) == (PAGE,))
        assert (await site.refusal(token=token, origin="https://any.test"))["status"] == 403


async def test_tokens_in_the_address_can_be_switched_off_for_an_api(backend: Backend) -> None:
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        await talk(await site.try_admit(f"{PATH}?access_token={token}"))
        await elsewhere(lambda: runtime(scenario, [PAGE], query_token=False))
        await until(lambda: _lists(site, scenario) == (PAGE,))
        refused = await site.refusal(f"{PATH}?access_token={token}")
        assert (refused["status"], "query string" in refused["description"]) == (401, True)
        await talk(await site.try_admit(token=token))
        await talk(await site.try_admit((await site.ticket(token))["path"]))
        await talk(await site.try_admit(f"{PATH}?access_token=the-backends&a=1", token=token))
        assert backend.asked[-1].split("\n")[0].endswith("?access_token=the-backends&a=1")


async def test_tokens_in_the_address_can_be_switched_off_for_the_whole_server(
    backend: Backend, settings: LazySettings
) -> None:
    settings.QUERY_TOKENS = False
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running() as [site]:
        assert (await site.refusal(f"{PATH}?access_token={token}"))["status"] == 401
        await talk(await site.try_admit(token=token))


# --- the canary ----------------------------------------------------------------------------------------------


async def test_no_credential_reaches_a_log_or_the_backend_or_is_stored(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("uvicorn", "uvicorn.error", "websockets.server"):
        caplog.set_level(logging.DEBUG, name)
    scenario = await scenario_with(backend.url)
    token = await elsewhere(scenario.token)
    async with running(workers=2) as sites:
        used = []
        for site in sites:
            used += [await site.ticket(token, PAGE), await site.ticket(token, PAGE)]
            await talk(await site.try_admit(used[-1]["path"], origin=PAGE))
            await site.refusal(used[-1]["path"], origin=PAGE)
            await talk(await site.try_admit(token=token))
            await talk(await site.try_admit(f"{PATH}?access_token={token}"))
            await talk(await site.try_admit(subprotocols=["apim", f"bearer.{token}"]))
            await site.refusal(f"{PATH}?access_token={token}", token)
            await site.refusal("/nowhere/1", subprotocols=["apim", f"bearer.{token}"])
    secrets = [token, *(each["ticket"] for each in used)]
    ours = [each for each in caplog.records if not each.name.startswith("websockets.client")]
    told = "\n".join(f"{each.getMessage()} {each.exc_text or ''} {each.args!r}" for each in ours)
    heard = "\n".join(backend.asked)
    stored = await elsewhere(lambda: str(list(Ticket.objects.values())))
    assert len(backend.asked) == 8
    for secret in secrets:
        assert secret not in told
        assert secret not in heard
        assert secret not in stored


def _age() -> None:
    for row in Ticket.objects.all():
        row.expires_at -= timedelta(seconds=tickets.SECONDS + 1)
        row.save()


def _lists(site: Site, scenario: Scenario) -> tuple[str, ...]:
    deployment = site.control.routing.routes.deployments.get(str(scenario.api.pk))
    assert deployment
    assert deployment.design.origins
    return deployment.design.origins.listed
