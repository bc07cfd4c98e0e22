"""Journeys of the two portals in a real browser, beside the tutorial's own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.gateway import closed, let_in
from tests.journeys.people import Design, fill_in, in_catalogue, open_form, sign_in, sign_up
from tests.product import Product


def test_create_and_publish_is_offered_once_endpoint_and_plans_are_given(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "admin", "admin")
    open_form(page, product)
    button = page.get_by_role("button", name="CREATE & PUBLISH")
    fill_in(page, Design("AtOnce", "/atonce", "1.0.0", "", ()))
    expect(button).to_be_disabled()
    fill_in(page, Design("AtOnce", "/atonce", "1.0.0", f"{product.samples}/echo", ()))
    expect(button).to_be_disabled()
    fill_in(page, Design("AtOnce", "/atonce", "1.0.0", f"{product.samples}/echo", ("Gold",)))
    button.click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_role("banner").get_by_text("Published", exact=True)).to_be_visible()
    page.context.clear_cookies()
    expect(in_catalogue(page, product, "AtOnce")).to_be_visible()


def test_a_context_in_another_apis_way_is_said_while_one_types_and_again_when_the_version_changes(
    product: Product, page: Page
) -> None:
    sign_in(page, product, "publisher", "alice")
    open_form(page, product)
    fill_in(page, Design("InTheWay", "/intheway", "1.0.0", "", ()))
    page.get_by_role("button", name="CREATE", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    open_form(page, product)
    page.get_by_label("Context").press_sequentially("/intheway/{version}/rooms")
    said = page.get_by_text("InTheWay 1.0.0 answers at /intheway/1.0.0 and below.")
    expect(said).to_be_visible()
    page.get_by_label("Version").fill("2.0.0")
    expect(said).to_have_count(0)


def test_a_creator_may_create_and_not_publish(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "alice")
    open_form(page, product)
    expect(page.get_by_role("button", name="CREATE & PUBLISH")).to_have_count(0)
    fill_in(page, Design("AlicesDesign", "/alicesdesign", "1.0.0", f"{product.samples}/echo", ("Gold",)))
    page.get_by_role("button", name="CREATE", exact=True).click()
    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="LIFECYCLE").click()
    expect(page.get_by_role("button", name="PUBLISH")).to_have_count(0)
    expect(page.get_by_text("needs the publisher role")).to_be_visible()


@pytest.mark.parametrize("who", ["bob", "oscar"])
def test_create_api_is_shown_to_creators_only(product: Product, page: Page, who: str) -> None:
    sign_in(page, product, "publisher", who)
    expect(page.get_by_role("heading", name="APIs", exact=True)).to_be_visible()
    expect(page.get_by_text("CREATE API")).to_have_count(0)


def test_what_was_typed_stays_and_the_first_error_has_the_focus(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "alice")
    open_form(page, product)
    fill_in(page, Design("Spacious", "/a b", "1.0.0", "not an address", ("Gold",)))
    page.get_by_role("button", name="CREATE", exact=True).click()
    expect(page.get_by_label("Context")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("Spacious")
    expect(page.get_by_label("Endpoint")).to_have_value("not an address")
    expect(page.get_by_role("checkbox", name=re.compile("^Gold"))).to_be_checked()


def test_somebody_new_signs_up_and_tries_a_token_by_keyboard_in_the_browser(product: Product, page: Page) -> None:
    product.act("publish", name="Greeting", endpoint=f"{product.samples}/echo")
    sign_up(page, product, "newcomer")
    in_catalogue(page, product, "Greeting").press("Enter")
    api = page.url
    by_keyboard(page, "Which application will connect?", "Tab", "Enter")
    expect(page.get_by_label("Application name")).to_be_focused()  # it has none, and that is said
    page.keyboard.type("First steps")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Subscribe First steps")).to_be_focused()
    page.goto(api)  # and away, and back
    by_keyboard(page, "Subscribe First steps", "Tab", "Enter")
    expect(page.get_by_role("heading", name="Keys for First steps")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Generate an access token")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This token is shown once")).to_be_visible()
    page.get_by_role("button", name="Try it now").press("Enter")
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    page.get_by_label("Message").fill("Hello from the browser")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("log").get_by_text("Hello from the browser")).to_have_count(2)


def by_keyboard(page: Page, heading: str, *keys: str) -> None:
    """Open the wizard from the API's page, find its step under this heading, and press the keys."""
    page.get_by_role("link", name="KEY GENERATION WIZARD").press("Enter")
    expect(page.get_by_role("heading", name=heading)).to_be_focused()
    for key in keys:
        page.keyboard.press(key)


