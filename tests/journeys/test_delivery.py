"""What a publisher does with an API: try it out before it is published, compare, export and import."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.gateway import refused_soon
from tests.journeys.people import sign_in
from tests.product import Product


def test_bob_deploys_a_draft_and_talks_to_it_while_nobody_else_can(product: Product, page: Page) -> None:
    api = product.act("publish", name="Hidden", endpoint=f"{product.samples}/echo")
    product.act("transition", api=api, action="Demote to Created")
    sign_in(page, product, "publisher", "bob")
    page.get_by_role("link", name="Hidden", exact=True).first.click()
    page.get_by_role("link", name="Try out").click()
    expect(page.get_by_text("Nothing is deployed")).to_be_visible()
    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="Deployments").click()
    page.get_by_role("button", name="Deploy new revision").click()
    page.get_by_role("dialog").get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_role("main").get_by_role("link", name="Try out").click()
    refused_soon(f"{product.ws}/hidden/1.0.0", 404)
    page.get_by_label("Address").fill(f"{product.ws}/hidden/1.0.0")
    page.get_by_role("button", name="Connect", exact=True).last.click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    page.get_by_label("Message").fill("привет")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".frame-received").last).to_contain_text("привет")
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_label("Address").fill(f"{product.ws}/hidden/7.7")
    page.get_by_role("button", name="Connect", exact=True).last.click()
    expect(page.locator(".console-problem")).to_contain_text("The gateway answered 404")


def test_an_api_is_exported_and_imported_under_another_name(product: Product, page: Page, tmp_path: Path) -> None:
    product.act("publish", name="Travels", endpoint=f"{product.samples}/echo")
    sign_in(page, product, "publisher", "alice")
    page.get_by_role("link", name="Travels", exact=True).first.click()
    page.get_by_role("button", name="Actions on").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as zip").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    page.get_by_role("link", name="All APIs").click()
    page.get_by_role("button", name="CREATE API").click()
    page.get_by_role("link", name="Import an API").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("A new API").check()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("There is an API called Travels already.").first).to_be_visible()
    page.get_by_label("Name").fill("Arrived")
    page.get_by_label("Context").fill("/arrived")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("main").get_by_text("/arrived").first).to_be_visible()
