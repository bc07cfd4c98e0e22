"""Try it now: the console on the wizard's last step, in a real browser against a real WebSocket server."""

from __future__ import annotations

import http
import json
import re
import threading
from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from accounts.models import User
from devportal import operations, tickets
from devportal.models import Subscription
from devportal.operations.tickets import redeem_ticket
from tests.accounts.conftest import chromium, session_of
from tests.devportal import builders
from tests.devportal.builders import NOW

__all__ = ["chromium"]

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("gallery")]


ROOM = {"type": "object", "required": ["room"], "properties": {"room": {"type": "string"}}}
JOIN = {"name": "Join", "schema": ROOM, "examples": [{"room": "lobby"}]}
TOPICS = [{"target": "/rooms", "verbs": ["publish"], "scopes": [], "messages": {"publish": [JOIN]}}]


def answer(connection: ServerConnection) -> None:
    """Echo; "binary" comes back as three bytes, "flood" as 5 600 texts, "end" ends it with a code and a reason."""
    for message in connection:
        if isinstance(message, str) and message.startswith("end"):
            _, code, reason = message.split(" ", 2)
            connection.close(int(code), reason)
        elif message == "flood":
            for number in range(5600):
                connection.send(str(number))
        else:
            connection.send(b"\0\1\2" if message == "binary" else message)


def admit(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse whoever brings no ticket that the product knows, or brings one twice; tell how far it is."""
    if request.path == "/health":
        return connection.respond(http.HTTPStatus.OK, "")
    ticket = request.path.partition("?ticket=")[2]
    good = redeem_ticket(digest=tickets.digest(ticket), now=timezone.now())
    good = good and Subscription.objects.filter(state="UNBLOCKED").exists()
    return None if good else connection.respond(http.HTTPStatus.UNAUTHORIZED, "")


@pytest.fixture
def gateway(settings: LazySettings) -> Iterator[Server]:
    """A stand-in for the gateway, which the portal believes to be the real one."""
    with serve(answer, "127.0.0.1", 0, process_request=admit, subprotocols=["apim"]) as server:
        address = f"ws://localhost:{server.socket.getsockname()[1]}"
        settings.GATEWAY_WS_URL = settings.GATEWAY_WSS_URL = address
        settings.CONTENT_SECURITY_POLICY = deepcopy(settings.CONTENT_SECURITY_POLICY)
        settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["connect-src"] += [address, address.replace("ws", "http", 1)]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server


@pytest.fixture
def last_step(gateway: Server, live_server: LiveServer, chromium: Browser, carol: User, bob: User) -> Iterator[Page]:
    """The fourth step of the wizard; its address leads to the API's."""
    production = {"url": "ws://localhost:9900/"}
    api = builders.api(bob, context="/echowebsocket", production=production)
    api.deployed_revision.snapshot |= {"production": production, "topics": TOPICS}
    api.deployed_revision.save()
    app = builders.application(carol)
    builders.subscription(app, api)
    builders.keys(app)
    context = chromium.new_context(base_url=live_server.url)
    context.add_cookies([session_of(carol, live_server.url)])
    tab = context.new_page()
    tab.goto(f"/devportal/apis/{api.pk}/wizard/{app.pk}/production/token")
    yield tab
    context.close()


@pytest.fixture
def page(last_step: Page) -> Page:
    """The console of the API, not connected yet."""
    last_step.goto(last_step.url.partition("/wizard")[0] + "/try-out")
    expect(last_step.get_by_role("button", name="Connect", exact=True)).to_be_enabled()
    return last_step


def frames(page: Page) -> list[str]:
    return [re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "", row).strip() for row in page.locator(".frame").all_text_contents()]


def test_nothing_can_be_pressed_in_vain_before_the_script_has_come(last_step: Page) -> None:
    held: list[Route] = []
    last_step.route("**/js/console-open*.js", lambda route: held.append(route))
    last_step.get_by_role("button", name="Generate token").click(no_wait_after=True)
    buttons = [last_step.get_by_role("button", name=name, exact=True) for name in ("Try it now", "Connect")]
    for button in buttons:
        expect(button).to_be_disabled()
    held[0].continue_()
    expect(buttons[0]).to_be_enabled()
    expect(last_step.get_by_text("Connected", exact=True)).to_be_visible()  # by itself
    token = last_step.locator("#token").text_content()
    last_step.context.grant_permissions(["clipboard-read", "clipboard-write"])
    last_step.get_by_role("button", name="Copy Access token").click()
    assert last_step.evaluate("navigator.clipboard.readText()") == token
    last_step.get_by_role("button", name="Copy WS", exact=True).click()
    copied = last_step.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("wscat -c ws://localhost:")
    assert copied.endswith(f'/echowebsocket/1.0/rooms -H "Authorization: Bearer {token}"')


def test_one_click_connects_and_what_is_sent_comes_back(page: Page) -> None:
    page.get_by_role("button", name="Try it now").click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()

    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("1 sent · 1 received")).to_be_visible()
    page.get_by_label("Message").fill("binary")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 sent · 2 received")).to_be_visible()

    shown = [re.sub(r"\+\d+ ms · |↻", "", row) for row in frames(page)]
    assert re.fullmatch(r"·Handshake accepted in \d+ ms", shown[0])
    assert shown[1:] == ["↑Hello5 B", "↓Hello5 B", "↑binary6 B", "↓(binary) 00 01 023 B"]
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Closed 1000: normally")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()


