"""Tests drive what is public: they reach for no private name of the product's, nor of another test's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
LIBRARIES = {
    "_meta _state _default_manager _base_manager _insert _raw_delete": "Django's models: documented, or the one way",
    "_connections _alias _nodb_cursor _databases_names _fixture_teardown": "Django's connections and its test case",
    "_engines _trans _format_cache": "what Django remembers of templates and languages",
    "_asdict _replace": "a named tuple's own methods",
    "_exit": "leaves a forked process without the parent's clean-up",
    "_cleanup": "stops the PostgreSQL that a package brings along",
    "_TrustedHosts": "uvicorn's reading of a header, with which ours is compared",
}
THEIRS = {name for names in LIBRARIES for name in names.split()}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and len(name) > 1


def _reaches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Private names of others: as an attribute, imported, or patched by a text."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls" | "super")):
                continue
            case ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.ImportFrom(names=names):
                yield from ((node.lineno, each.name) for each in names)
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=args):
                texts = [each.value for each in args[:2] if isinstance(each, ast.Constant)]
                yield from ((node.lineno, text.rsplit(".")[-1]) for text in texts if isinstance(text, str))


def test_no_test_reaches_for_what_is_private_and_every_exception_is_still_needed() -> None:
    found = {
        f"{path.relative_to(TESTS)}:{line} {name}": name
        for path in sorted(TESTS.rglob("*.py"))
        for line, name in _reaches(ast.parse(path.read_text()))
        if _is_private(name)
    }
    assert not [place for place, name in found.items() if name not in THEIRS]
    assert set(found.values()) == THEIRS
