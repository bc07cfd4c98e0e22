"""What the formatter of the templates cannot see to: how long a line is, and how much a file holds."""

import re

from django.conf import settings

FOLDERS = [settings.BASE_DIR / "templates", settings.BASE_DIR / "tests"]
TEMPLATES = sorted(
    path
    for folder in FOLDERS
    for kind in ("*.html", "*.svg", "*.txt")
    for path in folder.rglob(kind)
    if path.is_file() and "templates" in path.parts
)
COLUMNS, ROWS, MOST_ROWS = 120, 60, 100
CELL = re.compile(r"<(?:td|th|c-th)\b")
OF_TRANSLATION = re.compile(r"\s*\{% (?:load|(?:end)?blocktranslate|plural)\b[^%]*%\}\s*")
"""A line that only says that a sentence is translated: it adds nothing to what a template holds."""


def lines() -> list[tuple[str, str]]:
    """Every line of every template, with the place it stands at."""
    return [
        (f"{path.relative_to(settings.BASE_DIR)}:{number}", line)
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), 1)
    ]


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 100


def test_no_line_of_a_template_is_wider_than_a_screen() -> None:
    wide = [f"{place} has {len(line)} columns" for place, line in lines() if len(line) > COLUMNS]
    assert not wide, "\n".join(["A long attribute becomes a <c-slot>, a long condition several lines:", *wide])


def test_a_cell_of_a_table_has_a_line_of_its_own() -> None:
    crowded = [place for place, line in lines() if len(CELL.findall(line)) > 1]
    assert not crowded, "\n".join(crowded)


def test_most_templates_fit_on_one_page() -> None:
    sizes = {
        path: sum(not OF_TRANSLATION.fullmatch(line) for line in path.read_text().splitlines()) for path in TEMPLATES
    }
    long = [f"{path.relative_to(settings.BASE_DIR)} has {size} lines" for path, size in sizes.items() if size > ROWS]
    assert len(long) * 10 <= len(sizes), "\n".join(["Split what has more than one idea:", *long])
    assert max(sizes.values()) <= MOST_ROWS, "\n".join(long)
