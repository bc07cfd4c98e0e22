"""What stands in somebody's way on a page, in sentences; none is what every page should have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page

from tests.journeys.measures import OTHERWISE, WIDTHS, faults

# axe would load the style sheets again, from the wrong places, only to look for rules that depend on orientation.
RULES: dict[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {"color-contrast": {"enabled": False}, "link-in-text-block": {"enabled": False}},
}
COLOURS: dict[str, Any] = {
    "resultTypes": ["violations", "passes", "incomplete"],
    "preload": False,
    "elementRef": True,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
LOOK_AT_COLOURS = Path(__file__).with_name("colours.js").read_text()


def barriers(page: Page, *, again: bool = False) -> list[str]:
    """In light and in dark, and at every width but the widest, with what opens closed and open.

    A page that is seen `again`, in another state, is measured where its layout differs most, and in light: the dark
    changes all colours together.
    """
    widths = OTHERWISE if again else WIDTHS[1:]
    narrow = page.evaluate("innerWidth") == widths[-1]  # as the page before was left: then the widest comes last
    found = faults(page, widths[::-1]) if narrow else []
    page.set_viewport_size({"width": widths[0], "height": 900})
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found += _everywhere(page, "light")
    if not again:
        page.emulate_media(color_scheme="dark")
        found += [f"dark: {each}" for each in _everywhere(page, "dark")]
        page.emulate_media(color_scheme="light")
    return found if narrow else found + faults(page, widths)


def _everywhere(page: Page, theme: str) -> list[str]:
    """On the page as it is, then in each dialog and menu of it that was not on a page before, by itself."""
    found = _looked_at(page.locator("html"), theme)
    opens = page.locator(OPENS)
    for number, words in enumerate(opens.evaluate_all(LOOKS)):
        if (theme, words) not in _sound:
            each = opens.nth(number)
            each.evaluate("it => it.matches('dialog') ? it.showModal() : it.showPopover()")
            inside = _looked_at(each, theme)
            each.evaluate("it => it.matches('dialog') ? it.close() : it.hidePopover()")
            found += [f"{each.get_attribute('id')} open: {line}" for line in inside]
            if not inside:
                _sound.add((theme, words))
    return found


_sound: set[tuple[str, str]] = set()  # the menu of the account is on every page
_legible: set[str] = set()  # the looks of texts that axe could read, in both themes
OPENS = "dialog, [popover]"
LOOKS = r"""all => all.map((it) => it.outerHTML.replace(/ (href|action|value)="[^"]*"/g, ""))"""


def _looked_at(part: Locator, theme: str) -> list[str]:
    """What axe says of a part of the page: all rules once, those of colours in each theme."""
    found = []
    if theme == "light":
        found += _sentences(part.evaluate("async (it, options) => (await axe.run(it, options)).violations", RULES))
    colours = part.evaluate(LOOK_AT_COLOURS, {"before": sorted(_legible), "options": COLOURS})
    _legible.update(colours["legible"])
    return found + _sentences(colours["violations"])


def _sentences(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))} {node['html'][:200]} ({node['failureSummary']})"
        for rule in violations
        for node in rule["nodes"]
    ]
