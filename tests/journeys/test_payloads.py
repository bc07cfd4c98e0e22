"""A publisher watches what fits no schema before it is refused, and developers are told where it does not fit."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.journeys.gateway import let_in
from tests.journeys.people import sign_in
from tests.product import Product

GOOD, BAD = '{"text": "Hello"}', '{"text": 5}'
SAY = {"name": "say", "schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}
ROOMS: dict[str, Any] = {"target": "/rooms", "mapping": "/echo", "messages": {"publish": [SAY]}}


def closed_after(client: ClientConnection, message: str) -> tuple[int, str] | None:
    """With what the gateway closes after this message; None where it comes back."""
    client.send(message)
    try:
        assert client.recv(timeout=10) == message
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
    return None


def test_payloads_are_reported_first_and_then_refused(product: Product, page: Page) -> None:
    api = product.act("publish", name="Schooled", endpoint=product.samples)
    carol = product.act("application", owner="carol", name="Chatty")
    product.act("subscribe", application=carol["application"], api=api)
    product.act("redesign", api=api, changes={"topics": [ROOMS]})
    sign_in(page, product, "publisher", "alice")
    page.goto(f"{product.portal}/publisher/apis/{api}/runtime")
    page.get_by_label("Report").check()
    page.get_by_label("Largest message").fill("64")
    page.get_by_label("Unit").first.select_option("KiB")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text("The runtime settings are saved.")).to_be_visible()
    product.act("deploy", api=api)
    address = f"{product.ws}/schooled/1.0.0/rooms"
    with let_in(address, carol["token"]) as client:
        assert closed_after(client, GOOD) is None
        assert closed_after(client, BAD) is None
    page.get_by_role("link", name="Payload violations").click()
    row = page.get_by_role("row", name="Chatty")
    for _ in range(30):  # a worker writes within a second
        if row.count():
            break
        page.wait_for_timeout(200)
        with let_in(address, carol["token"]) as client:  # the one before may have met what was deployed till then
            closed_after(client, BAD)
        page.reload()
    row.get_by_text("value is not of type").first.click()
    expect(row.get_by_text(BAD).first).to_be_visible()
    product.act("redesign", api=api, changes={"payload_validation": "enforce"})
    product.act("deploy", api=api)
    told = (1007, 'At /text: value is not of type "string" (say).')
    for _ in range(100):
        with let_in(address, carol["token"]) as client:
            if closed := closed_after(client, BAD):
                break
    assert closed == told
    page.goto(f"{product.portal}/publisher/apis/{api}/endpoint")
    expect(page.get_by_role("heading", name="What the gateway saw last")).to_be_visible()
