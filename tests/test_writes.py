"""Rows are written in `operations`, and in the few places that are named here with their reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("accounts", "publisher", "devportal", "gateway/api", "gateway/views")
WRITING = {"save", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "delete", "update"}
ON_ROWS = {"save", "revoke", "revoke_family"}
EXCEPTIONS = {
    "accounts/bootstrap.py": "the first administrator: nobody is there yet who could be the actor",
    "publisher/bootstrap.py": "the first plans, likewise",
    "devportal/bootstrap.py": "the first application plans, likewise",
    "publisher/thumbnails.py": "a picture is saved into memory, no row",
}


def _sources(room: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)


def _writes(path: Path) -> list[str]:
    """Calls of a writing verb on a manager, or on a row; the OAuth toolkit's own writes are not seen."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    verbs = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in WRITING | ON_ROWS]
    return [
        f"{path.relative_to(ROOT)}:{verb.lineno}: {on}.{verb.attr}()"
        for verb in verbs
        if ".objects" in (on := ast.unparse(verb.value)) or (verb.attr in ON_ROWS and on != "self")
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_but_operations_writes_rows(room: str) -> None:
    found = [write for path in _sources(room) for write in _writes(path)]
    assert not [each for each in found if "/operations" not in each and not each.startswith(tuple(EXCEPTIONS))]


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_every_exception_is_still_needed(exception: str) -> None:
    there = ROOT / exception
    paths = [there] if there.is_file() else list(there.rglob("*.py"))
    assert any(_writes(path) for path in paths)
