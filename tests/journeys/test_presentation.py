"""A creator says what an API is and gives it a picture; developers read it; a publisher blocks several at once."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.people import sign_in
from tests.product import Product
from tests.publisher.builders import picture


def test_an_api_presents_itself_as_its_creator_says(product: Product, page: Page) -> None:
    api = product.act("publish", name="Presented", endpoint=f"{product.samples}/echo")
    sign_in(page, product, "publisher", "alice")
    page.goto(f"{product.portal}/publisher/apis/{api}/basic-info")
    unsaved = page.locator("form[data-dirty] [data-unsaved]").filter(visible=True)
    page.get_by_label("Display name").fill("Presented")
    expect(unsaved).to_have_text("Not saved yet: Display name")
    page.get_by_label("Display name").fill("")
    expect(unsaved).to_have_count(0)
    page.get_by_label("Display name").fill("Presented to you")
    page.get_by_label("Description").fill("**Bold** words")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview strong")).to_have_text("Bold")
    page.get_by_text("By role: people").click()
    expect(page.get_by_role("group", name="Roles that find it")).to_be_visible()
    page.get_by_text("Public: everybody").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text("Basic info is saved.")).to_be_visible()

    upload = {"name": "logo.png", "mimeType": "image/png", "buffer": picture(size=(300, 200))}
    page.get_by_label("File").set_input_files(upload)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("status").get_by_text("The picture is saved.")).to_be_visible()

    page.goto(f"{product.portal}/publisher/apis/{api}/properties")
    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("Name 4").fill("team")
    page.get_by_label("Value 4").fill("Payments")
    page.get_by_label("Show 4 in the Developer Portal").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text("Properties are saved.")).to_be_visible()

    page.goto(f"{product.portal}/devportal/apis/{api}")
    expect(page.get_by_role("heading", name="Presented to you", level=1)).to_be_visible()
    expect(page.locator(".markdown strong")).to_have_text("Bold")
    expect(page.get_by_text("Payments")).to_be_visible()
    page.goto(f"{product.portal}/devportal/apis?q=Presented")
    width = page.locator("img.glyph").evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert width == 256


def test_a_publisher_blocks_what_is_chosen_and_reads_what_it_would_do_before(product: Product, page: Page) -> None:
    for name in ("BulkOne", "BulkTwo"):
        product.act("publish", name=name, endpoint=f"{product.samples}/echo")
    sign_in(page, product, "publisher", "bob")
    page.goto(f"{product.portal}/publisher/apis?q=name:bulk")
    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.get_by_label("What to do with the chosen APIs").select_option("Block")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Refuses calls with 503")).to_have_count(2)
    page.get_by_role("button", name="Block 2 APIs").click()
    expect(page.get_by_text("2 APIs are Blocked now.")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(f"{product.portal}/publisher/apis?q=name%3Abulk")
