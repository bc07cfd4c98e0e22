"""From a stranger to the first echo, counted in clicks."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.gateway import refused_soon
from tests.product import Product
from tests.product_actions import PASSWORD

COUNT = "addEventListener('click', ({detail}) => detail && countClick(), true)"
MOST = 6


def test_a_stranger_is_answered_after_six_clicks(product: Product, page: Page) -> None:
    product.act("publish", name="FirstEcho", endpoint=f"{product.samples}/echo")
    refused_soon(f"{product.ws}/firstecho/1.0", 401)
    clicks: list[None] = []
    page.expose_function("countClick", lambda: clicks.append(None))
    page.add_init_script(COUNT)

    page.goto(f"{product.portal}/devportal/apis?q=FirstEcho")
    page.get_by_role("link", name="FirstEcho", exact=True).click()
    page.get_by_role("link", name="Try it", exact=True).click()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username").fill("stranger")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("button", name="Try it", exact=True).click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    expect(page.get_by_text("Made for you: the application “Try it”").first).to_be_visible()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".frame-received")).to_contain_text("Hello")

    assert 0 < len(clicks) <= MOST
    kept = page.evaluate("JSON.stringify([location.href, localStorage, sessionStorage])")
    assert "ticket" not in kept
