"""What stands in somebody's way on a page, in sentences; none is what every page should have."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (1440, 820, 390)  # pixels
# axe would load the style sheets again, from the wrong places, only to look for rules that depend on orientation.
EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
CONTRAST: dict[str, Any] = {**EVERYTHING, "runOnly": {"type": "rule", "values": ["color-contrast"]}}


def barriers(page: Page) -> list[str]:
    """In light and dark, wide and narrow, with what opens closed and open."""
    page.emulate_media(color_scheme="light")
    found = [*_everywhere(page, EVERYTHING), *_sideways(page)]
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {each}" for each in _everywhere(page, CONTRAST)]
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    return found


def _everywhere(page: Page, options: dict[str, Any]) -> list[str]:
    """On the page as it is, then in each dialog and menu of it."""
    found = _axe(page, options)
    for number in range(page.locator(OPENS).count()):
        each = page.locator(OPENS).nth(number)
        each.evaluate(OPEN)
        found += [f"{each.get_attribute('id')} open: {line}" for line in _axe(page, options)]
        each.evaluate(CLOSE)
    return found


OPENS = "dialog, [popover]"
OPEN = "it => it.matches('dialog') ? it.showModal() : it.showPopover()"
CLOSE = "it => it.matches('dialog') ? it.close() : it.hidePopover()"


def _axe(page: Page, options: dict[str, Any]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    results = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))} {node['html'][:200]} ({node['failureSummary']})"
        for rule in results
        for node in rule["nodes"]
    ]


def _sideways(page: Page) -> list[str]:
    """Widths at which the page scrolls sideways, and what sticks out."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate(STICKING_OUT)
        found += [f"{width} px: {each} sticks out" for each in wide]
    return found


STICKING_OUT = """() => {
  const root = document.documentElement, limit = root.clientWidth
  if (root.scrollWidth <= limit) return []
  const out = [...document.body.querySelectorAll("*")].filter(it => it.getBoundingClientRect().right > limit + 1)
  return out.slice(0, 5).map(it => `${it.tagName.toLowerCase()}.${it.className}`).concat(`page ${root.scrollWidth}`)
}"""
