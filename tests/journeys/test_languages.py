"""The second language in a real browser, whose own is English."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.journeys.people import sign_up
from tests.product import Product

HERE_SINCE = re.compile(
    r"^\d{1,2}\. (Januar|Februar|März|April|Mai|Ju[nl]i|August|\w+ember|Oktober) \d{4}, \d\d:\d\d:\d\d "
)


def test_somebody_reads_german_from_when_they_choose_it_until_they_choose_english_again(
    product: Product, page: Page
) -> None:
    sign_up(page, product, "greta")
    account = f"{product.portal}/devportal/account"
    page.goto(account)
    expect(page.locator("html")).to_have_attribute("lang", "en-GB")
    page.get_by_label("Language").select_option("Deutsch")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text("Ihr Konto ist gespeichert.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    since = page.locator("time[data-relative]").first
    expect(since).to_have_attribute("title", HERE_SINCE)
    expect(since).to_have_text(re.compile(r"gerade eben|vor \d+ Minute"))  # as the page's script says it, too
    page.get_by_role("link", name="Katalog").first.click()
    expect(page.get_by_role("navigation", name="Developer Portal").get_by_text("Anwendungen")).to_be_visible()
    page.goto(f"{product.portal}/devportal/nowhere")
    expect(page.get_by_role("heading", name="Hier ist nichts")).to_be_visible()
    page.goto(account)
    page.get_by_label("Sprache").select_option("English")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("status").get_by_text("Your account was saved.")).to_be_visible()
    expect(page.get_by_role("navigation", name="Developer Portal").get_by_text("Applications")).to_be_visible()
