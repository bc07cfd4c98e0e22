"""A page that is looked at: pushed over a WebSocket at its own address, to those who may see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from accounts.models import RoleGrant, User
from accounts.portals import view_at
from gateway.views import live
from gateway.views.live import GONE, LIVE, SIGNED_OUT, TOO_MANY, LivePage, NotSignedIn
from publisher.queries import ApiNotFound
from tests.devportal import builders
from tests.gateway.rows import open_connection
from tests.publisher.builders import make_api, plans

SignedIn = Callable[[User], Client]


@pytest.fixture
def signed_in() -> SignedIn:
    """A client with somebody's session."""

    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return client_of


def seen_by(client: Client | None, path: str) -> LivePage:
    """A page's address opened as a WebSocket, with the session of this browser."""
    page = LivePage()
    page.scope = looking(path, client.cookies[settings.SESSION_COOKIE_NAME].value if client else "").scope
    return page


def looking(path: str, session: str = "", origin: str = "https://testserver") -> WebsocketCommunicator:
    """A browser that opens a page's address as a WebSocket."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={session}".encode()
    headers = [(b"host", b"testserver"), (b"origin", origin.encode()), (b"cookie", cookie)]
    path, _, query = path.partition("?")
    communicator = WebsocketCommunicator(LivePage.as_asgi(), path, headers=headers)
    communicator.scope["query_string"] = query.encode()
    return communicator


def of_api(api: Any) -> str:
    return f"/publisher/apis/{api.pk}/connections"


def test_what_is_pushed_is_what_the_page_shows(alice: User, carol: User, signed_in: SignedIn) -> None:
    plans()
    api = make_api(alice)
    open_connection(builders.application(carol, name="Chat client"), api)
    client = signed_in(alice)
    who, pushed = seen_by(client, of_api(api) + "?q=chat").draw()
    assert who == alice.pk
    assert "Chat client" in pushed
    assert "<html" not in pushed
    assert re.search(
        r"data-live-says=\"matching\" hidden>\s*1 connection of 1 application now, with the\s+filter", pushed
    )
    assert "Chat client" in client.get(of_api(api)).content.decode()
    assert "No open connection matches" in seen_by(client, of_api(api) + "?q=other").draw()[1]


def test_who_loses_the_right_is_told_nothing_more(alice: User, signed_in: SignedIn) -> None:
    page = seen_by(signed_in(alice), of_api(make_api(alice)))
    page.draw()
    RoleGrant.objects.filter(user=alice).delete()
    with pytest.raises(ApiNotFound):
        page.draw()
    alice.is_active = False
    alice.save()
    with pytest.raises(NotSignedIn):
        page.draw()


def test_strangers_and_who_is_not_signed_in_see_nothing(alice: User, mallory: User, signed_in: SignedIn) -> None:
    api = make_api(alice)
    with pytest.raises(ApiNotFound):
        seen_by(signed_in(mallory), of_api(api)).draw()
    with pytest.raises(NotSignedIn):
        seen_by(None, of_api(api)).draw()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is drawn one after the other: what to show, or what goes wrong. The last stays."""
    script: list[Any] = []

    async def run(work: Callable[[], Any]) -> Any:
        what = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(what, Exception):
            raise what
        return 7, what

    monkeypatch.setattr(live, "drawing", run)
    monkeypatch.setattr(live, "EVERY_SECONDS", 0.0)
    return script


async def test_only_what_has_changed_is_sent(drawn: list[Any]) -> None:
    drawn += ["one", "one", OperationalError("away"), "two"]
    browser = looking("/admin/connections")
    assert (await browser.connect())[0]
    assert [await browser.receive_from(), await browser.receive_from()] == ["one", "two"]
    assert await browser.receive_nothing(0.05)
    await browser.disconnect()
    assert live.looking.total() == 0


@pytest.mark.parametrize(
    ("fault", "code"), [(NotSignedIn(), SIGNED_OUT), (ApiNotFound("gone"), GONE), (ValueError("a fault"), 1011)]
)
async def test_an_end_has_a_code_that_says_why(drawn: list[Any], fault: Exception, code: int) -> None:
    drawn += ["one", fault]
    browser = looking("/admin/connections")
    await browser.connect()
    assert await browser.receive_from() == "one"
    assert (await browser.receive_output())["code"] == code
    assert live.looking.total() == 0


async def test_one_person_looks_at_a_bounded_number_of_pages(drawn: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_OF_A_PERSON", 1)
    drawn.append("one")
    first, second = looking("/admin/connections"), looking("/admin/connections")
    await first.connect()
    await first.receive_from()
    await second.connect()
    assert (await second.receive_output())["code"] == TOO_MANY
    await first.disconnect()
    assert live.looking.total() == 0


@pytest.mark.parametrize(
    ("path", "origin"), [("/admin/connections", "https://elsewhere.test"), ("/admin/users", "https://testserver")]
)
async def test_pages_of_other_sites_and_other_pages_are_not_let_in(path: str, origin: str) -> None:
    assert not (await looking(path, origin=origin).connect())[0]


def test_only_pages_that_change_are_pushed() -> None:
    assert view_at("/admin/connections") in LIVE
    assert view_at("/admin/users") not in LIVE
    assert view_at("/nowhere") not in LIVE