def test_a_close_by_the_gateway_is_said_in_words(page: Page) -> None:
    connect(page)
    page.get_by_text("Options").click()
    page.get_by_label("Reconnect by itself").uncheck()
    page.get_by_label("Message").fill("end 4001 The access token has expired or was revoked. Get a new one.")
    page.keyboard.press("Enter")
    said = "Closed 4001 (“The access token has expired or was revoked. Get a new one.”)"
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_role("button", name="Connect", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("end 4003 You lost the game.", "Closed 4003 (“You lost the game.”)"),
        ("end 4003 ", "Closed 4003: a code of the backend's own, without a reason"),
    ],
)
def test_a_backends_own_code_is_not_taken_for_the_gateways(page: Page, end: str, said: str) -> None:
    connect(page)
    page.get_by_label("Message").fill(end)
    page.keyboard.press("Enter")
    expect(page.get_by_text(said, exact=True)).to_be_visible()
    expect(page.get_by_text("plan is used up")).to_have_count(0)


def connect(page: Page) -> None:
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()


def test_bytes_are_sent_as_hex_or_base64_and_what_is_neither_is_said(page: Page) -> None:
    connect(page)
    for form, text in (("Hex", "00 ff 10"), ("Base64", "AP8Q")):
        page.get_by_label("Send as").select_option(form)
        page.get_by_label("Message").fill(text)
        page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("2 sent · 2 received")).to_be_visible()
    shown = [re.sub(r"\+\d+ ms · |↻", "", row) for row in frames(page)[1:]]
    assert sorted(shown) == sorted(["↑(binary) 00 ff 103 B", "↓(binary) 00 ff 103 B"] * 2)
    page.get_by_label("Message").fill("höx")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".console-verdict")).to_contain_text("This cannot be read.")
    expect(page.get_by_text("2 sent · 2 received")).to_be_visible()


def test_a_long_message_is_folded_and_unfolds(page: Page) -> None:
    connect(page)
    page.get_by_label("Message").fill("long " * 200 + "end of it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 sent · 1 received")).to_be_visible()
    received = page.locator(".frame-received details")
    expect(received.get_by_text("end of it")).to_be_hidden()
    received.locator("summary").click()
    expect(received.get_by_text("end of it")).to_be_visible()


def test_what_is_dropped_from_a_long_list_is_said(page: Page) -> None:
    connect(page)
    page.get_by_label("Message").fill("flood")
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=counts]")).to_have_text("1 sent · 5\u202f600 received", timeout=20_000)
    expect(page.locator(".frames-empty")).to_have_text("602 older rows were dropped: the newest 5\u202f000 are kept.")
    page.get_by_label("Find in frames").fill("5599")
    expect(page.locator(".frame")).to_have_count(1)


@pytest.mark.parametrize("address", ["wss://example.com/echo", "ws://localhost:1/echowebsocket/1.0"])
def test_an_address_of_somebody_else_is_not_even_tried(page: Page, address: str) -> None:
    page.get_by_label("Address").fill(address)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator(".console-problem")).to_contain_text("is not this gateway. The key of this page goes only to")
    expect(page.get_by_text("Not connected", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Connect", exact=True)).to_be_enabled()


def test_a_refusal_is_explained_by_what_the_portal_knows(page: Page, bob: User) -> None:
    subscription = Subscription.objects.select_related("application", "api", "plan").get()
    operations.set_subscription_state(subscription=subscription, state="BLOCKED", actor=bob, now=NOW)
    page.get_by_role("button", name="Try it now").click()

    alert = page.locator(".console-problem")
    expect(alert).to_contain_text("The publisher blocked the subscription.", timeout=20_000)


def test_what_is_no_address_is_said(page: Page) -> None:
    page.get_by_label("Address").fill("localhost")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator(".console-problem")).to_contain_text("It begins with ws:// or wss://")


def test_an_example_is_checked_while_one_types_saved_texts_stay_and_two_connections_stand_side_by_side(
    page: Page,
) -> None:
    connect(page)
    page.get_by_label("Begin with").select_option(label="Join · /rooms")
    verdict = page.locator(".console-verdict")
    expect(verdict).to_contain_text("This fits the schema.")
    page.get_by_label("Message").fill('{"room": 5}')
    expect(verdict).to_contain_text('/room: 5 is not of type "string".')
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Another connection beside it").click()
    second = page.locator("socket-console").nth(1)
    second.get_by_label("Begin with").select_option(label='{"room": 5}')
    second.get_by_role("button", name="Connect", exact=True).click()
    expect(second.get_by_text("Connected", exact=True)).to_be_visible()
    second.get_by_role("button", name="Send").click()
    expect(second.get_by_text("1 sent · 1 received")).to_be_visible()
    with page.expect_download() as saved:
        second.get_by_role("button", name="Export").click()
    lines = [json.loads(line) for line in saved.value.path().read_text().splitlines()]
    assert [line["direction"] for line in lines] == ["note", "sent", "received"]
    assert lines[1]["text"] == '{"room": 5}'


def test_a_line_that_is_lost_is_found_again_by_itself(page: Page) -> None:
    connect(page)
    page.get_by_label("Message").fill("end 1012 Restarting.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Handshake accepted in")).to_have_count(2)
