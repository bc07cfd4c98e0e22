"""Somebody looks at who is connected, and it is true while they look."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.gateway import closed, let_in
from tests.journeys.people import sign_in
from tests.product import Product


def test_a_connection_appears_counts_up_and_is_closed_by_the_button_with_its_reason(
    page: Page, product: Product
) -> None:
    api = product.act("publish", name="Watched", endpoint=f"{product.samples}/echo")
    keys = product.act("application", owner="carol", name="Watched client")
    product.act("subscribe", application=keys["application"], api=api)
    sign_in(page, product, "publisher", "bob")
    page.goto(f"{product.portal}/publisher/apis/{api}/connections")
    expect(page.get_by_text("Nobody is connected")).to_be_visible()
    expect(page.locator("[data-live-state=live]")).to_be_visible()
    with let_in(f"{product.ws}/watched/1.0", keys["token"]) as socket:
        row = page.get_by_role("row", name=re.compile("Watched client"))
        expect(row).to_be_visible()
        row.get_by_role("checkbox").check()
        for _ in range(3):
            socket.send("hello")
            assert socket.recv(10) == "hello"
        expect(row.locator("[data-label=In]")).to_have_text(re.compile(r"^\s*3\s"))
        expect(row.get_by_role("checkbox")).to_be_checked()  # what was ticked stays while rows change
        page.get_by_role("button", name="Close…").click()
        page.get_by_label("Reason").fill("Maintenance")
        page.get_by_role("button", name="Close connections").click()
        assert closed(socket) == (4011, "Maintenance")
        expect(page.get_by_text("Closing 1 connection.").first).to_be_visible()
        expect(page.get_by_text("Nobody is connected")).to_be_visible()
    page.goto(f"{product.portal}/publisher/apis/{api}/analytics?span=hour")
    drawing = page.get_by_role("slider", name=re.compile("^Messages"))
    drawing.focus()
    for key, place in (("End", 0), ("ArrowLeft", 1)):  # the newest stands first in the table
        page.keyboard.press(key)
        went_in, went_out = page.locator(".chart-table tbody").first.locator("tr").nth(place).locator("td").all()
        told = f"In {went_in.text_content().strip()}, Out {went_out.text_content().strip()}"  # type: ignore[union-attr]
        expect(drawing).to_have_attribute("aria-valuetext", re.compile(f": {told}$"))
    with let_in(f"{product.ws}/watched/1.0", keys["token"]) as socket:
        sign_in(page, product, "devportal", "carol")
        page.goto(f"{product.portal}/devportal/connections")
        page.get_by_role("button", name="Close the connection of Watched client").click()
        assert closed(socket) == (4011, "The owner of the application closed this connection.")