def test_a_token_revoked_on_its_page_closes_its_open_connection(product: Product, page: Page) -> None:
    api = product.act("publish", name="RevokedByHand", endpoint=f"{product.samples}/echo")
    keys = product.act("application", owner="carol", name="Revoked by hand")
    product.act("subscribe", application=keys["application"], api=api)
    sign_in(page, product, "devportal", "carol")
    with let_in(f"{product.ws}/revokedbyhand/1.0", keys["token"]) as connection:
        page.goto(f"{product.portal}/devportal/applications/{keys['application']}/keys/production")
        page.get_by_role("button", name="Revoke", exact=True).click()
        page.get_by_role("button", name="Revoke token").click()
        assert closed(connection)[0] == 4001
    expect(page.get_by_text("No token is active")).to_be_visible()


def test_blocking_an_api_or_who_is_subscribed_says_what_it_closes_and_closes_it(product: Product, page: Page) -> None:
    api = product.act("publish", name="BlockedByHand", endpoint=f"{product.samples}/echo")
    keys = product.act("application", owner="carol", name="Blocked by hand")
    product.act("subscribe", application=keys["application"], api=api)
    sign_in(page, product, "publisher", "bob")
    with let_in(f"{product.ws}/blockedbyhand/1.0", keys["token"]) as connection:
        dialog = open_block_dialog(page, f"{product.portal}/publisher/apis/{api}/lifecycle")
        expect(dialog).to_contain_text("1 live connection of 1 application")
        dialog.get_by_role("button", name="Block", exact=True).click()
        assert closed(connection)[0] == 4006
    expect(page.get_by_role("banner").get_by_text("Blocked", exact=True)).to_be_visible()
    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="Subscriptions").click()
    page.get_by_role("button", name="More for Blocked by hand").click()
    page.get_by_role("button", name="Block all").click()
    page.get_by_role("dialog").get_by_role("button", name="Block all").click()
    expect(page.get_by_role("heading", name="Blocked people")).to_be_visible()
    page.get_by_role("button", name="Lift the block").click()
    expect(page.get_by_role("heading", name="Blocked people")).to_have_count(0)


def open_block_dialog(page: Page, address: str) -> Locator:
    """The dialog, once the gateway's workers have written down their connections: they do so every two seconds."""
    for _ in range(20):
        page.goto(address)
        page.get_by_role("button", name="Block", exact=True).click()
        dialog = page.get_by_role("dialog")
        if "live connection" in dialog.inner_text():
            break
        page.wait_for_timeout(500)
    return dialog


def test_the_portals_work_without_scripts(product: Product, chromium: Browser) -> None:
    with chromium.new_context(ignore_https_errors=True, java_script_enabled=False) as plain:
        page = plain.new_page()
        sign_in(page, product, "publisher", "admin", "admin")
        page.goto(f"{product.portal}/publisher/apis/create")
        fill_in(page, Design("Plain", "/plain", "1.0.0", f"{product.samples}/echo"))
        page.get_by_role("button", name="CREATE", exact=True).click()
        page.get_by_role("navigation", name="Publisher").get_by_role("link", name="LIFECYCLE").click()
        page.get_by_role("button", name="PUBLISH", exact=True).click()
        expect(in_catalogue(page, product, "Plain")).to_be_visible()


def test_a_list_follows_what_is_typed_and_the_address_does_too(product: Product, page: Page) -> None:
    for name in ("Weather", "Harbour"):
        product.act("publish", name=name, endpoint=f"{product.samples}/echo")
    sign_in(page, product, "publisher", "alice")
    page.goto(f"{product.portal}/publisher/apis?page=9")
    table = page.get_by_role("table", name="APIs")
    page.get_by_role("searchbox").press_sequentially("harb")
    expect(table.get_by_role("link", name="Weather")).to_have_count(0)
    expect(table.get_by_role("link", name="Harbour")).to_be_visible()
    expect(page).to_have_url(f"{product.portal}/publisher/apis?q=harb")
    expect(page.get_by_role("navigation", name="State").get_by_role("link", name="All")).to_have_attribute(
        "href", re.compile("harb")
    )
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("searchbox").fill("")
    expect(table.get_by_role("link", name="Weather")).to_be_visible()


def test_too_many_wrong_passwords_close_the_door_for_a_while(product: Product, page: Page) -> None:
    page.goto(f"{product.portal}/devportal/sign-in")
    for _ in range(5):
        page.get_by_label("Username").fill("oscar-of-the-street")
        page.get_by_label("Password", exact=True).fill("guess")
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Too many attempts")).to_be_visible()
