"""JSON references: what they name in a document, and how a schema is carried out of one document into another. Pure.

In a design a schema stands alone, and its references begin at itself. In an AsyncAPI document they begin at the
document, wherever the schema stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

MOST_STEPS = 20

Path = tuple[str | int, ...]


class Dangling(ValueError):
    """A reference that names nothing in its document. `str(error)` is the sentence."""


def pointer(path: Path) -> str:
    """The path as a JSON pointer in a fragment: `/channels/~1rooms`."""
    tokens = (str(each).replace("~", "~0").replace("/", "~1") for each in path)
    return "".join(f"/{quote(token, safe=_IN_FRAGMENTS)}" for token in tokens)


def path_of(reference: str) -> Path:
    """The path that a reference within its document names. Raises Dangling for any other reference."""
    if not reference.startswith("#"):
        raise Dangling(f"{reference} is another document. Bring what it holds into this one.")
    tokens = unquote(reference[1:]).split("/")[1:]
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def find(document: Any, path: Path) -> Any:
    """What stands at a path. Raises Dangling."""
    value = document
    for token in path:
        if isinstance(value, list) and str(token).isdecimal() and int(token) < len(value):
            value = value[int(token)]
        elif isinstance(value, Mapping) and str(token) in value:
            value = value[str(token)]
        else:
            raise Dangling(f"#{pointer(path)} names nothing in this document.")
    return value


def follow(document: Any, path: Path) -> tuple[Any, Path]:
    """What stands at a path, or where the references there lead, and where that is. Raises Dangling."""
    for _ in range(MOST_STEPS):
        value = find(document, path)
        if not isinstance(value, Mapping) or not isinstance(value.get("$ref"), str):
            return value, path
        path = path_of(value["$ref"])
    raise Dangling(f"#{pointer(path)} leads round in a circle.")


def resolved(root: Any, schema: Any) -> Mapping[str, Any]:
    """A schema behind its references within `root`; an empty one where they lead nowhere, or to no schema."""
    if isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
        try:
            schema = follow(root, path_of(schema["$ref"]))[0]
        except Dangling:
            return _NOTHING
    return schema if isinstance(schema, Mapping) else _NOTHING


def rewritten(value: Any, rewrite: Callable[[str], str]) -> Any:
    """The value with every reference in it rewritten."""
    if isinstance(value, Mapping):
        return {
            key: rewrite(each) if key == "$ref" and isinstance(each, str) else rewritten(each, rewrite)
            for key, each in value.items()
        }
    return [rewritten(each, rewrite) for each in value] if isinstance(value, list) else value


def embedded(schema: Any, path: Path) -> Any:
    """A schema that stands alone, as it reads at a path of a document."""
    if isinstance(schema, Mapping) and "$id" in schema:
        return schema  # its references begin at its own address, wherever it stands
    here = f"#{pointer(path)}"
    return rewritten(schema, lambda each: f"{here}{each[1:]}" if each == "#" or each.startswith("#/") else each)


def standalone(document: Any, path: Path) -> tuple[Any, set[Path]]:
    """The schema at a path of a document, standing alone; and the paths of what it had to take along in its `$defs`.

    Raises Dangling.
    """
    root: Path = tuple(map(str, follow(document, path)[1]))  # as a pointer would name it
    names: dict[Path, str] = {}
    taken: dict[str, Any] = {}
    waiting: list[Path] = []

    def carry(reference: str) -> str:
        if not reference.startswith("#") or (len(reference) > 1 and reference[1] != "/"):
            return reference  # another document, which the cleaner refuses with its name, or an anchor
        to = path_of(reference)
        if to[: len(root)] == root:
            return f"#{pointer(to[len(root) :])}"
        if to not in names:
            base = re.sub(r"[^\w.-]", "_", str(to[-1])) if to else "document"
            name, number = base, 2
            while name in names.values() or name in own:
                name, number = f"{base}{number}", number + 1
            names[to] = name
            waiting.append(to)
        return f"#/$defs/{pointer((names[to],))[1:]}"

    schema = find(document, root)
    given = schema.get("$defs") if isinstance(schema, Mapping) else None
    own: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    schema = rewritten(schema, carry)
    while waiting:
        path = waiting.pop()
        taken[names[path]] = rewritten(find(document, path), carry)
    if taken:
        inside = schema.get("$defs")
        schema = {**schema, "$defs": {**(inside if isinstance(inside, Mapping) else {}), **taken}}
    return schema, {root, *names}


_NOTHING: Mapping[str, Any] = {}
_IN_FRAGMENTS = "!$&'()*+,;=:@?~-._"
