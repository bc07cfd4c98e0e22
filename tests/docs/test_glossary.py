"""Every word of the glossary is what it is called in the code, and says so once."""

import importlib.util
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ROOMS = ("apimanager", "gateway", "devportal", "publisher", "accounts", "core")
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `([\w.]+)` \|$", (ROOT / "docs/reference/glossary.md").read_text(), re.M)


@pytest.fixture(scope="module")
def classes() -> dict[str, list[str]]:
    """Where each class of the product stands."""
    found: dict[str, list[str]] = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for name in re.findall(r"^class (\w+)", path.read_text(), re.M):
                found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


def test_every_line_of_the_glossary_is_read_by_these_tests() -> None:
    lines = (ROOT / "docs/reference/glossary.md").read_text().splitlines()
    told = [line for line in lines if line.startswith("| ") and not line.startswith("| word ")]
    assert len(told) == len(ROWS) > 60


@pytest.mark.parametrize(("word", "name"), [(word, name) for word, _, name in ROWS])
def test_what_the_glossary_names_exists_and_means_one_thing(
    classes: dict[str, list[str]], word: str, name: str
) -> None:
    if "." in name:
        assert importlib.util.find_spec(name), f"{word}: there is no module {name}"
    else:
        assert len(classes.get(name, [])) == 1, f"{word}: there is no class {name}, or several: {classes.get(name)}"


def test_no_word_is_explained_twice() -> None:
    words, names = [word for word, _, _ in ROWS], [name for _, _, name in ROWS]
    assert sorted(set(words)) == sorted(words)
    assert sorted(set(names)) == sorted(names)


def test_a_class_name_means_one_thing_in_the_whole_tree(classes: dict[str, list[str]]) -> None:
    given = {"Command", "Migration"}  # Django finds these by their names
    several = {name: places for name, places in classes.items() if len(places) > 1 and name not in given}
    assert not several
