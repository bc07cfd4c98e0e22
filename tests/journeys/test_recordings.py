"""A publisher records a client, replays what it sent, and its developer sees it and forbids it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.gateway import let_in
from tests.journeys.people import sign_in
from tests.product import Product

SECRET = "4111-2222-3333"


def test_a_recording_shows_what_passed_without_what_is_private_and_replays_it(page: Page, product: Product) -> None:
    api = product.act("publish", name="Recorded", endpoint=f"{product.samples}/echo")
    product.act("redesign", api=api, changes={"redacted": ["/card"]})  # counts at once, though it is not deployed
    keys = product.act("application", owner="carol", name="Recorded client")
    product.act("subscribe", application=keys["application"], api=api)
    sign_in(page, product, "publisher", "bob")
    page.goto(f"{product.portal}/publisher/apis/{api}/recordings")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("No message yet")).to_be_visible()

    def is_heard() -> bool:
        """Workers begin within a second, and write within another."""
        with let_in(f"{product.ws}/recorded/1.0", keys["token"]) as socket:
            socket.send(f'{{"card": "{SECRET}", "order": "Büro"}}')
            socket.recv(10)
        page.reload()
        return page.get_by_text("Büro").count() > 0

    product.wait_until(is_heard, 20)
    assert SECRET not in page.content()
    expect(page.get_by_text("1 field taken out").first).to_be_visible()
    page.get_by_role("link", name="Replay").first.click()
    replay = page.get_by_role("button", name=re.compile(r"Replay recording \([1-9]"))
    expect(replay).to_be_enabled()
    replay.click()
    expect(page.locator(".frame-received", has_text="[redacted]").first).to_be_visible()
    sign_in(page, product, "devportal", "carol")
    page.goto(f"{product.portal}/devportal/applications/{keys['application']}")
    page.get_by_role("link", name="See by whom and until when").click()
    page.get_by_role("button", name="Forbid recordings").click()
    page.get_by_role("button", name="Forbid", exact=True).click()
    expect(page.get_by_text("Nobody records this application.")).to_be_visible()
    everything = [each for each in product.data.rglob("*") if each.is_file() and each.suffix != ".key"]
    assert not [each for each in everything if SECRET.encode() in each.read_bytes()]
    assert SECRET not in product.log()
