"""The tutorial, word for word: sign in, create, publish, subscribe, connect with wscat."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.people import Design, fill_in, open_form, sign_in, wizard
from tests.journeys.wscat import CONNECTED, Wscat
from tests.product import Product

# As the tutorial prints them.
COMMANDS = [
    'wscat -c ws://localhost:9099/echowebsocket/1.0 -H "Authorization: Bearer [accesstoken]"',
    'wscat -n -c wss://localhost:8099/echowebsocket/1.0 -H "Authorization: Bearer [accesstoken]"',
    'wscat -c "ws://localhost:9099/echowebsocket/1.0?access_token=[accesstoken]"',
    'wscat -n -c "wss://localhost:8099/echowebsocket/1.0?access_token=[accesstoken]"',
]


def here(command: str, product: Product, token: str) -> str:
    """The command with this installation's ports and the copied token in it."""
    command = command.replace("ws://localhost:9099", product.ws).replace("wss://localhost:8099", product.wss)
    return command.replace("[accesstoken]", token)


def test_the_tutorial_from_sign_in_to_the_echo(product: Product, page: Page) -> None:
    echo = Design("EchoWebSocket", "/echowebsocket", "1.0.0", f"{product.samples}/echo")
    sign_in(page, product, "publisher", "admin", "admin")
    open_form(page, product)
    fill_in(page, echo)
    page.get_by_role("button", name="CREATE", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="Endpoint").click()
    page.get_by_text("Endpoint Advanced Configurations").click()
    expect(page.get_by_label("Connect timeout")).to_be_visible()

    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="LIFECYCLE").click()
    page.get_by_role("button", name="PUBLISH", exact=True).click()
    expect(page.get_by_text("Published").first).to_be_visible()

    sign_in(page, product, "devportal", "admin", "admin")
    token = wizard(page, product, "EchoWebSocket", "Tutorial")
    shown = page.locator("main").text_content() or ""  # with the tabs that are not in front
    for command in COMMANDS:
        assert here(command, product, token) in shown
        with Wscat(here(command, product, token)) as client:
            client.read_until(CONNECTED)
            client.type("Hello, echo")
            client.read_until("< Hello, echo")
