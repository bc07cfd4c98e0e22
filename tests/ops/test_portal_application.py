"""Django behind the portal's port: one thread a request, in turn, and nothing for who has gone."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from types import SimpleNamespace
from typing import Any, NamedTuple, NoReturn

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from accounts.portals import view_at
from apimanager.portal import application
from apimanager.portal.application import Answer, PortalApplication, Queue
from tests.environment import PATIENCE


class Said(NamedTuple):
    """What was sent back."""

    status: int
    headers: dict[str, str]
    body: str


class Views:
    """Pages that tell what they run in, or wait until the test opens the gate."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked: list[str] = []
        self.urlpatterns = [path("gate/<name>", self.gate), path("thread", self.thread), path("pages", self.gate)]

    def gate(self, request: HttpRequest, name: str = "") -> HttpResponse:
        self.asked.append(name)
        assert self.open.wait(PATIENCE)
        return HttpResponse("opened", headers={"X-Name": name})

    def thread(self, request: HttpRequest) -> HttpResponse:
        answer = HttpResponse(threading.current_thread().name)
        answer.set_cookie("one", "1")
        answer.set_cookie("two", "2")
        return answer


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(application, "PAGES", 2)
    monkeypatch.setattr(application, "WAITING", 3)
    made = Views()
    with override_settings(ROOT_URLCONF=made, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        yield made
    made.open.set()


async def ask(
    app: PortalApplication,
    target: str,
    *headers: tuple[bytes, bytes],
    method: str = "GET",
    leaves: asyncio.Event | None = None,
) -> Said | None:
    """What the application answers; None if it does not, as to one who has left."""
    address, _, query = target.partition("?")
    scope = {"type": "http", "method": method, "path": address, "query_string": query.encode(), "headers": headers}
    messages: list[Any] = [{"type": "http.request", "body": b""}]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await (leaves or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(PATIENCE):
        await app(scope, receive, send)
    if not sent:
        return None
    heads = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Said(sent[0]["status"], heads, sent[1]["body"].decode())


async def begun(views: Views, number: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(views.asked) < number:
            await asyncio.sleep(0.01)


async def test_a_request_is_answered_in_one_of_the_portal_s_threads_with_all_its_cookies(views: Views) -> None:
    answers = [await ask(PortalApplication(), "/thread") for _ in range(3)]
    assert {each.body for each in answers if each} <= {"portal_0", "portal_1"}
    assert answers[0]
    assert answers[0].headers["Set-Cookie"].startswith("two=2")


async def test_whoever_restarts_it_hears_at_once_that_it_lives_and_a_load_balancer_whether_to_send_clients(
    views: Views, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = PortalApplication()
    ready = await ask(app, "/ready")
    assert ready
    assert (ready.status, json.loads(ready.body), ready.headers["Cache-Control"]) == (
        *(200, {"status": "ready"}),
        "no-store",
    )
    waiting = [asyncio.create_task(ask(app, f"/gate/{number}")) for number in range(3)]
    await begun(views, 2)
    healthy = await ask(app, "/health", method="HEAD")
    assert healthy
    assert (healthy.status, json.loads(healthy.body)) == (200, {"status": "ok"})
    views.open.set()
    await asyncio.gather(*waiting)

    def fail(*_: object) -> NoReturn:
        raise OperationalError("away")

    monkeypatch.setattr(application, "connection", SimpleNamespace(cursor=fail))
    away = await ask(app, "/ready")
    assert away
    assert (away.status, json.loads(away.body)["reason"]) == (503, "The database does not answer.")
    assert (posted := await ask(app, "/ready", method="POST"))
    assert posted.status == 404


async def test_requests_wait_in_turn_and_too_many_are_refused_with_a_sentence(views: Views) -> None:
    app = PortalApplication()
    first = [asyncio.create_task(ask(app, f"/gate/{number}")) for number in range(2)]
    await begun(views, 2)
    later = [asyncio.create_task(ask(app, f"/gate/{number}")) for number in range(2, 5)]
    await asyncio.sleep(0)
    refused = await ask(app, "/gate/more")
    assert refused
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert "more to do than it can" in refused.body
    refused = await ask(app, "/api/am/publisher/v4/apis")
    assert refused
    assert refused.headers["Content-Type"] == "application/json"
    assert views.asked == ["0", "1"]
    views.open.set()
    assert {each.status for each in await asyncio.gather(*first, *later) if each} == {200}
    assert sorted(views.asked) == ["0", "1", "2", "3", "4"]


async def test_pages_do_not_wait_for_people_who_sign_in_and_those_hear_why_they_cannot(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "PASSWORDS", 1)
    monkeypatch.setattr(application, "view_at", lambda path: "accounts:sign-in" if path.startswith("/gate") else "")
    app = PortalApplication()
    people = [asyncio.create_task(ask(app, f"/gate/{number}", method="POST")) for number in range(4)]
    await begun(views, 1)
    page = await ask(app, "/thread")
    assert page
    assert page.status == 200
    refused = await ask(app, "/gate/more", method="POST")
    assert refused
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert "Very many people are signing in at this moment. Nothing was done; try again" in refused.body
    views.open.set()
    assert {each.status for each in await asyncio.gather(*people) if each} == {200}


def test_a_password_waits_until_the_pages_are_made_though_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pages, made = Queue(1, ""), threading.Event()
    passwords, done = Queue(1, "", first=pages), Answer(200, [], b"")

    def page() -> Answer:
        assert made.wait(PATIENCE)
        return done

    monkeypatch.setattr(application, "LET_PASS_SECONDS", PATIENCE)
    shown, later = pages.submit("/", page), pages.submit("/", page)
    waiting = passwords.submit("/", lambda: done)
    with pytest.raises(TimeoutError):
        waiting.result(0.05)
    made.set()
    assert [each.result(PATIENCE) for each in (shown, later, waiting)] == [done] * 3

    made.clear()
    monkeypatch.setattr(application, "LET_PASS_SECONDS", 0.01)
    shown = pages.submit("/", page)
    assert passwords.submit("/", lambda: done).result(PATIENCE) == done
    assert not shown.done()
    made.set()


async def test_who_leaves_before_their_turn_costs_nothing(views: Views) -> None:
    app, leaves = PortalApplication(), asyncio.Event()
    waiting = [asyncio.create_task(ask(app, f"/gate/{number}")) for number in range(2)]
    await begun(views, 2)
    gone = [asyncio.create_task(ask(app, "/gate/gone", leaves=leaves)) for _ in range(3)]
    await asyncio.sleep(0)
    leaves.set()
    assert await asyncio.gather(*gone) == [None] * 3
    after = asyncio.create_task(ask(app, "/gate/after"))
    await asyncio.sleep(0)
    views.open.set()
    assert {each.status for each in await asyncio.gather(*waiting, after) if each} == {200}
    assert "gone" not in views.asked


async def test_who_leaves_while_being_answered_leaves_nothing_behind(
    views: Views, caplog: pytest.LogCaptureFixture
) -> None:
    app, leaves = PortalApplication(), asyncio.Event()
    leaving = asyncio.create_task(ask(app, "/gate/one", leaves=leaves))
    await begun(views, 1)
    with caplog.at_level(logging.WARNING):
        leaves.set()
        assert await leaving is None
        views.open.set()
        answer = await ask(app, "/thread")
    assert answer
    assert answer.status == 200
    assert caplog.messages == []


async def test_a_request_that_django_cannot_even_begin_to_read_is_refused(views: Views) -> None:
    header = (b"content-type", b"text/plain; charset=utf-8")
    answer = await ask(PortalApplication(), "/thread?" + "a&" * 2000, header)
    assert answer
    assert (answer.status, "cannot be read" in answer.body) == (400, True)


def test_only_forms_with_a_password_wait_with_the_passwords() -> None:
    forms = (
        "/devportal/sign-in",
        "/publisher/sign-in",
        "/devportal/sign-up",
        "/admin/account/password",
        "/client-registration/v0.17/register",
    )
    assert application.HASHING.issuperset(map(view_at, forms))
    assert application.HASHING.isdisjoint(map(view_at, ("/publisher/apis", "/nothing", "/oauth2/token")))
