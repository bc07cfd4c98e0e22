"""What somebody typed survives a session that ends, and Back after a form that failed asks nothing."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.people import Design, fill_in, open_form, sign_in
from tests.product import Product
from tests.product_actions import PASSWORD


def end_session(page: Page) -> None:
    """As if its time were over."""
    session = next(each for each in page.context.cookies() if each["name"].endswith("session"))
    page.context.clear_cookies(name=session["name"])


def test_a_filled_form_survives_the_end_of_the_session(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "alice")
    open_form(page, product)
    fill_in(page, Design("Patient", "/patient", "1.0.0", f"{product.samples}/echo", ("Silver",)))
    end_session(page)
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


def test_a_dialog_survives_the_end_of_the_session_and_stands_open_again(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "admin", "admin")
    open_form(page, product)
    fill_in(page, Design("Talkative", "/talkative", "1.0.0", f"{product.samples}/echo", ("Gold",)))
    page.get_by_role("button", name="CREATE", exact=True).click()
    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="Deployments").click()
    page.get_by_role("button", name="Deploy new revision").first.click()
    page.get_by_label("What has changed").fill("A first try 茶")
    end_session(page)
    page.get_by_role("dialog").get_by_role("button", name="Deploy").click()
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password", exact=True).fill("admin")
    page.get_by_role("button", name="Sign in").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("What has changed")).to_have_value("A first try 茶")
    assert page.evaluate("document.querySelector('dialog:modal') !== null"), "the page behind it waits"
    dialog.get_by_role("button", name="Deploy").click()
    expect(page.get_by_text("Revision 1 is deployed.").first).to_be_visible()
    expect(page.get_by_text("A first try 茶")).to_be_visible()


def test_back_after_a_sign_in_that_failed_shows_it_as_it_was(product: Product, page: Page) -> None:
    page.goto(f"{product.portal}/publisher/sign-in?next=/publisher/apis")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Username or password is not right.")).to_be_visible()
    page.get_by_role("link", name="Developer Portal").first.click()
    page.go_back()
    expect(page.get_by_text("Username or password is not right.")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("alice")
    page.reload()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="APIs", exact=True)).to_be_visible()


def test_a_part_of_a_page_that_cannot_be_fetched_says_so_and_takes_nothing_away(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "alice")
    open_form(page, product)
    fill_in(page, Design("Offline", "/offline", "1.0.0", f"{product.samples}/echo", ("Gold",)))
    page.context.set_offline(True)
    page.get_by_role("button", name="Test").click()
    said = page.get_by_text("The portal cannot be reached, so nothing was tried.")
    expect(said).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Offline")
    page.context.set_offline(False)
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("Answered 101")).to_be_visible()
    expect(said).to_have_count(0)


def test_a_search_that_is_refused_says_so_at_its_box_while_one_types(product: Product, page: Page) -> None:
    product.act("publish", name="Searched", endpoint=f"{product.samples}/echo")  # an empty list has nothing to search
    sign_in(page, product, "publisher", "alice")
    box = page.get_by_label("Search APIs")
    box.fill("a b c d e f g h i j k")
    expect(page.get_by_text("Search for at most 10 words; these are 11.")).to_be_visible()
    expect(box).to_have_value("a b c d e f g h i j k")
    box.fill("a")
    expect(page.get_by_text("Search for at most 10 words; these are 11.")).to_have_count(0)
