"""`make screenshots`: follow the tutorial and the how-tos in a real browser and take their pictures anew.

Runs the product on its usual ports, in a data folder of its own, so nothing else may listen on them.
"""

import os
import sys
from pathlib import Path
from typing import Any

import django
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apimanager.settings")
django.setup()  # what people do in a browser shares a module with what the database does

from tests.environment import CHROMIUM_FLAGS, find_chromium  # noqa: E402
from tests.journeys.people import Design, fill_in, open_form, sign_in, wizard  # noqa: E402
from tests.product import PORT_SETTINGS, Product, temporary  # noqa: E402

TUTORIAL, HOWTO = (ROOT / "docs" / part / "images" for part in ("tutorial", "howto"))
USUAL_PORTS = ("9443", "9099", "8099", "9900", "9464")
FERRIES = {
    "description": "Every ferry as it leaves.\n\n* one message a **departure**\n* times in UTC",
    "tags": ["ferries", "timetable"],
    "business_owner": "Harbour authority",
    "business_owner_email": "ferries@example.test",
    "technical_owner": "Timetable team",
    "technical_owner_email": "timetable@example.test",
    "support_link": "https://help.example.test/ferries",
    "properties": [
        {"name": "region", "value": "Baltic", "shown": True},
        {"name": "cost-centre", "value": "4711", "shown": False},
    ],
}
ALERTS = {
    "target": "/alerts",
    "verbs": ["subscribe"],
    "scopes": ["alerts:read"],
    "description": "What keeps ferries in the harbour.",
}
SIZE = {"width": 1200, "height": 800}


def main() -> None:
    """Start the product, play the scenario, stop the product."""
    for images in (TUTORIAL, HOWTO):
        images.mkdir(parents=True, exist_ok=True)
    with temporary() as folder:
        ports = dict(zip(PORT_SETTINGS, USUAL_PORTS, strict=True))
        product = Product(Path(folder), **ports, APIM_LIFECYCLE_APPROVAL="Retire").start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
                context = browser.new_context(ignore_https_errors=True, viewport=SIZE, color_scheme="light")
                context.grant_permissions(["clipboard-read", "clipboard-write"])
                page = context.new_page()
                tell(page, product)
                tour(page, product)
                portray(page, product)
                visit(page, product)
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


def tour(page: Page, product: Product) -> None:
    """Pages beside the tutorial's path, as the how-tos speak of them."""
    product.act("cast", roles={"alice": ["creator"], "bob": ["publisher"], "carol": ["subscriber"]})
    api = product.act("publish", name="Harbour", endpoint=f"{product.samples}/chat")
    ships, gates = ({"target": target, "verbs": ["publish", "subscribe"]} for target in ("/rooms/{ship}", "/gates"))
    product.act("redeploy", api=api, description="Ships by their number", topics=[ships, gates])
    product.act("redeploy", api=api, description="The gates have an API of their own", topics=[ships])
    page.goto(f"{product.portal}/publisher/apis/{api}/try-out")
    page.get_by_label("Connect to").select_option("working")
    page.get_by_label("Address", exact=True).fill(f"{product.wss}/harbour/1.0.0/rooms/7?name=pilot")
    page.get_by_role("button", name="Connect", exact=True).last.click()
    expect(page.get_by_text("Handshake accepted")).to_be_visible()
    take(page, "try-out", HOWTO)
    page.goto(f"{product.portal}/devportal/apis/{api}/changes")
    take(page, "changes", HOWTO)
    product.act("transition", api=api, action="Deprecate")
    product.act("ask_for", api=api, action="Retire")
    page.goto(f"{product.portal}/admin/lifecycle-requests")
    take(page, "lifecycle-requests", HOWTO)
    add_passkey(page, product)
    take(page, "second-factor", HOWTO)


