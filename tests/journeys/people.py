"""What people do in a browser, by the words that they read on the page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.product import Product
from tests.product_actions import PASSWORD


@dataclass(frozen=True)
class Design:
    """What a creator types into the form of a new API."""

    name: str
    context: str
    version: str
    endpoint: str
    plans: tuple[str, ...] = ("Gold", "Silver")


def sign_up(page: Page, product: Product, name: str) -> None:
    """Create an account in the Developer Portal."""
    page.goto(f"{product.portal}/devportal")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()


def sign_in(page: Page, product: Product, portal: str, name: str, password: str = PASSWORD) -> None:
    """Sign in to one of the portals at its own address, as somebody whom the browser does not know yet."""
    page.context.clear_cookies()
    page.goto(f"{product.portal}/{portal}")
    if not page.get_by_label("Username").is_visible():
        page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Username")).to_have_count(0)


def open_form(page: Page, product: Product) -> None:
    """CREATE API → Design a New WebSocket API."""
    page.goto(f"{product.portal}/publisher")
    page.get_by_role("button", name="CREATE API").click()
    page.get_by_role("link", name="Design a New WebSocket API").or_(
        page.get_by_role("menuitem", name="Design a New WebSocket API")
    ).click()


def fill_in(page: Page, design: Design) -> None:
    """Type what the tutorial's table says, field by field."""
    page.get_by_label("Name").fill(design.name)
    page.get_by_label("Context").fill(design.context)
    page.get_by_label("Version").fill(design.version)
    page.get_by_label("Endpoint").fill(design.endpoint)
    for plan in design.plans:
        page.get_by_role("checkbox", name=re.compile(rf"^{plan}\b")).check()


def wizard(
    page: Page,
    product: Product,
    name: str,
    application: str,
    token_type: str = "",
    plan: str = "Gold",
    seconds: int = 0,
) -> str:
    """Developer Portal → the API → KEY GENERATION WIZARD → … → the token, copied from the page."""
    in_catalogue(page, product, name).click()
    page.get_by_role("link", name="KEY GENERATION WIZARD").click()
    page.get_by_label("Name").fill(application)
    if token_type:
        page.get_by_role("radio", name=re.compile(rf"^{token_type}\b")).check()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("radio", name=re.compile(rf"^{plan}\b")).check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name=re.compile("^Keys for "))).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="Generate an access token")).to_be_visible()
    if seconds:
        page.locator("[name=seconds]").fill(str(seconds))
        page.locator("[name=seconds_unit]").select_option("second")
    page.get_by_role("button", name="Generate token").click()
    expect(page.get_by_text("shown once").first).to_be_visible()
    return copied(page)


def in_catalogue(page: Page, product: Product, name: str) -> Locator:
    """The link to an API in the Developer Portal, searched for: there may be more than a page of them."""
    page.goto(f"{product.portal}/devportal")
    page.get_by_role("searchbox").fill(name)
    page.get_by_role("searchbox").press("Enter")
    return page.get_by_role("link", name=name, exact=True)


def copied(page: Page) -> str:
    """Press the button that copies the token, and return what is then in the clipboard."""
    page.get_by_role("button", name=re.compile("^Copy.*token", re.IGNORECASE)).first.click()
    text = page.evaluate("navigator.clipboard.readText()")
    assert isinstance(text, str)
    return text
