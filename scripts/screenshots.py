"""`make screenshots`: follow the tutorial in a real browser and take its pictures anew.

Runs the product on its usual ports, in a data folder of its own, so nothing else may listen on them.
"""

import os
import sys
from pathlib import Path

import django
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
django.setup()  # what people do in a browser shares a module with what the database does

from tests.environment import CHROMIUM_FLAGS, find_chromium  # noqa: E402
from tests.journeys.people import Design, fill_in, open_form, sign_in, wizard  # noqa: E402
from tests.product import PORT_SETTINGS, Product, temporary  # noqa: E402

IMAGES = ROOT / "docs" / "tutorial" / "images"
USUAL_PORTS = ("9443", "9099", "8099", "9900", "9464")
SIZE = {"width": 1200, "height": 800}


def main() -> None:
    """Start the product, play the scenario, stop the product."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with temporary() as folder:
        product = Product(Path(folder), **dict(zip(PORT_SETTINGS, USUAL_PORTS, strict=True))).start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
                context = browser.new_context(ignore_https_errors=True, viewport=SIZE, color_scheme="light")
                context.grant_permissions(["clipboard-read", "clipboard-write"])
                tell(context.new_page(), product)
        finally:
            product.stop()


def tell(page: Page, product: Product) -> None:
    """The tutorial, with a picture at each turn."""
    sign_in(page, product, "publisher", "admin", "admin")
    open_form(page, product)
    fill_in(page, Design("EchoWebSocket", "/echowebsocket", "1.0.0", f"{product.samples}/echo"))
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("Answered 101")).to_be_visible()
    take(page, "create")
    page.get_by_role("button", name="CREATE", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    take(page, "overview")
    page.get_by_role("navigation", name="Publisher").get_by_role("link", name="LIFECYCLE").click()
    page.get_by_role("button", name="PUBLISH", exact=True).click()
    expect(page.get_by_text("Published").first).to_be_visible()
    take(page, "lifecycle")
    wizard(page, product, "EchoWebSocket", "Chat client")
    take(page, "wizard")


def take(page: Page, name: str) -> None:
    """Save what is in the window, at its top and without messages that come and go."""
    page.evaluate("document.querySelectorAll('.toast').forEach(toast => toast.remove()); scrollTo(0, 0)")
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")


if __name__ == "__main__":
    main()
