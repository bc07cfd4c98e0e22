"""The stage of the journeys: one running product, its cast, a real browser, and a door for what needs no browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.environment import CHROMIUM_FLAGS, find_chromium
from tests.product import Product, temporary

HERE = Path(__file__).parent
ALONE = {"test_every_page"}
ROLES = {
    "alice": ["creator"],
    "bob": ["publisher"],
    "carol": ["subscriber"],
    "mallory": ["subscriber"],
    "oscar": ["observer"],
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys that share a product run in one process; the longest have one of their own."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.xdist_group(item.path.stem if item.path.stem in ALONE else "product"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """Show the end of the product's log with a journey that failed."""
    report = yield
    product = getattr(item, "funcargs", {}).get("product")
    if report.failed and isinstance(product, Product):
        report.sections.append(("the product's log", product.log()[-6000:]))
    return report


@pytest.fixture(scope="session")
def product(prepared: Path) -> Iterator[Product]:
    """The whole product, running, with the cast in it."""
    with temporary() as folder:
        running = Product(Path(folder), APIM_BACKEND_NETWORKS="127.0.0.0/8,::1")
        running.begin_with(prepared)
        running.start()
        try:
            running.act("cast", roles=ROLES)
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the browser is; looked for once, since each look starts what is found."""
    path = find_chromium()
    assert path, "make tools gets a Chromium"
    return path


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """A real browser. Ended with its module: Playwright keeps an event loop running that other tests trip over."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[BrowserContext]:
    """Somebody's browser profile, with nothing in it yet."""
    context = chromium.new_context(
        ignore_https_errors=True, viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(10_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    """A tab. A script that fails, something the content policy forbids, or a fault of the server fails the test."""
    faults: list[str] = []
    visitor.on("weberror", lambda error: faults.append(str(error.error)))
    visitor.on("console", lambda said: faults.append(said.text) if is_fault(said) else None)
    visitor.on("response", lambda answer: faults.append(answer.url) if answer.status > 499 else None)
    yield visitor.new_page()
    assert not faults, "\n".join(faults)


def is_fault(said: ConsoleMessage) -> bool:
    """Whether the browser complains of more than a refusal that the page explains anyway."""
    explained = ("Failed to load resource", "WebSocket connection to", "htmx:")
    return said.type == "error" and not said.text.startswith(explained)
