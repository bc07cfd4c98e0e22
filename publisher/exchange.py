"""What an export of an API holds beside its design: rooms and modules register a section each at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from publisher.models import Api


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the export by its name. Values are plain: text, numbers, lists, mappings, and bytes for files.

    `of(api)` gives the content, None for nothing. `check(content)` raises Invalid for what cannot be taken, and changes
    nothing. `refuse(content, context)` raises Invalid where what others hold here stands in the way of an API at this
    context; it is asked before anything is written. `restore(api=, content=, actor=, now=)` makes the API have exactly
    this content.
    """

    name: str
    of: Callable[[Api], Any]
    check: Callable[[Any], None]
    restore: Callable[..., object]
    refuse: Callable[[Any, str], None] = lambda content, context: None


@dataclass(frozen=True, slots=True)
class Imported:
    """What a document holds, ready to be taken over: the design's parts, plans by name, what is not in it."""

    parts: Mapping[str, Any]
    plans: Sequence[str]
    missing: Sequence[str]
    sections: Mapping[str, Any]


registered: dict[str, Section] = {}


def register(section: Section) -> None:
    """Add a section; a name counts once."""
    registered.setdefault(section.name, section)


def sections() -> list[Section]:
    """All of them, in the order in which they came."""
    return list(registered.values())
