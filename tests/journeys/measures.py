"""A page measured in a real browser: what at some width cannot be read, reached or told apart, in sentences."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

# A phone, a desktop at 200 %, a tablet both ways, a laptop, a desktop. The frame changes between 1 024 and 1 025 px.
WIDTHS = (1920, 1440, 1025, 1024, 820, 720, 390)
OTHERWISE = (1440, 820, 390)  # for another state of a page that was measured at all
MEASURES = Path(__file__).with_name("measures.js").read_text()


_measured: dict[int, set[str]] = {width: set() for width in WIDTHS}  # the dialogs and menus that were in order


def faults(page: Page, widths: tuple[int, ...] = WIDTHS) -> list[str]:
    """Measure the page as it stands, with its dialogs and menus, at each width; none is what every page should have."""
    found: dict[str, list[int]] = {}
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        result = page.evaluate(MEASURES, sorted(_measured[width]))
        for sentence in result["found"]:
            found.setdefault(sentence, []).append(width)
        if not result["found"]:
            _measured[width].update(result["known"])
    return [f"{', '.join(map(str, at))} px: {sentence}" for sentence, at in found.items()]
