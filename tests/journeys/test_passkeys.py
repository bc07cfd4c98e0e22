"""A passkey in a real browser: made on the page of the account, then it signs in without a password."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.people import sign_in
from tests.product import Product
from tests.product_actions import PASSWORD

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


def test_a_passkey_is_added_and_signs_in_alone_and_after_the_password(page: Page, product: Product) -> None:
    product.act("cast", roles={"petra": ["publisher"]})
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    chromium.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    sign_in(page, product, "publisher", "petra")
    page.goto(f"{product.portal}/publisher/account")
    page.get_by_role("link", name="Second factor").click()
    page.get_by_label("Name of the new passkey").fill("Blue laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#recovery-codes")).to_have_text(re.compile(r"^([a-z2-9]{4}-){3}[a-z2-9]{4}"))
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("row", name=re.compile("Blue laptop"))).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{product.portal}/publisher")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name=re.compile("^Account: petra"))).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{product.portal}/publisher/sign-in")
    page.get_by_label("Username").fill("petra")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name=re.compile("^Account: petra"))).to_be_visible()
