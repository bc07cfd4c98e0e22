"""What stands in somebody's way on a page, in sentences; none is what every page should have."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.journeys.measures import OTHERWISE, WIDTHS, faults

# axe would load the style sheets again, from the wrong places, only to look for rules that depend on orientation.
EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
COLOURS: dict[str, Any] = {
    **EVERYTHING,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}


def barriers(page: Page, *, again: bool = False) -> list[str]:
    """In light at every width, then in dark, with what opens closed and open.

    A page that is seen `again`, in another state, is measured where its layout differs most, and in light: the dark
    changes all colours together.
    """
    page.emulate_media(color_scheme="light")
    found = [*_everywhere(page, EVERYTHING), *faults(page, OTHERWISE if again else WIDTHS)]
    if again:
        return found
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="dark")
    return found + [f"dark: {each}" for each in _everywhere(page, COLOURS)]


def _everywhere(page: Page, options: dict[str, Any]) -> list[str]:
    """On the page as it is, then in each dialog and menu of it that was not on a page before, by itself."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = _sentences(page.evaluate("options => axe.run(options)", options))
    opens = page.locator(OPENS)
    for number, words in enumerate(opens.evaluate_all(LOOKS)):
        looks = (options is COLOURS, words)
        if looks not in _sound:
            each = opens.nth(number)
            inside = _sentences(each.evaluate(RUN_OPEN, options))
            found += [f"{each.get_attribute('id')} open: {line}" for line in inside]
            if not inside:
                _sound.add(looks)
    return found


_sound: set[tuple[bool, str]] = set()  # the menu of the account is on every page
OPENS = "dialog, [popover]"
LOOKS = r"""all => all.map((it) => it.outerHTML.replace(/ (href|action|value)="[^"]*"/g, ""))"""
RUN_OPEN = """async (it, options) => {
  it.matches("dialog") ? it.showModal() : it.showPopover()
  try { return await axe.run(it, options) } finally { it.matches("dialog") ? it.close() : it.hidePopover() }
}"""


def _sentences(results: dict[str, Any]) -> list[str]:
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))} {node['html'][:200]} ({node['failureSummary']})"
        for rule in results["violations"]
        for node in rule["nodes"]
    ]
