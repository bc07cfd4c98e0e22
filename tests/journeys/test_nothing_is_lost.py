"""What somebody typed survives a session that ends, and Back after a form that failed asks nothing."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.people import Design, fill_in, open_form, sign_in
from tests.product import Product
from tests.product_actions import PASSWORD


def test_a_filled_form_survives_the_end_of_the_session(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "alice")
    open_form(page, product)
    fill_in(page, Design("Patient", "/patient", "1.0.0", f"{product.samples}/echo", ("Silver",)))
    session = next(each for each in page.context.cookies() if each["name"].endswith("session"))
    page.context.clear_cookies(name=session["name"])
    page.get_by_role("button", name="CREATE", exact=True).click()
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Name")).to_have_value("Patient")
    expect(page.get_by_label("Context")).to_have_value("/patient")
    expect(page.get_by_role("checkbox", name="Silver")).to_be_checked()
    page.get_by_role("button", name="CREATE", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_back_after_a_form_that_failed_shows_it_as_it_was(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "alice")
    open_form(page, product)
    page.get_by_label("Name").fill("Incomplete")
    page.get_by_role("button", name="CREATE", exact=True).click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="APIs").click()
    expect(page.get_by_role("heading", name="APIs", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Name")).to_have_value("Incomplete")
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