def add_passkey(page: Page, product: Product) -> None:
    """The page of the second factor, with a passkey on it that a device of the browser's own holds."""
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    chromium.send("WebAuthn.addVirtualAuthenticator", {"options": {**device, "isUserVerified": True}})
    sign_in(page, product, "devportal", "carol")
    page.goto(f"{product.portal}/devportal/account/second-factor")
    page.get_by_label("Name of the new passkey").fill("Work laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("row", name="Work laptop")).to_be_visible()


def departures(required: list[str]) -> dict[str, Any]:
    """A topic with a message that says all that can be said of one; some of its members are always there."""
    members = {"ship": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "late": {"type": "integer"}}
    schema = {"type": "object", "required": required, "properties": members}
    example = {"ship": "Aurora", "at": "2026-05-04T08:15:00Z", "late": 3}
    message = {"name": "departure", "summary": "A ferry has left.", "schema": schema, "examples": [example]}
    return {
        "target": "/departures/{gate}",
        "verbs": ["subscribe"],
        "description": "What leaves from one gate.",
        "parameters": {"gate": "Such as A4."},
        "messages": {"subscribe": [message]},
    }


def portray(page: Page, product: Product) -> None:
    """The pages of the Publisher, with an API that people use."""
    sign_in(page, product, "publisher", "admin", "admin")
    api = product.act("publish", name="Ferries", endpoint=f"{product.samples}/chat", plans=("Gold", "Silver", "Bronze"))
    product.act("redesign", api=api, changes=FERRIES | {"topics": [departures(required=["ship"]), ALERTS]})
    product.act("deploy", api=api)
    for name, plan in (("Harbour display", "Gold"), ("Passenger app", "Gold"), ("Night watch", "Silver")):
        made = product.act("application", owner="carol", name=name)
        subscription = product.act("subscribe", application=made["application"], api=api, plan=plan)
    product.act("set_subscription_state", subscription=subscription, state="PROD_ONLY_BLOCKED")
    product.act("violate", api=api, application=made["application"])
    product.act("discuss", api=api)
    there = f"{product.portal}/publisher/apis/{api}"
    for name, summary in (
        ("First steps", "From a token to the first departure."),
        ("Codes", "What each gate is called."),
    ):
        page.goto(f"{there}/documents/create")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Summary").fill(summary)
        page.get_by_label("Text").fill("Say *hello*.")
        page.get_by_role("button", name="Save").click()
    page.goto(f"{there}/versions")
    page.get_by_label("New version").fill("2.0.0")
    page.get_by_role("button", name="Create version").click()
    page.goto(f"{there}/scopes/create?name=alerts:read")
    page.get_by_label("Description").fill("Be told what keeps ferries in the harbour.")
    page.get_by_role("checkbox", name="subscriber").check()
    page.get_by_role("button", name="Save").click()
    for path, name in (
        ("", "api-overview"),
        ("/basic-info", "basic-info"),
        ("/business-info", "business-info"),
        ("/properties", "properties"),
        ("/runtime", "runtime"),
        ("/violations", "violations"),
        ("/scopes", "scopes"),
        ("/comments", "comments"),
        ("/versions", "versions"),
        ("/topics/message?topic=/departures/{gate}&direction=subscribe&message=departure", "message"),
        ("/definition", "definition"),
        ("/endpoint", "endpoint"),
        ("/documents", "documents"),
        ("/subscriptions", "subscriptions"),
    ):
        page.goto(f"{there}{path}")
        take(page, name, HOWTO)
    product.act("redesign", api=api, changes={"topics": [departures(required=[])]})
    page.goto(f"{there}/deployments")
    take(page, "deployments", HOWTO)
    page.goto(f"{there}/comparison")
    take(page, "comparison", HOWTO)
    page.goto(f"{there}/plans")
    page.get_by_role("checkbox", name="Silver").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 subscription is under Silver")).to_be_visible()
    take(page, "plans", HOWTO)
    page.goto(f"{there}/lifecycle")
    page.get_by_role("button", name="Deprecate", exact=True).click()
    take(page, "lifecycle-step", HOWTO)
    page.goto(f"{product.portal}/publisher/apis?view=cards")
    take(page, "apis", HOWTO)


def visit(page: Page, product: Product) -> None:
    """The Developer Portal as somebody new sees it, and the Administration."""
    product.act("person", name="dora", roles=["subscriber"])
    shown = product.act("application", owner="dora", name="Pier display")
    echo = product.act("publish", name="Echo", endpoint=f"{product.samples}/echo")
    sign_in(page, product, "devportal", "dora")
    for path, name in (
        ("/devportal", "catalogue"),
        (f"/devportal/applications/{shown['application']}/keys/production", "keys"),
        (f"/devportal/applications/{shown['application']}/members", "people"),
    ):
        page.goto(f"{product.portal}{path}")
        take(page, name, HOWTO)
    page.goto(f"{product.portal}/devportal")
    page.get_by_role("link", name="Ferries", exact=True).click()
    take(page, "portal-api", HOWTO)
    page.goto(f"{product.portal}/devportal/apis/{echo}")
    page.get_by_role("button", name="Try it").first.click()
    expect(page.get_by_text("Handshake accepted")).to_be_visible(timeout=30_000)
    take(page, "console", HOWTO)
    sign_in(page, product, "admin", "admin", "admin")
    for path, name in (
        ("users", "users"),
        ("settings", "settings"),
        ("plans/business/Gold", "plan"),
        ("audit-log", "audit-log"),
    ):
        page.goto(f"{product.portal}/admin/{path}")
        take(page, name, HOWTO)


def take(page: Page, name: str, folder: Path = TUTORIAL) -> None:
    """Save what is in the window, at its top and without messages that come and go."""
    page.evaluate("document.querySelectorAll('.toast').forEach(toast => toast.remove()); scrollTo(0, 0)")
    page.screenshot(path=folder / f"{name}.png", animations="disabled", caret="hide")


if __name__ == "__main__":
    main()
