"""What is written and said about an API, from one portal to the other."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.people import sign_in
from tests.product import Product


@pytest.fixture
def developer(visitor: BrowserContext) -> Page:
    """A second tab of the same browser is the same person; Carol has a browser of her own."""
    browser = visitor.browser
    assert browser
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(10_000)
    return context.new_page()


def test_alice_writes_a_guide_and_carol_reads_it_asks_and_is_answered(
    product: Product, page: Page, developer: Page
) -> None:
    api = product.act("publish", name="Documented", endpoint=f"{product.samples}/echo")
    sign_in(page, product, "publisher", "alice")
    page.goto(f"{product.portal}/publisher/apis/{api}/documents")
    page.get_by_role("link", name="Add document").first.click()
    page.get_by_label("Name", exact=True).fill("Getting started")
    page.get_by_label("Text").fill("# Connect\n\nUse `wscat` and say **hello**.")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Getting started")).to_be_visible()

    page.get_by_role("link", name="Add document").click()
    page.get_by_label("Name", exact=True).fill("Message format")
    page.get_by_label("Where it is").select_option("FILE")
    page.locator("input[type=file]").set_input_files(
        files=[{"name": "format.html", "mimeType": "text/html", "buffer": b"<p>No</p>"}]
    )
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("does not fit its ending")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Message format")
    page.locator("input[type=file]").set_input_files(
        files=[{"name": "format.json", "mimeType": "application/json", "buffer": b'{"type": "object"}'}]
    )
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Move Message format up").click()
    rows = page.get_by_role("table", name="Documents").get_by_role("rowheader")
    expect(rows).to_have_text([re.compile("Message format"), re.compile("Getting started")])

    sign_in(developer, product, "devportal", "carol")
    developer.goto(f"{product.portal}/devportal/apis/{api}")
    developer.get_by_role("link", name="Documents").click()
    developer.get_by_role("link", name="Getting started").click()
    expect(developer.get_by_role("heading", name="Connect")).to_be_visible()
    developer.get_by_role("link", name="Message format").click()
    with developer.expect_download() as download:
        developer.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "format.json"
    developer.get_by_role("link", name="Comments").click()
    developer.get_by_label("Comment").fill("How long is a session?")
    developer.get_by_role("button", name="Comment", exact=True).click()
    expect(developer.get_by_role("article").filter(has_text="How long is a session?")).to_be_visible()

    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="Comments").click()
    page.locator("summary", has_text="Reply").click()
    page.get_by_label("Reply", exact=True).fill("An hour.")
    page.get_by_role("button", name="Reply").click()
    expect(page.get_by_role("heading", name="2 comments")).to_be_visible()
    developer.reload()
    expect(developer.get_by_role("article").filter(has_text="An hour.")).to_be_visible()
    developer.context.close()
